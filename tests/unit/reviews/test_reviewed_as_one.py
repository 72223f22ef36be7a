"""Imports and sets under five gates: reviewed as one, released as one, seen on four channels."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from contracts.content.gates import Gate
from tests.harness.file_imports import file_imports
from tests.harness.importing import exchange_row
from tests.harness.pipeline import code_of, guide, item, pipeline
from tests.harness.reviewing import FU, GATES_OF_FU, MA, SHEN, source_desk

CODE = code_of(1)
UP_TASK = {"format": "up-task", "source": "test"}
ACT = "act:catalog-set-1"


@pytest.fixture
def county(tmp_path):
    (tmp_path / "county").mkdir()
    with pipeline(tmp_path / "county", review="five") as made:
        yield made


@pytest.fixture
def imports(county, tmp_path):
    (tmp_path / "importing").mkdir()
    with file_imports(county, tmp_path / "importing") as made:
        yield made


def test_what_was_reviewed_is_seen_on_four_channels(county):
    with source_desk(county) as items, source_desk(county, "guides") as guides:
        for desk, content in ((items, item(1)), (guides, guide(1))):
            desk.save(content)
            assert desk.release(CODE).status_code == 409
            desk.approved(CODE)
            assert desk.release(CODE).is_success
    county.flow()

    for channel in ("web", "mobile", "kiosk", "portal"):
        assert county.get(f"{channel}/v1/items/{CODE}").status_code == 200


def approve(desk, number):
    with desk as one:
        review = one.read(number)
        for gate in Gate:
            assert one.sign(review, gate, FU if gate in GATES_OF_FU else SHEN).is_success


def test_an_import_is_submitted_signed_and_run(county, imports, tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(json.dumps(exchange_row(number), ensure_ascii=False) for number in (1, 2)), "utf-8")
    preview = imports.preview(imports.uploaded(file), **UP_TASK)

    early = imports.run(preview)
    assert (early["state"], "送审" in early["problem"]) == ("stopped", True)
    submitted = imports.submit(preview)
    assert submitted["state"] == "finished", submitted["problem"]
    reviews = submitted["outcome"]["reviews"]
    with source_desk(county) as desk:
        told = desk.read(reviews["catalog"])
    assert [(one["code"], one["op"]) for one in told["members"]] == [(code_of(1), "release"), (code_of(2), "release")]
    assert (told["kind"], told["state"], told["preview"]) == ("import", "open", preview["digest"])
    stopped = imports.run(preview)
    assert (stopped["state"], "五关" in stopped["problem"]) == ("stopped", True)
    county.flow()
    assert county.get(f"web/v1/items/{CODE}").status_code == 404

    for source, number in reviews.items():
        if number is not None:
            approve(source_desk(county, source), number)
    done = imports.run(preview)

    assert done["state"] == "finished", done["problem"]
    county.flow()
    assert county.get(f"web/v1/items/{CODE}").status_code == 200
    with source_desk(county) as desk:
        assert desk.read(reviews["catalog"])["state"] == "released"


def test_rows_that_no_gate_has_signed_are_not_imported(county):
    with source_desk(county) as desk:
        body = {"source": "api", "rows": [item(1).model_dump(mode="json")]}
        answer = desk.as_(None).http.post("/v1/imports", json=body)
        assert (answer.status_code, "gates are open" in answer.json()["detail"]) == (409, True)
        assert desk.http.get(f"/v1/items/{CODE}").status_code == 404


def prepare(desk, at, **more):
    member = {"code": CODE, "op": "release"}
    body = {"part_of": ACT, "effective_at": at.isoformat(), "members": [member], **more}
    return desk.as_(MA).http.post("/v1/sets/prepare", json=body)


def test_a_set_at_once_is_reviewed_as_one_and_prepared_within_a_minute(county):
    now = datetime.now(UTC)
    with source_desk(county) as desk:
        desk.save(item(1))
        desk.save(item(2))
        review = desk.submit({"code": CODE}, {"code": code_of(2)})
        assert (review["kind"], review["subject"].endswith("等2项")) == ("set", True)
        assert prepare(desk, now + timedelta(seconds=30), at_once=True).status_code == 409
        desk.approve(review)

        assert desk.release(CODE).status_code == 409, "it was signed as a set"
        assert prepare(desk, now + timedelta(hours=1), at_once=True).status_code == 422
        assert prepare(desk, now + timedelta(seconds=50)).status_code == 409, "no time was signed"
        assert prepare(desk, now + timedelta(seconds=50), at_once=True).is_success


def test_a_set_at_a_time_is_signed_with_its_time(county):
    at = datetime.now(UTC) + timedelta(days=1)
    with source_desk(county) as desk:
        desk.save(item(1))
        desk.approved(CODE, effective_at=at.isoformat())
        assert prepare(desk, at + timedelta(days=1)).status_code == 409
        assert prepare(desk, at).is_success

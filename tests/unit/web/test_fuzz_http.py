"""Anything sent over HTTP is accepted or refused by field and rule; a refusal leaves no trace, nothing breaks."""

from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import Invalid
from shared.text.strict_json import parse_json
from tests.harness.actors import TESTER
from tests.harness.hostile import CHANGES, VALUES, mutated
from tests.harness.pipeline import ADMIN, code_of, guide, item, pipeline

AS_ADMIN = {"Authorization": f"Bearer {ADMIN}"}
CODE = code_of(1)
PATHS = {
    "catalog item": ("PUT", f"/catalog/v1/items/{code_of(2)}", item(2).model_dump(mode="json")),
    "catalog import": ("POST", "/catalog/v1/imports", {"rows": [item(3).model_dump(mode="json")], "withdraw": []}),
    "release": ("POST", f"/catalog/v1/items/{CODE}/release", {"effective_at": "2026-03-01T09:00:00+08:00"}),
    "guide": ("PUT", f"/guides/v1/guides/{code_of(2)}", guide(2).model_dump(mode="json")),
    "guide import": ("POST", "/guides/v1/imports", {"rows": [guide(3).model_dump(mode="json")], "dry_run": True}),
    "case": ("POST", "/applications/v1/applications", {"project_no": "37-2020-1", "item_code": CODE}),
    "events": (
        "POST",
        "/applications/v1/applications/37-2020-1/events",
        {"event": "accepted", "at": "2026-03-01T09:00:00+08:00"},
    ),
    "look-up": ("POST", "/web/v1/applications/lookup", {"project_no": "37-2020-1", "query_code": "ZZZZZZZZZZZZ"}),
}


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory):
    with pipeline(tmp_path_factory.mktemp("fuzz"), channels=["web"], lookup_limit="100000/second") as made:
        made.catalog.save_item(TESTER, CODE, item(1).model_dump(mode="json"), None)
        yield made


def stored(county: Any) -> list[Any]:
    """Count the rows of every table of these services."""
    counts = []
    for service in ("catalog", "guides", "applications", "ledger", "web"):
        tables = county.execute(service, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        counts += [county.execute(service, f'SELECT count(*) FROM "{name}"')[0][0] for (name,) in tables]
    return counts


def require_good_manners(answer: Any) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        problem = answer.json()
        assert problem["status"] == answer.status_code
        for error in problem.get("errors", []):
            assert error["field"], problem
            assert error["rule"], problem
        assert "errors" in problem or answer.status_code != 422
        assert len(answer.content) < 100_000


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", PATHS)
def test_whatever_bytes_a_body_has_it_is_taken_or_refused_by_field(county, name, change):
    method, path, sound = PATHS[name]
    before = stored(county)
    content = CHANGES[change](orjson.dumps(sound))
    answer = county.http.request(method, path, headers=AS_ADMIN, content=content)
    require_good_manners(answer)
    if answer.status_code < 400:
        assert (
            content == orjson.dumps(sound)  # there was nothing of that kind to change
            or answer.json().get("rejected")
            or (name == "release" and change in ("nothing", "a null"))  # a release needs no body
        )
    else:
        assert stored(county) == before


@settings(max_examples=60)
@given(name=st.sampled_from(sorted(PATHS)), data=st.data())
def test_whatever_a_document_says_it_is_taken_or_refused_by_field(county, name, data):
    method, path, sound = PATHS[name]
    before = stored(county)
    content = data.draw(mutated(sound) | VALUES)
    answer = county.http.request(method, path, headers=AS_ADMIN, content=orjson.dumps(content))
    require_good_manners(answer)
    if answer.status_code >= 400:
        assert stored(county) == before


ADDRESSES = [
    "/web/v1/changes?since={}", "/web/v1/items?after={}", "/web/v1/items?limit={}", "/web/v1/items/{}",
    "/web/v1/guides/{}", "/web/v1/search?q={}", "/web/v1/trace/{}", "/web/v1/parked/{}/replay",
    "/ledger/v1/entries?from={}", "/ledger/v1/entries/{}", "/ledger/v1/current?after={}", "/ledger/v1/versions/{}",
    "/ledger/v1/proof/inclusion?position={}", "/ledger/v1/proof/consistency?first={}",
    "/catalog/v1/releases?lane={}", "/catalog/v1/releases?lane=live&after={}", "/catalog/v1/items/{}",
    "/applications/v1/applications/{}", "/web/items/{}", "/web/search?q={}",
]  # fmt: skip
ODD = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    | st.integers().map(str)
    | st.sampled_from(
        ["0", "-1", str(2**63), "9" * 4_000, "%00", "%ff", "%ED%A0%80", "..%2f..%2f", "1e9", "٣", "0x1", "+1"]
    )
)


@settings(max_examples=100)
@given(address=st.sampled_from(ADDRESSES), odd=ODD)
def test_whatever_stands_in_an_address_it_is_answered_or_refused(county, address, odd):
    sent = odd if "%" in odd and odd.isascii() and odd.isprintable() and " " not in odd else quote(odd, safe="")
    answer = county.http.get(address.format(sent), headers={"Authorization": f"Bearer {ADMIN}"})
    assert answer.status_code < 500, (address, odd, answer.text)


@pytest.mark.parametrize("address", [a for a in ADDRESSES if "lane=live" in a or "from=" in a or "limit=" in a])
def test_a_number_beyond_every_database_is_refused_by_field(county, address):
    for number in (2**53, 2**63, 10**400):
        answer = county.http.get(address.format(number), headers=AS_ADMIN)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] in ("after", "from", "limit")


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b'{"code":1,"code":2}', "code"),
        (b'{"a":{"name":1,"b":[{"fee":1,"fee":1}]}}', "fee"),
        ('{"张三":1,"张三":2}'.encode(), "body"),
        (b'{"13812345678":1,"13812345678":2}', "body"),
        (b'{"a":1,"\\u0061":2}', "a"),
    ],
)
def test_a_name_that_is_there_twice_is_refused_by_field(raw, field):
    with pytest.raises(Invalid) as caught:
        parse_json(raw)
    assert [(v.field, v.rule) for v in caught.value.violations] == [(field, "repeated_field")]


@given(value=VALUES)
def test_what_has_each_name_once_is_read_as_it_is(value):
    assert parse_json(orjson.dumps(value)) == value


@pytest.mark.parametrize("at", [18, 19, 22])
def test_a_case_of_an_item_whose_code_gives_no_number_is_refused_by_field(county, at):
    code = CODE[:at] + "Z" + CODE[at + 1 :]
    opening = {"item_code": code, "task_type": "01"}
    answer = county.http.post("/applications/v1/applications", headers=AS_ADMIN, json=opening)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["item_code"]

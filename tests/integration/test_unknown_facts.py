"""A county from an import that invented to one that says what it does not know, by an operator's commands."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.command import WELL, tongyuan, until_shown
from tests.harness.county import EmbeddedCounty, running
from tests.harness.pipeline import code_of, guide, item
from tests.integration.test_command_line import QUICK, row
from tests.unit.operations.test_stated_facts import EMPTY, FILLED_IN_ITEM, OLD_MATERIAL

pytestmark = [pytest.mark.xdist_group("unknown-facts"), pytest.mark.timeout(300)]

LEAST = ("task_code", "catalog_code", "task_name", "task_type", "use_level", "dept_name", "dept_code", "task_state")
WHOLE, BARE, LISTED = 1, 2, 3
"""An item of which all is stated, one with a bare list of materials, and one of which only its name is known."""


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCounty]:
    made = EmbeddedCounty(tmp_path_factory.mktemp("unknown"), env=QUICK)
    with running(made):
        yield made


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    least = [{name: row(number)[name] for name in LEAST} for number in (BARE, LISTED)]
    bare = {**least[0], "promise_day": 15, "materials": ["申请表", "照片"]}
    rows: list[dict[str, Any]] = [row(WHOLE), bare, least[1]]
    path = tmp_path_factory.mktemp("file") / "rows.jsonl"
    path.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def invented(county: EmbeddedCounty) -> EmbeddedCounty:
    """What an import of before had released of `BARE` and `LISTED`."""
    said: dict[int, dict[str, Any]] = {BARE: {"promise_day": 15}, LISTED: {}}
    items = [item(number, **FILLED_IN_ITEM, **more).model_dump(mode="json") for number, more in said.items()]
    guides = [guide(BARE, materials=[OLD_MATERIAL]), guide(LISTED, **EMPTY)]
    given = {"catalog": items, "guides": [one.model_dump(mode="json") for one in guides]}
    for service, rows in given.items():
        answer = county.http(service).post(f"/{service}/v1/imports", json={"rows": rows})
        assert answer.json()["released"] == 2, answer.text
    until_shown(county)
    return county


def test_from_what_was_invented_to_what_is_known(invented: EmbeddedCounty, file: Path) -> None:
    before = tongyuan(invented, "doctor", "--json").json["suspect"]
    assert (before["materials.copies"], before["project_type"], before["guide"]) == (1, 2, 1)
    words = tongyuan(invented, "doctor")
    assert words.code == WELL
    assert "filled in by an earlier import" in words.out
    assert "import the same files again" in words.out

    done = tongyuan(invented, "import", file, "--format", "up-task", "--json")
    assert done.code == WELL
    assert (done.json["released"], done.json["withdrawn_versions"]) == (5, 1)
    assert (done.json["unknown"]["materials.copies"], done.json["unknown"]["is_entry_center"]) == (2, 2)
    until_shown(invented)

    after = tongyuan(invented, "doctor", "--json").json
    assert after["suspect"] == {}
    assert after["unknown"]["promise_type"] == 1
    again = tongyuan(invented, "import", file, "--format", "up-task", "--json").json
    assert (again["released"], again["withdrawn_versions"]) == (0, 0)

    checked = tongyuan(invented, "verify")
    assert checked.code == WELL
    assert "2 items are not shown by the kiosk because nobody states whether the hall accepts them" in checked.out
    shown = [invented.http(name).get(f"/{name}/v1/items/{code_of(BARE)}").status_code for name in ("web", "kiosk")]
    assert shown == [200, 410]
    assert invented.http("web").get(f"/web/v1/guides/{code_of(LISTED)}").status_code == 410


def test_an_import_tells_what_its_file_does_not_say_and_how_to_state_the_hall(
    county: EmbeddedCounty, file: Path
) -> None:
    done = tongyuan(county, "import", file, "--format", "up-task", "--dry-run")

    assert done.code == WELL
    assert "not stated by the file, shown as unknown: " in done.out
    assert "materials.is_need 1" in done.out
    assert "2 items are not shown by the kiosk" in done.out
    assert "constants: {is_entry_center: 是}" in done.out
    assert "guide_empty" in done.out
    assert "unit_unknown" in done.out

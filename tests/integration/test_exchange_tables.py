"""What a county shows goes up as batches of the national exchange tables, proven on the way."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.demo import content
from tests.harness.county import REPOSITORY, EmbeddedCounty, running, wait_for

ITEM = next(one for one in content.items() if one.task_type in ("01", "05", "07", "08", "09", "10"))


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCounty]:
    with running(EmbeddedCounty(tmp_path_factory.mktemp("exchange"), "--demo")) as made:
        assert isinstance(made, EmbeddedCounty)
        shown = f"{made.url('web')}/web/v1/items"
        wait_for(lambda: len(made.http("web").get(shown).json()["items"]) >= len(content.items()), "the demo", 400)
        yield made


def run(county: EmbeddedCounty, folder: Path) -> Path | None:
    """Run the exchange once; return the folder of its batch."""
    files = ("--state", "state.db", "--exchange-state", "exchange.db", "--exchange", "out", "--data-source", "001")
    done = subprocess.run(
        [sys.executable, "-m", "tongyuan_client", county.url("web"), *files],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "clients" / "python")},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = done.stdout.strip()
    return None if said == "nothing new" else folder / said


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_whole_county_then_only_what_has_changed(county: EmbeddedCounty, tmp_path: Path) -> None:
    first = run(county, tmp_path)
    assert first is not None
    rows = {row["task_handle_item"] or row["task_code"]: row for row in table(first, "up_task_general_basic")}
    assert rows[ITEM.code]["task_name"] == ITEM.task_name
    assert {row["cd_operation"] for row in rows.values()} == {"I"}
    assert {row["data_source"] for row in rows.values()} == {"001"}
    told = json.loads((first / "manifest.json").read_text(encoding="utf-8"))
    applicable = {one.code for one in content.items() if one.task_type not in ("02", "03", "04", "06")}
    made = {name for name in told["files"] if name.endswith("_basic.csv")}
    assert sum(told["files"][name]["rows"] for name in made) == len(applicable)
    assert run(county, tmp_path) is None

    http = county.http("catalog")
    known = http.get(f"/catalog/v1/items/{ITEM.code}").headers["etag"]
    draft = {**ITEM.model_dump(mode="json"), "promise_day": 41}
    assert http.put(f"/catalog/v1/items/{ITEM.code}", json=draft, headers={"If-Match": known}).is_success
    assert http.post(f"/catalog/v1/items/{ITEM.code}/release").is_success
    second = wait_for(lambda: run(county, tmp_path), "the change is in a signed head", 60)

    (row,) = table(second, "up_task_general_basic")
    assert (row["cd_operation"], row["promise_day"]) == ("U", "41")
    assert int(row["task_version"]) > int(rows[ITEM.code]["task_version"])

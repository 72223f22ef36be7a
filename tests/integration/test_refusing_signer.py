"""While the signer refuses, no command calls the county well, and a write says that it has no effect yet."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.demo import content
from tests.harness.command import PROBLEM, WELL, tongyuan
from tests.harness.county import EmbeddedCounty, running, wait_for
from tests.harness.pipeline import unit_code

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("refusing-signer")]

QUICK = {"TONGYUAN_RECONCILE_INTERVAL": "0.5", "TONGYUAN_HEAD_INTERVAL": "0.5"}
UNCLAIMED = "000731996000"
"""A row of the demonstration's 基本目录 that no item of it claims."""

ROW = {
    "task_code": f"{unit_code()}4{UNCLAIMED}",
    "catalog_code": UNCLAIMED,
    "task_name": "股权出质设立登记",
    "task_type": "07",
    "task_state": "1",
    "task_version": 1,
    "use_level": "4",
    "dept_name": "云溪县住房和城乡建设局",
    "dept_code": unit_code(),
    "dept_type": "1",
    "by_law": "《中华人民共和国消防法》第十一条",
    "server_type": "1",
    "project_type": "2",
    "handle_type": "1",
    "accept_condition": "已取得规划许可",
    "anticipate_day": 20,
    "anticipate_type": "1",
    "promise_day": 15,
    "promise_type": "1",
    "is_fee": "0",
    "transact_addr": "鹰峰中路1号3楼5号窗口",
    "transact_time": "工作日9:00-12:00",
    "link_way": "0751-5361234",
    "supervise_way": "0751-12345",
}
"""An item as the national exchange writes it."""

WELL_WORDS = ("the same source everywhere", "all well", "nothing is wrong", "nothing wrong found")


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCounty]:
    """A demonstration that goes on without its life, and whose key was moved without what it has signed."""
    folder = tmp_path_factory.mktemp("county")
    with running(EmbeddedCounty(folder, "--demo", env=QUICK)) as first:
        wait_for(lambda: tongyuan(first, "verify").code == WELL, "it is the same everywhere", 120)
    (folder / "data" / "ledger-signed").rename(folder / "ledger-signed")
    with running(EmbeddedCounty(folder, env=QUICK)) as made:
        wait_for(lambda: "has signed and recorded nothing" in tongyuan(made, "status").out, "the signer refuses")
        yield made


@pytest.mark.parametrize("command", ["status", "verify", "audit", "doctor"])
def test_no_command_calls_the_county_well(county: EmbeddedCounty, command: str) -> None:
    done = tongyuan(county, command)
    assert done.code == PROBLEM
    assert not [words for words in WELL_WORDS if words in done.out]
    assert "ledger-signed" in done.out


def test_verify_says_that_what_is_shown_is_consistent(county: EmbeddedCounty) -> None:
    assert "all channels are consistent, but nothing can be released" in tongyuan(county, "verify").out
    report = tongyuan(county, "verify", "--json").json
    assert (report["good"], report["consistent"]) == (False, True)
    assert report["unreleasable"]["state"] == "refused"


def test_a_demonstration_without_its_life_still_says_that_it_is_one(county: EmbeddedCounty) -> None:
    for command in ("status", "doctor"):
        assert "云溪县（演示）" in tongyuan(county, command).out
    assert tongyuan(county, "status", "--json").json["county"]["demo"] is True
    assert "演示" in county.http("web").get("/").text
    form = content.forms().keys()
    assert county.http("web").get(next(iter(form))).is_success


def test_a_release_and_an_import_are_kept_and_say_that_they_have_no_effect_yet(
    county: EmbeddedCounty, tmp_path: Path
) -> None:
    code = content.items()[0].code
    withdrawn = county.http("catalog").post(f"/catalog/v1/items/{code}/suspend")
    assert withdrawn.json()["state"] == "suspended"
    assert withdrawn.json()["notice"]["state"] == "refused"
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(ROW, ensure_ascii=False), encoding="utf-8")
    done = tongyuan(county, "import", file, "--format", "up-task")
    assert "0 rejected" in done.out, done
    assert "拒绝签名" in done.out
    assert done.code == PROBLEM

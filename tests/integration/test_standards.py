"""`tongyuan standards` with two running counties: what one has released is previewed and released by the other."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.command import PROBLEM, USAGE, WELL, tongyuan, until_shown
from tests.harness.county import EmbeddedCounty, running
from tests.harness.pipeline import code_of, unit_code

pytestmark = [pytest.mark.xdist_group("standards"), pytest.mark.timeout(600)]

SHOWN, PLANNED, WITHDRAWN = code_of(1), code_of(2), code_of(3)


@pytest.fixture(scope="module")
def counties(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmbeddedCounty, EmbeddedCounty]]:
    """One county with an item that is shown, one that is planned and one that was withdrawn; and an empty one."""
    made = [EmbeddedCounty(tmp_path_factory.mktemp(name), env={"TONGYUAN_HEAD_INTERVAL": "0.5"}) for name in "ab"]
    with running(made[0]), running(made[1]):
        rows = tmp_path_factory.mktemp("rows")
        released(made[0], rows, row(SHOWN), row(PLANNED, plan_effective_date="2999-01-01"), row(WITHDRAWN))
        released(made[0], rows, row(WITHDRAWN, cd_operation="D"))
        until_shown(made[0])
        yield made[0], made[1]


def row(code: str, **changes: str) -> dict[str, Any]:
    return {
        "task_code": code,
        "catalog_code": code[19:],
        "task_name": "建设工程消防设计审查",
        "task_type": "07",
        "use_level": "4",
        "dept_name": "云溪县住房和城乡建设局",
        "dept_code": unit_code(),
        "server_type": "2^1",
        "keywords": ["消防报建", "审图"],
        "is_fee": "1",
        "promise_day": "15",
        "promise_type": "1",
        "accept_condition": "已取得规划许可",
        "materials": [{"material_name": "申请表", "is_need": "1"}, {"material_name": "图纸"}],
        "fees": [{"fee_name": "工本费", "fee_stand": "每本10元", "amount_fen": "1000"}],
        "windows": [{"address": "鹰峰中路1号", "hours": "工作日 9:00-17:00"}],
        "handle_flow": [{"name": "受理", "content": "窗口收件"}, {"name": "审查"}],
        **changes,
    }


def released(county: EmbeddedCounty, folder: Path, *rows: dict[str, Any]) -> None:
    file = folder / "rows.jsonl"
    file.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in rows), encoding="utf-8")
    done = tongyuan(county, "import", file, "--format", "up-task", "--confirm-withdrawals")
    assert done.code == WELL, done


def command(county: EmbeddedCounty, *arguments: object, code: int = WELL) -> Any:
    done = tongyuan(county, "standards", *arguments, "--json")
    assert done.code == code, done
    return done.json


def in_force(county: EmbeddedCounty, service: str, code: str) -> dict[str, Any]:
    kind = {"catalog": "items", "guides": "guides"}[service]
    body: dict[str, Any] = county.http(service).get(f"/{service}/v1/{kind}/{code}").json()["in_force"]["body"]
    return body


@pytest.mark.parametrize("name", ["county.json", "county.ttl", "county.jsonld"])
def test_what_is_shown_leaves_and_what_is_planned_or_withdrawn_stays(
    counties: tuple[EmbeddedCounty, EmbeddedCounty], tmp_path: Path, name: str
) -> None:
    told = command(counties[0], "export", tmp_path / name)

    written = (tmp_path / name).read_text(encoding="utf-8")
    assert told == {"services": 1, "files": 1}
    assert SHOWN in written
    assert PLANNED not in written
    assert WITHDRAWN not in written


@pytest.mark.parametrize("name", ["county.json", "county.ttl", "county.jsonld"])
def test_another_county_previews_and_releases_the_same_item_and_guide(
    counties: tuple[EmbeddedCounty, EmbeddedCounty], tmp_path: Path, name: str
) -> None:
    one, other = counties
    file = tmp_path / name
    command(one, "export", file)
    known = other.http("catalog").get(f"/catalog/v1/items/{SHOWN}").status_code == 200

    previewed = command(other, "import", file, "--preview")
    assert (other.http("catalog").get(f"/catalog/v1/items/{SHOWN}").status_code == 200) == known
    imported = command(other, "import", file)
    again = command(other, "import", file)

    assert previewed["figures"] == imported["figures"]
    assert (imported["figures"]["new"], again["figures"]["new"]) == (0 if known else 1, 0)
    assert (imported["figures"]["changed"], again["figures"]["changed"]) == (0, 0)
    assert (imported["rejected"], imported["lost"], imported["held_for"]) == (0, 0, {})
    for service in ("catalog", "guides"):
        assert in_force(other, service, SHOWN) == in_force(one, service, SHOWN)


def test_pages_are_imported_together(counties: tuple[EmbeddedCounty, EmbeddedCounty], tmp_path: Path) -> None:
    one, other = counties
    told = command(one, "export", tmp_path / "pages", "--page-size", 1)
    page = tmp_path / "pages" / "page-0001.json"

    assert told == {"services": 1, "files": 1}
    assert command(other, "import", page, page, "--preview")["items"] == 1


def test_a_foreign_service_is_refused_and_its_remedy_is_listed(
    counties: tuple[EmbeddedCounty, EmbeddedCounty], data: Path, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.jsonl"

    told = command(counties[1], "import", data / "hsds-service_full.json", "--rejects", rejects, code=PROBLEM)

    (refused,) = [json.loads(line) for line in rejects.read_text(encoding="utf-8").splitlines()]
    assert (told["items"], told["rejected"]) == (0, 1)
    assert (refused["table"], refused["rule"]) == ("service", "required")
    assert "实施编码" in refused["remedy"]


def test_values_that_no_field_takes_are_counted_and_written_by_name(
    counties: tuple[EmbeddedCounty, EmbeddedCounty], tmp_path: Path
) -> None:
    one, other = counties
    file, lost = tmp_path / "county.json", tmp_path / "lost.jsonl"
    command(one, "export", file)
    page = json.loads(file.read_bytes())
    service = page["contents"][0]
    service["email"] = "hall@example.gov.cn"
    online = {"location_type": "virtual", "url": "http://zwfw.example.gov.cn"}
    service["service_at_locations"].append({"location": online})
    for attribute in service["attributes"]:
        attribute["value"] = "三个月" if attribute["link_type"] == "promise_day" else attribute["value"]
    file.write_text(json.dumps(page), encoding="utf-8")

    told = command(other, "import", file, "--preview", "--lost", lost)

    listed = {one["field"]: one["value"] for one in map(json.loads, lost.read_text(encoding="utf-8").splitlines())}
    assert (listed["email"], listed["promise_day"]) == ("hall@example.gov.cn", "三个月")
    assert listed["online_handle_url"] == "http://zwfw.example.gov.cn"
    assert told["lost"] + told["doubtful"] == len(listed)


def test_a_document_that_cannot_be_read_changes_nothing(
    counties: tuple[EmbeddedCounty, EmbeddedCounty], tmp_path: Path
) -> None:
    file = tmp_path / "catalogue.jsonld"
    file.write_text('{"@context": "https://elsewhere.example/context.jsonld"}', encoding="utf-8")

    done = tongyuan(counties[1], "standards", "import", file)

    assert done.code == USAGE
    assert "nothing is fetched" in done.complaint

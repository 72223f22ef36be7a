"""`tongyuan exchange` with a running county: items down, items and cases up, as CSV and in a database."""

import csv
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.harness.command import PROBLEM, USAGE, WELL, tongyuan, until_shown
from tests.harness.county import EmbeddedCounty, running, wait_for
from tests.harness.pipeline import code_of, unit_code

pytestmark = [pytest.mark.xdist_group("exchange"), pytest.mark.timeout(600)]

BASIC, EXTEND, MATERIAL = "up_task_general_basic", "up_task_general_extend", "up_task_general_material"


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCounty]:
    county = EmbeddedCounty(tmp_path_factory.mktemp("exchange"), env={"TONGYUAN_HEAD_INTERVAL": "0.5"})
    with running(county):
        yield county


def basic(number: int, **changes: str) -> dict[str, str]:
    code = code_of(number)
    return {
        "row_guid": f"guid-{number}",
        "task_code": code,
        "catalog_code": code[19:],
        "task_name": f"第{number}号事项",
        "task_type": "07",
        "task_state": "1",
        "task_version": "1",
        "by_law": "《中华人民共和国消防法》第十一条",
        "use_level": "4",
        "dept_name": "云溪县住房和城乡建设局",
        "dept_code": unit_code(),
        "server_type": "1^2",
        "project_type": "2",
        "accept_condition": "已取得规划许可",
        "promise_day": "15",
        "promise_type": "1",
        "transact_addr": "鹰峰中路1号3楼5号窗口",
        "cd_operation": "I",
        **changes,
    }


def table(folder: Path, name: str, *rows: dict[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def sent_up(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def down(county: EmbeddedCounty, *arguments: object, code: int = WELL, **env: str) -> Any:
    done = tongyuan(county, "exchange", "down", *arguments, "--json", **env)
    assert done.code == code, done
    return done.json


def up(county: EmbeddedCounty, *arguments: object, code: int = WELL, **env: str) -> Any:
    done = tongyuan(county, "exchange", "up", *arguments, "--json", **env)
    assert done.code == code, done
    return done.json


def test_items_come_down_with_their_parts_and_the_same_again_changes_nothing(
    county: EmbeddedCounty, tmp_path: Path
) -> None:
    folder = tmp_path / "down"
    table(folder, BASIC, basic(1), basic(2))
    table(folder, EXTEND, {"row_guid": "e1", "task_guid": "guid-1", "task_code": code_of(1), "is_online": "1"})
    table(folder, MATERIAL, {"row_guid": "m1", "task_guid": "guid-1", "order_num": "1", "material_name": "申请表"})

    previewed = down(county, folder, "--preview")
    first, second = down(county, folder), down(county, folder)

    assert previewed["figures"] == first["figures"]
    assert (first["figures"]["new"], second["figures"]["new"]) == (2, 0)
    shown = county.http("catalog").get(f"/catalog/v1/items/{code_of(1)}").json()["in_force"]
    assert (shown["version"], shown["body"]["is_online"]) == (1, True)
    guide = county.http("guides").get(f"/guides/v1/guides/{code_of(1)}").json()["in_force"]["body"]
    assert [one["material_name"] for one in guide["materials"]] == ["申请表"]


def test_a_refused_row_is_listed_with_its_reason_and_replayed_after_it_was_mended(
    county: EmbeddedCounty, tmp_path: Path
) -> None:
    folder, rejects = tmp_path / "down", tmp_path / "rejects.jsonl"
    table(folder, BASIC, basic(11, task_type="99"), basic(12))
    table(folder, MATERIAL, {"row_guid": "m9", "task_guid": "guid-nobody", "order_num": "1", "material_name": "图纸"})

    told = down(county, folder, "--rejects", rejects, code=PROBLEM)

    refused = [json.loads(line) for line in rejects.read_text(encoding="utf-8").splitlines()]
    assert told["figures"]["new"] == 1
    assert {(one["table"], one["row_guid"], one["field"]) for one in refused} >= {
        (MATERIAL, "m9", "task_guid"),
        (BASIC, "guid-11", "task_type"),
    }
    assert all(one["rule"] and one["remedy"] for one in refused)

    still = down(county, folder, "--replay", rejects, code=PROBLEM)
    table(folder, BASIC, basic(11), basic(12, task_name="不在名单里"), basic(13, row_guid="guid-nobody"))
    replayed = down(county, folder, "--replay", rejects)

    assert (still["items"], still["rejected"]) == (1, len(refused))
    assert (replayed["items"], replayed["figures"]["new"]) == (2, 2)


def test_a_batch_that_is_not_as_its_manifest_says_is_refused_as_a_whole(county: EmbeddedCounty, tmp_path: Path) -> None:
    folder = tmp_path / "down"
    table(folder, BASIC, basic(21))
    stated = {"files": {f"{BASIC}.csv": {"sha256": "0" * 64, "rows": 1}}}
    (folder / "manifest.json").write_text(json.dumps(stated))

    done = tongyuan(county, "exchange", "down", folder)

    assert done.code == USAGE
    assert "copy the batch again" in done.complaint
    assert county.http("catalog").get(f"/catalog/v1/items/{code_of(21)}").status_code == 404


def test_a_folder_without_the_tables_is_refused_and_not_taken_for_an_empty_batch(
    county: EmbeddedCounty, tmp_path: Path
) -> None:
    done = tongyuan(county, "exchange", "down", tmp_path)

    assert done.code == USAGE
    assert "up_task_general_basic" in done.complaint


def test_what_is_released_goes_up_once_and_then_only_what_changed(county: EmbeddedCounty, tmp_path: Path) -> None:
    folder, state = tmp_path / "down", tmp_path / "state.json"
    table(folder, BASIC, basic(31), basic(32))
    down(county, folder)
    until_shown(county)

    up(county, tmp_path / "one", "--state", state)
    table(folder, BASIC, basic(31, task_version="2", promise_day="9", cd_operation="U"))
    down(county, folder)
    until_shown(county)
    told = up(county, tmp_path / "two", "--state", state)
    nothing = up(county, tmp_path / "three", "--state", state)

    first = {row["task_code"]: row for row in sent_up(tmp_path / "one", BASIC)}
    assert first[code_of(31)]["promise_day"] == "15"
    assert first[code_of(31)]["is_fee"] == ""
    (changed,) = sent_up(tmp_path / "two", BASIC)
    assert (changed["task_code"], changed["promise_day"]) == (code_of(31), "9")
    assert int(changed["task_version"]) > int(first[code_of(31)]["task_version"])
    assert (told["records"], nothing["records"]) == (1, 0)
    manifest = json.loads((tmp_path / "one" / "manifest.json").read_text())
    assert manifest["files"][f"{BASIC}.csv"]["rows"] == len(first)


def test_what_is_planned_for_later_does_not_go_up_and_what_is_withdrawn_goes_up_as_cancelled(
    county: EmbeddedCounty, tmp_path: Path
) -> None:
    folder, state = tmp_path / "down", tmp_path / "state.json"
    table(folder, BASIC, {**basic(71), "plan_effective_date": "2999-01-01"}, {**basic(72), "plan_effective_date": ""})
    down(county, folder)
    until_shown(county)
    up(county, tmp_path / "one", "--state", state)
    table(folder, BASIC, basic(72, task_version="2", cd_operation="D"))
    down(county, folder)
    until_shown(county)
    up(county, tmp_path / "two", "--state", state)

    sent = {row["task_code"] for row in sent_up(tmp_path / "one", BASIC)}
    assert code_of(72) in sent
    assert code_of(71) not in sent
    assert json.loads(state.read_text())["waiting"] == [code_of(71)]
    (gone,) = sent_up(tmp_path / "two", BASIC)
    assert (gone["task_code"], gone["task_state"], gone["cd_operation"]) == (code_of(72), "3", "D")


def test_a_database_gets_each_row_once_and_gives_them_back(county: EmbeddedCounty, tmp_path: Path) -> None:
    folder, file = tmp_path / "down", tmp_path / "exchange.db"
    address = {"TONGYUAN_EXCHANGE_DATABASE_URL": f"sqlite:///{file}"}
    table(folder, BASIC, basic(41))
    down(county, folder)
    until_shown(county)

    first = up(county, "--database", "--create-tables", **address)
    second = up(county, "--database", **address)
    again = down(county, "--database", "--source", "round", "--preview", **address)

    assert first["inserted"] > 0
    assert (second["inserted"], second["updated"], second["unchanged"]) == (0, 0, first["inserted"])
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute(f"SELECT count(*) FROM {BASIC} WHERE task_code = ?", (code_of(41),)).fetchone()
    assert found == (1,)
    assert again["figures"]["new"] == 0
    assert again["rejected"] == 0


def opened_case(county: EmbeddedCounty, number: int, **persons: object) -> str:
    """Open a case of an item; return its number."""
    content = {"item_code": code_of(number), **persons}
    answer = county.http("applications").post("/applications/v1/applications", json=content)
    return str(answer.raise_for_status().json()["project_no"])


def lines(file: Path, *messages: object) -> Path:
    file.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in messages), encoding="utf-8")
    return file


def test_hall_messages_and_marks_are_taken_once_and_refused_ones_are_listed(
    county: EmbeddedCounty, tmp_path: Path
) -> None:
    table(tmp_path / "down", BASIC, basic(61))
    down(county, tmp_path / "down")
    until_shown(county)
    case = opened_case(county, 61)

    def sent(operation: str, day: int, **body: object) -> dict[str, object]:
        told = {"project_no": case, "occurred_at": f"2026-11-{day:02} 10:00:00", **body}
        return {"routing_key": f"project.370800.{operation}.1", "body": told}

    hall = lines(
        tmp_path / "hall.jsonl",
        *(sent("jj", 2), sent("accept", 3), sent("sendresult", 5, state="11"), sent("teleport", 6)),
        sent("jj", 2, project_no="NOBODY-1"),
    )
    first = tongyuan(county, "exchange", "hall", hall, "--rejects", tmp_path / "rejects", "--json")
    again = tongyuan(county, "exchange", "hall", hall, "--json")

    assert (first.code, first.json, again.json) == (PROBLEM, {"taken": 3, "rejected": 2}, first.json)
    rejects = [json.loads(one)["rule"] for one in (tmp_path / "rejects").read_text(encoding="utf-8").splitlines()]
    assert rejects == ["known-operation", "known-case"]

    mark = {"projectNo": case, "serviceNumber": "1", "satisfaction": "2", "evalDetail": "208"}
    marks = lines(tmp_path / "marks.jsonl", {**mark, "assessTime": "2026-11-06 10:00:00"})
    second = lines(tmp_path / "second.jsonl", {**mark, "satisfaction": "5", "assessTime": "2026-11-07 10:00:00"})
    taken = tongyuan(county, "exchange", "marks", marks, "--json")
    repeated = tongyuan(county, "exchange", "marks", marks, "--json")
    refused = tongyuan(county, "exchange", "marks", second, "--json")

    assert (taken.code, taken.json["taken"], taken.json["guides_wrong"]) == (WELL, 1, {code_of(61): 1})
    assert (repeated.code, repeated.json["guides_wrong"]) == (WELL, {})
    assert (refused.code, refused.json["taken"]) == (PROBLEM, 0)
    facts = county.http("applications").get(f"/applications/v1/applications/{case}").json()["facts"]
    assert [one["event"] for one in facts] == ["received", "accepted", "review_started", "approved", "evaluated"]


def test_a_case_goes_up_with_no_more_of_its_applicant_than_the_table_demands(
    county: EmbeddedCounty, tmp_path: Path
) -> None:
    table(tmp_path / "down", BASIC, basic(51))
    down(county, tmp_path / "down")
    until_shown(county)
    applicant = {"name": "张三丰", "kind": "1", "contact_mobile": "13800005678", "address": "鹰峰中路9号"}
    http = county.http("applications")
    number = opened_case(county, 51, applicant=applicant, project_name="关于张三丰的业务")
    events = [
        {"event": event, "occurred_at": f"2026-11-{day}T02:00:00Z"}
        for event, day in (("received", "02"), ("accepted", "03"), ("review_started", "04"), ("approved", "05"))
    ]
    http.post(f"/applications/v1/applications/{number}/events", json=events).raise_for_status()

    def recorded() -> bool:
        keys = county.http("ledger").get("/ledger/v1/current").json()["keys"]
        return f"application:{reference}" in {one["key"] for one in keys}

    reference = http.get(f"/applications/v1/applications/{number}").json()["case_ref"]
    wait_for(recorded, "the ledger has the case")
    until_shown(county)

    up(county, tmp_path / "up", "--cases")

    (accepted,) = [row for row in sent_up(tmp_path / "up", "up_pro_accept") if row["project_no"] == number]
    assert (accepted["project_no"], accepted["applyer_name"], accepted["accept_date"]) == (
        number,
        "张三丰",
        "2026-11-03",
    )
    assert accepted["task_name"] == "第51号事项"
    assert (accepted["contact_mobile"], accepted["address"], accepted["project_name"]) == ("", "", "")
    states = [row["event_name"] for row in sent_up(tmp_path / "up", "up_pro_process") if row["project_no"] == number]
    assert states == ["1", "3", "8", "11"]
    (result,) = [row for row in sent_up(tmp_path / "up", "up_pro_result") if row["project_no"] == number]
    assert (result["result_type"], result["result_date"]) == ("11", "2026-11-05 10:00:00")
    without = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "up").iterdir())
    assert "13800005678" not in without
    assert "鹰峰中路9号" not in without

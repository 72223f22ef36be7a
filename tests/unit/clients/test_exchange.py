"""Batches of the national exchange tables: who takes them all has what the county shows, and nothing nobody stated."""

import csv
import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.demo import content
from tongyuan_client.exchange import Exchange
from tongyuan_client.national import Row, missing, row_guid, rows_of
from tongyuan_client.reader import Event

ITEMS = [one.model_dump(mode="json") for one in content.items()]
GUIDES = {one.code: one.model_dump(mode="json") for one in content.guides()}
APPLICABLE = [one for one in ITEMS if one["task_type"] in ("01", "05", "07", "08", "09", "10", "20")]
FIRST = APPLICABLE[0]
CODE = FIRST["code"]


def event(key: str, version: int, body: Any, expires_at: str | None = None) -> Event:
    return Event(0, key, version, "withdraw" if body is None else "release", body, {"expires_at": expires_at})


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def exchange(tmp_path: Path) -> Any:
    made = Exchange(tmp_path / "out", str(tmp_path / "state.db"), "001")
    yield made
    made.close()


def test_an_item_and_its_guide_are_one_row_with_children() -> None:
    item = {**FIRST, "task_type": "01", "serve_type": ["1", "2"], "is_fee": False, "promise_day": 0}
    guide = {
        **GUIDES[CODE],
        "materials": [{"material_name": "身份证", "copies": 2}],
        "steps": [{"name": "受理", "day": 1, "content": "窗口受理"}, {"name": "办结"}],
        "windows": [{"address": "政务服务大厅", "hours": "9:00-17:00"}, {"address": "政务服务大厅"}],
    }
    rows = dict(rows_of(CODE, 3, item, guide))

    basic = rows["up_task_general_basic"]
    assert (basic["row_guid"], basic["task_version"], basic["task_code"]) == (row_guid(CODE, 3), "3", CODE[:31])
    assert (basic["server_type"], basic["is_fee"], basic["promise_day"]) == ("1^2", "0", "0")
    assert basic["handle_flow"] == "1. 受理（1个工作日）：窗口受理\n2. 办结"
    assert (basic["transact_addr"], basic["transact_time"]) == ("政务服务大厅", "9:00-17:00")
    material = rows["up_task_general_material"]
    assert (material["task_guid"], material["order_num"], material["page_num"]) == (basic["row_guid"], "1", "2")


def test_what_nobody_states_is_empty_and_named_as_missing() -> None:
    bare = {"task_type": "01", "task_name": "甲", "catalog_code": "000101001000", "use_level": "4"}
    rows = dict(rows_of(CODE, 1, bare, {"materials": [{"material_name": "身份证"}]}))

    assert rows["up_task_general_material"]["is_need"] == ""
    assert missing("up_task_general_material", rows["up_task_general_material"]) == ["is_need"]
    lacks = missing("up_task_general_basic", rows["up_task_general_basic"])
    assert {"promise_day", "power_source", "transact_addr"} <= set(lacks)
    public = dict(rows_of(CODE, 1, {**bare, "task_type": "20"}, None))["up_task_public_basic"]
    assert not {"promise_day", "power_source"} & set(missing("up_task_public_basic", public))


def test_a_power_that_nobody_applies_for_is_left_out_by_name(exchange: Exchange, tmp_path: Path) -> None:
    exchange.take(event(f"item:{CODE}", 1, FIRST))
    exchange.take(event("item:PUNISHMENT", 1, {**FIRST, "task_type": "02"}))
    folder = exchange.write()

    assert folder is not None
    told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert told["left_out"] == [{"code": "PUNISHMENT", "reason": "task_type 02 has no table here"}]


def test_the_manifest_names_every_file_with_its_hash(exchange: Exchange) -> None:
    for item in APPLICABLE:
        exchange.take(event(f"item:{item['code']}", 1, item))
        exchange.take(event(f"guide:{item['code']}", 1, GUIDES.get(item["code"])))
    folder = exchange.write()

    assert folder is not None
    told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for name, said in told["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == said["sha256"]
        assert len(table(folder, name.removesuffix(".csv"))) == said["rows"]
    assert {file.name for file in folder.iterdir()} == {*told["files"], "manifest.json"}
    assert exchange.write() is None, "nothing is new"


def test_a_change_is_u_a_withdrawal_is_d_and_another_family_is_both(exchange: Exchange) -> None:
    def written(*events: Event) -> dict[str, list[str]]:
        for one in events:
            exchange.take(one)
        folder = exchange.write()
        assert folder is not None
        found = [file.stem for file in folder.glob("*_basic.csv")]
        return {name.split("_")[2]: [row["cd_operation"] for row in table(folder, name)] for name in found}

    key, item = f"item:{CODE}", {**FIRST, "task_type": "01"}
    assert written(event(key, 1, item)) == {"general": ["I"]}
    assert written(event(key, 2, {**item, "task_name": "新的名称"})) == {"general": ["U"]}
    assert written(event(key, 3, {**item, "task_type": "20"})) == {"general": ["D"], "public": ["I"]}
    assert written(event(key, 4, None)) == {"public": ["D"]}


def test_what_has_ended_is_taken_away(exchange: Exchange) -> None:
    exchange.take(event(f"item:{CODE}", 1, FIRST, "2020-01-01T00:00:00.000000Z"))
    assert exchange.write() is None, "it had ended before it was ever handed over"
    exchange.take(event(f"item:{CODE}", 2, FIRST, "2999-01-01T00:00:00.000000Z"))
    assert exchange.write() is not None
    assert exchange.write() is None


class KilledError(Exception):
    """The process ends here."""


class Dying(Exchange):
    """Ends before or after its batch has a name."""

    ends, made = "write", None

    def _files(self, tables: dict[str, list[Row]], left_out: list[Any]) -> Path:
        if self.ends == "early":
            raise KilledError
        self.made = super()._files(tables, left_out)
        if self.ends == "dies":
            raise KilledError
        return self.made


CODES = ["A" * 31, "B" * 31, "C" * 31]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("item"), st.sampled_from(CODES), st.sampled_from(["01", "20", "02", None])),
        st.tuples(st.just("guide"), st.sampled_from(CODES), st.sampled_from(["甲", "乙", None])),
        st.sampled_from(["write", "dies", "early"]),
    ),
    max_size=25,
)


@given(steps=STEPS)
def test_who_takes_every_batch_has_what_the_county_shows(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any]
) -> None:
    """`dies`: after the batch has its name, before that is written down. `early`: before it has its name."""
    folder = tmp_path_factory.mktemp("exchange")
    state, versions, shown, taken = folder / "state.db", dict.fromkeys(CODES, 0), dict[str, Any](), dict[Any, str]()

    def write(ends: str) -> None:
        exchange = Dying(folder / "out", str(state), "001")
        exchange.ends = ends
        made: Path | None = None
        with suppress(KilledError):
            made = exchange.write()
        exchange.close()
        made = exchange.made or made
        for file in made.glob("*_basic.csv") if made else ():
            for row in table(made, file.stem):
                place = (file.stem, row["task_code"])
                taken.pop(place, None)
                if row["cd_operation"] != "D":
                    taken[place] = row["row_guid"]

    Exchange(folder / "out", str(state), "001").close()
    for step in steps:
        if isinstance(step, str):
            write(step)
            continue
        kind, code, told = step
        versions[code] += 1
        shown[f"{kind}:{code}"] = (versions[code], told)
        body = (
            None if told is None else {"task_type": told, "task_name": "名"} if kind == "item" else {"link_way": told}
        )
        exchange = Exchange(folder / "out", str(state), "001")
        exchange.take(event(f"{kind}:{code}", versions[code], body))
        exchange.close()
    write("write")

    assert taken == expected(shown)


def expected(shown: dict[str, Any]) -> dict[Any, str]:
    made = {}
    for code in CODES:
        version, told = shown.get(f"item:{code}", (0, None))
        family = {"01": "general", "20": "public"}.get(told)
        if family:
            both = version + shown.get(f"guide:{code}", (0, None))[0]
            made[f"up_task_{family}_basic", code] = row_guid(code, both)
    return made

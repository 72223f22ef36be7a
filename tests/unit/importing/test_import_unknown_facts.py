"""An import states only what its row states: anything else is unknown and counted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from contracts.content.guides import Material
from services.importing.formats import gd_portal, up_task
from services.importing.formats.csv_mapping import converter, load_mapping
from services.importing.row import Accepted, Outcome, Row, WarningName
from tests.unit.importing.test_import_csv import CODE, HEADER, LINE, MAPPING, written
from tests.unit.importing.test_import_gd_portal import portal_row
from tests.unit.importing.test_import_up_task import CHONGQING, EXCHANGE

LEAST = {"task_code": CODE, "task_name": "消防设计审查", "task_type": "01", "dept_name": "县住建局"}
IDENTITY = {"code", "catalog_code", "task_name", "task_type", "use_level", "dept_name", "dept_code"}
"""What the minimal row states, and what its code implies."""


@pytest.fixture(scope="module")
def by_mapping(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return converter(load_mapping(written(tmp_path_factory.mktemp("mapping"), MAPPING)))


def exchanged(**fields: Any) -> Accepted:
    outcome = up_task.convert(Row(1, {**LEAST, **fields}))
    assert isinstance(outcome, Accepted), outcome
    return outcome


def warned(outcome: Accepted) -> set[WarningName]:
    return {warning.name for warning in outcome.warnings}


def test_the_least_row_states_its_identity_and_no_other_fact() -> None:
    item = exchanged().item

    assert item is not None
    assert {name for name, value in item.model_dump().items() if value not in (None, [])} == IDENTITY


def test_a_bare_name_of_a_material_stays_bare() -> None:
    outcome = exchanged(materials=["申请表", "照片"])

    assert outcome.guide is not None
    assert outcome.guide.materials == [Material(material_name="申请表"), Material(material_name="照片")]
    assert WarningName.MATERIAL_FACTS_UNKNOWN in warned(outcome)


def test_what_a_row_says_of_a_material_is_kept_and_the_rest_stays_unknown() -> None:
    outcome = exchanged(materials=[{"material_name": "照片", "page_num": "2", "is_need": "1"}])

    assert outcome.guide is not None
    assert outcome.guide.materials == [Material(material_name="照片", copies=2, is_need=True)]


def test_a_material_that_may_follow_later_says_so_and_a_necessary_one_does_not_say_the_opposite() -> None:
    outcome = exchanged(materials=[{"material_name": "甲", "is_need": "容缺"}, {"material_name": "乙", "is_need": "1"}])

    assert outcome.guide is not None
    assert [(one.is_need, one.tolerable) for one in outcome.guide.materials or ()] == [(True, True), (True, None)]


@pytest.mark.parametrize("limit", ["anticipate", "promise"])
def test_a_number_without_a_unit_gets_none_and_a_warning(limit: str) -> None:
    outcome = exchanged(**{f"{limit}_day": "15"})

    assert outcome.item is not None
    assert getattr(outcome.item, f"{limit}_day") == 15
    assert getattr(outcome.item, f"{limit}_type") is None
    (warning,) = [one for one in outcome.warnings if one.name == WarningName.UNIT_UNKNOWN]
    assert (warning.field, warning.value) == (f"{limit}_day", "15")


@pytest.mark.parametrize(("written_as", "unit"), [("15个工作日", "1"), ("15自然日", "2"), ("15天", "2")])
def test_a_unit_that_is_written_counts(written_as: str, unit: str) -> None:
    outcome = exchanged(promise_day=written_as)

    assert outcome.item is not None
    assert (outcome.item.promise_day, outcome.item.promise_type) == (15, unit)
    assert WarningName.UNIT_UNKNOWN not in warned(outcome)


def test_a_mere_zero_is_no_kind_of_case_and_needs_no_unit() -> None:
    zero, at_once = exchanged(promise_day=0), exchanged(promise_day="即办")

    assert zero.item is not None
    assert at_once.item is not None
    assert (zero.item.project_type, at_once.item.project_type) == (None, "1")
    assert WarningName.UNIT_UNKNOWN not in warned(zero)


@pytest.mark.parametrize(
    ("step", "day"),
    [
        ({"link_name": "审查", "handle_day": "3", "handle_type": "1"}, 3),
        ({"link_name": "审查", "handle_day": "3个工作日"}, 3),
        ({"link_name": "审查", "handle_day": "3"}, None),
        ({"link_name": "审查", "handle_day": "0"}, 0),
    ],
)
def test_the_time_of_a_step_counts_in_the_unit_that_the_row_names(step: dict[str, str], day: int | None) -> None:
    outcome = exchanged(activitys=[step])

    assert outcome.guide is not None
    assert outcome.guide.steps[0].day == day
    assert (WarningName.UNIT_UNKNOWN in warned(outcome)) == (day is None)


def test_a_step_in_calendar_days_loses_its_time_wherever_its_unit_stands() -> None:
    for step in ({"handle_day": "3自然日"}, {"handle_day": "3", "handle_type": "2"}):
        outcome = up_task.convert(Row(1, {**LEAST, "activitys": [{"link_name": "审查", **step}]}))

        assert isinstance(outcome, Accepted)
        assert outcome.guide is not None
        assert outcome.guide.steps[0].day is None
        lost = [(one.field, one.broken) for one in outcome.warnings if one.broken]
        assert lost == [("activitys[0].day", "duration")]


def test_unknown_online_depth_is_unknown() -> None:
    for silent in ({}, {"online_handle_depth": ""}, {"wsfwsd": None}):
        item = exchanged(is_online="1", **silent).item

        assert item is not None
        assert item.online_handle_depth is None


def test_an_address_does_not_say_that_the_hall_takes_an_item() -> None:
    row = portal_row(handle_location="办理地点：县政务服务中心一楼5号窗口")
    silent, stated = (gd_portal.convert(Row(1, {**row, **more})) for more in ({}, {"is_entry_center": "是"}))

    assert isinstance(silent, Accepted)
    assert isinstance(stated, Accepted)
    assert silent.item is not None
    assert stated.item is not None
    assert (silent.item.is_entry_center, stated.item.is_entry_center) == (None, True)
    assert WarningName.HALL_UNKNOWN in warned(silent)
    assert WarningName.HALL_UNKNOWN not in warned(stated)


def test_a_courier_does_not_say_that_one_may_apply_by_courier() -> None:
    outcome = gd_portal.convert(Row(1, portal_row(courier_service="是", ONLINECHECK="0")))

    assert isinstance(outcome, Accepted)
    assert outcome.item is not None
    assert (outcome.item.is_express, outcome.item.handle_type) == (True, None)


def test_a_row_that_says_nothing_of_a_guide_has_none_and_is_counted() -> None:
    outcome = exchanged(by_law="《中华人民共和国消防法》第十一条")

    assert outcome.guide is None
    assert WarningName.GUIDE_EMPTY in warned(outcome)


@pytest.mark.parametrize("said", [{"link_way": "0751-5361234"}, {"transact_addr": "一楼"}, {"materials": ["申请表"]}])
def test_any_content_makes_a_guide(said: dict[str, Any]) -> None:
    outcome = exchanged(**said)

    assert outcome.guide is not None
    assert WarningName.GUIDE_EMPTY not in warned(outcome)


# A pattern of a mapping


@pytest.mark.parametrize(
    ("pattern", "cell", "limit"),
    [
        (r"承诺(\d+)个工作日", "法定20个工作日；承诺15个工作日", (15, "1")),
        (r"承诺(\d+)", "法定20个工作日；承诺15个工作日", (15, "1")),
        (r"承诺(\d+)", "承诺15（工作日）", (15, "1")),
        (r"承诺(\d+)", "承诺15天内", (15, "2")),
        (r"承诺(\d+个工作日)", "承诺15个工作日", (15, "1")),
        (r"(?P<unit>工作日|自然日).承诺(\d+)", "工作日：承诺15", (15, "1")),
        (r"承诺(\d+)", "承诺15", (15, None)),
        (r"\d+", "15个工作日", (15, "1")),
    ],
)
def test_a_pattern_that_takes_the_number_alone_does_not_lose_its_unit(
    pattern: str, cell: str, limit: tuple[int, str | None], tmp_path: Path
) -> None:
    columns = {"code": "编码", "task_name": "名称", "task_type": "类型", "dept_name": "部门"}
    mapping = {"columns": {**columns, "promise_day": {"column": "时限", "pattern": pattern}}}
    row = {"编码": CODE, "名称": "消防设计审查", "类型": "行政许可", "部门": "县住建局", "时限": cell}

    outcome = converter(load_mapping(written(tmp_path, mapping)))(Row(1, row))

    assert isinstance(outcome, Accepted)
    assert outcome.item is not None
    assert (outcome.item.promise_day, outcome.item.promise_type) == limit
    assert (WarningName.UNIT_UNKNOWN in warned(outcome)) == (limit[1] is None)


# Whatever a row lacks


CSV_ROW = dict(zip(HEADER.split(","), LINE.split(","), strict=True))
MATERIAL = {
    "material_name": "委托书",
    "is_need": "0",
    "tolerable": "1",
    "material_type": "2",
    "material_format": "1",
    "page_num": "3",
    "source_type": "20",
}
UNUSUAL = {
    "dept_type": "2",
    "project_type": "1",
    "handle_type": "3",
    "is_online": "1",
    "is_schedule": "1",
    "is_pay_online": "1",
    "is_express": "1",
    "is_service_terminals": "1",
    "is_entry_center": "1",
    "online_handle_depth": "5",
    "material": [MATERIAL],
    "fee_project": [{"fee_name": "工本费", "fee_stand": "20元", "is_desc": "1"}],
}
"""No importer would choose any of these values by itself."""

ROWS: dict[str, dict[str, Any]] = {
    "portal": portal_row(),
    "exchange": {**EXCHANGE, **UNUSUAL},
    "camel case": CHONGQING,
    "table": CSV_ROW,
}


@pytest.mark.parametrize("kind", ROWS)
@given(data=st.data())
def test_whatever_a_row_lacks_no_other_value_takes_its_place(kind: str, by_mapping: Any, data: st.DataObject) -> None:
    """Each value of a body is also in the body of the whole row: removing input never adds another value."""
    convert = {"portal": gd_portal.convert, "table": by_mapping}.get(kind, up_task.convert)
    whole = ROWS[kind]
    kept = data.draw(st.sets(st.sampled_from(sorted(whole))) | st.sampled_from(_all_but_one(whole)))

    said, less = (bodies(convert(Row(1, {name: row[name] for name in row}))) for row in (whole, _only(whole, kept)))

    assert said
    for path, values in less.items():
        assert all(any(_is_part(value, full) for full in said.get(path, ())) for value in values), path


@given(kept=st.sets(st.sampled_from(sorted(MATERIAL))))
def test_whatever_a_material_lacks_is_unknown(kept: set[str]) -> None:
    outcome = exchanged(materials=[_only(MATERIAL, kept | {"material_name"})])

    assert outcome.guide is not None
    (material,) = outcome.guide.materials or ()
    ours = {"page_num": "copies"}
    assert material.model_dump(exclude_none=True).keys() == {ours.get(name, name) for name in kept} | {"material_name"}


def _all_but_one(row: dict[str, Any]) -> list[set[str]]:
    return [set(row) - {name} for name in sorted(row)]


def _only(row: dict[str, Any], kept: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in kept}


def bodies(outcome: Outcome) -> dict[str, list[Any]]:
    """Return every value of item and guide by path, without list indexes; a rejected row states nothing."""
    found: dict[str, list[Any]] = {}
    parts = (outcome.item, outcome.guide) if isinstance(outcome, Accepted) else ()
    for part in parts:
        if part is not None:
            for path, value in _leaves(part.model_dump(mode="json"), type(part).__name__):
                found.setdefault(path, []).append(value)
    return found


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, path)
    elif value is not None:
        yield path, value


def _is_part(value: Any, full: Any) -> bool:
    """Whether they are equal, or `value` is a passage of a text joined from several columns."""
    return value == full if not isinstance(value, str) else value in str(full)

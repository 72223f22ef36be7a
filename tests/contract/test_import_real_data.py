"""1,600 real portal rows through the importer: exact totals, known single rows, and every way to damage one."""

import copy
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings

from contracts.content.guides import Guide, Material
from contracts.content.items import Item
from contracts.content.unstated_facts import unknown_of_guide, unknown_of_item
from services.importing.engine.report import ImportReport
from services.importing.fields.partial import partial
from services.importing.formats.gd_portal import convert
from services.importing.formats.registry import read
from services.importing.row import Accepted, Outcome, Rejected, Row, WarningName

ROWS = Path(__file__).parents[2] / ".." / "shared" / "data" / "gd-items-1600.jsonl"

ITEM_SAYS_NOT = (
    *("dept_type", "handle_type", "is_entry_center", "is_fee", "is_pay_online", "is_service_terminals"),
    "project_type",
)
MATERIAL_SAYS_NOT = ("copies", "is_need", "material_format", "material_type", "source_type", "tolerable")
UNKNOWN = {
    **dict.fromkeys(ITEM_SAYS_NOT, 1600),
    **dict.fromkeys((f"materials.{name}" for name in MATERIAL_SAYS_NOT), 548),
    "materials": 1033,
    "online_handle_depth": 1546,
}
"""What the portal's rows do not say, by field: 54 of them say 不可网办, which needs no depth."""


@cache
def raw_rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in ROWS.read_text(encoding="utf-8").splitlines()]


@cache
def outcomes() -> list[Outcome]:
    return list(read(ROWS, "gd-portal"))


@cache
def accepted() -> dict[str, Accepted]:
    return {outcome.code: outcome for outcome in outcomes() if isinstance(outcome, Accepted)}


def test_every_real_row_is_accepted_and_each_oddity_is_counted_by_name() -> None:
    report = ImportReport()
    for outcome in outcomes():
        assert isinstance(outcome, Accepted)
        report.warn(outcome.number, outcome.code, outcome.warnings)
    unknown = Counter(name for row in accepted().values() for name in not_said(row))

    assert report.with_warnings == 1186
    assert dict(report.warnings) == {
        "courier_word_mapped": 1162,
        "guide_empty": 19,
        "hall_unknown": 1600,
        "limit_with_unit": 1144,
        "material_facts_unknown": 548,
        "missing_limit": 85,
        "name_has_situation": 200,
        "name_normalised": 1,
        "placeholder_as_null": 1588,
        "same_phone": 60,
        "text_normalised": 7,
        "type_dialect_mapped": 1239,
        "unknown_theme": 172,
        "unsafe_url_dropped": 1050,
        "unwritten_inside": 8,
        "zero_visits_without_channel": 45,
    }
    assert unknown == UNKNOWN


def not_said(row: Accepted) -> list[str]:
    of_item = unknown_of_item(row.item) if row.item else []
    return of_item + (unknown_of_guide(row.guide) if row.guide else [])


def test_the_counts_are_those_that_the_raw_rows_show_without_the_importer() -> None:
    raw = raw_rows()
    named = {
        name: {outcome.number for outcome in accepted().values() if any(w.name == name for w in outcome.warnings)}
        for name in WarningName
    }

    assert named[WarningName.MISSING_LIMIT] == {
        number for number, r in enumerate(raw, 1) if r["handle_time"] == "无" != r["handle_time_limit"]
    }
    assert named[WarningName.SAME_PHONE] == {
        number for number, r in enumerate(raw, 1) if r["consult_phone"] == r["complain_phone"] != "无"
    }
    assert named[WarningName.ZERO_VISITS_WITHOUT_CHANNEL] == {
        number
        for number, r in enumerate(raw, 1)
        if (r["LIMIT_SCENE_NUM"], r["ONLINECHECK"]) == ("0", "0") and r["courier_service"] != "是"
    }
    assert named[WarningName.UNSAFE_URL_DROPPED] == {
        number for number, r in enumerate(raw, 1) if (r["URL"] or "").startswith("http://")
    }
    assert named[WarningName.TYPE_DIALECT_MAPPED] == {
        number for number, r in enumerate(raw, 1) if r["TASK_TYPE"] in ("20", "21")
    }


def test_a_row_arrives_with_all_it_said() -> None:
    first = accepted()["11440000006939756B2440101007000"]

    assert first.item is not None
    assert first.item.model_dump(exclude_defaults=True, mode="json") == {
        "code": "11440000006939756B2440101007000",
        "catalog_code": "440101007000",
        "task_name": "临时价格干预范围事项提价申报",
        "task_type": "01",
        "use_level": "2",
        "dept_name": "广东省发展和改革委员会",
        "dept_code": "11440000006939756B",
        "serve_type": ["1", "2", "3", "4", "5", "6", "9"],
        "anticipate_day": 30,
        "anticipate_type": "1",
        "promise_day": 7,
        "promise_type": "1",
        "limit_scene_num": 0,
        "is_online": True,
        "is_schedule": True,
        "is_express": True,
        "online_handle_url": "https://www.gdzwfw.gov.cn/gaio/apply.html#/11440000006939756B2440101007000",
        "user_topic_type": ["999"],
        "corp_topic_type": ["999"],
    }
    assert first.guide is not None
    assert [window.address for window in first.guide.windows] == ["广州市越秀区东风中路305号5号楼808房"]
    assert first.guide.materials == [Material(material_name="提价申报申请报告")]
    assert first.guide.link_way == "020-34121084"
    assert first.guide.supervise_way == "020-83134173"
    assert first.region == "440000000000"
    assert first.directory is not None
    assert first.directory.model_dump() == {
        "catalog_code": "440101007000",
        "task_name": "临时价格干预范围事项提价申报",
        "task_type": "01",
        "use_level": ["2"],
    }


def test_items_and_guides_of_every_row_agree_on_code_name_and_unit() -> None:
    for outcome in accepted().values():
        assert outcome.item is not None
        if outcome.guide is None:
            continue
        assert (outcome.guide.code, outcome.guide.task_name, outcome.guide.dept_name) == (
            outcome.item.code,
            outcome.item.task_name,
            outcome.item.dept_name,
        )


def test_no_material_window_or_limit_is_lost_or_invented() -> None:
    for raw, outcome in zip(raw_rows(), outcomes(), strict=True):
        assert isinstance(outcome, Accepted)
        assert outcome.item is not None
        names = raw["material_intro"] if isinstance(raw["material_intro"], list) else []
        found = outcome.guide.materials if outcome.guide else None
        assert found == ([Material(material_name=name) for name in names] or None)
        windows = outcome.guide.windows if outcome.guide else []
        assert bool(windows) == (raw["handle_location"] not in ("无线下办理窗口", "办理地点：无"))
        assert _spelled(outcome.item.anticipate_day, outcome.item.anticipate_type) == raw["handle_time"]
        assert _spelled(outcome.item.promise_day, outcome.item.promise_type) == raw["handle_time_limit"]


def test_what_is_unknown_is_what_the_raw_rows_do_not_say() -> None:
    raw = raw_rows()

    assert UNKNOWN["materials.copies"] == sum(
        isinstance(r["material_intro"], list) and bool(r["material_intro"]) for r in raw
    )
    assert UNKNOWN["materials"] == 1600 - UNKNOWN["materials.copies"] - 19
    assert UNKNOWN["online_handle_depth"] == sum(r["ONLINECHECK"] != "0" for r in raw)


def test_a_row_that_says_nothing_of_a_guide_has_none() -> None:
    said = ("accept_standard", "consult_phone", "complain_phone")
    nowhere = ("无线下办理窗口", "办理地点：无")
    without = {
        number
        for number, r in enumerate(raw_rows(), 1)
        if all(r[name] == "无" for name in said)
        and not isinstance(r["material_intro"], list)
        and r["handle_location"] in nowhere
    }

    assert {outcome.number for outcome in accepted().values() if outcome.guide is None} == without


def test_no_word_for_nothing_reaches_an_item_or_a_guide() -> None:
    said = json.dumps(
        [
            part.model_dump(mode="json")
            for outcome in accepted().values()
            for part in (outcome.item, outcome.guide)
            if part
        ],
        ensure_ascii=False,
    )

    assert '"无"' not in said
    assert "办理地点：" not in said
    assert "\u3000" not in said


def test_the_task_types_are_national_ones() -> None:
    types = Counter(outcome.item.task_type for outcome in accepted().values() if outcome.item)

    assert types == {"20": 1162, "01": 272, "10": 77, "08": 52, "07": 26, "05": 8, "09": 3}


junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from(["无", "-1", "9" * 400, "\0", "\u202e", "٣"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300)
@given(place=st.integers(0, 1599), changes=st.data())
def test_a_damaged_row_is_accepted_as_valid_or_rejected_by_name_and_never_raises(
    place: int, changes: st.DataObject
) -> None:
    raw = copy.deepcopy(raw_rows()[place])
    for column in changes.draw(st.lists(st.sampled_from(sorted(raw)), max_size=4, unique=True)):
        how = changes.draw(st.sampled_from(["junk", "cut", "double", "gone"]))
        raw[column] = {"junk": changes.draw(junk), "cut": _cut(raw[column]), "double": [raw[column]] * 2}.get(how)

    outcome = convert(Row(1, raw))

    if isinstance(outcome, Rejected):
        assert outcome.violations
        assert all(violation.field and violation.rule and violation.message for violation in outcome.violations)
    else:
        assert outcome.item is not None
        for model, stated in ((Item, outcome.item), (Guide, outcome.guide)):
            if stated is not None:
                values = stated.model_dump(mode="json", exclude_unset=True)
                assert partial(model).model_validate(values) == stated


@settings(max_examples=200)
@given(place=st.integers(0, 30), at=st.integers(0, 31), letter=st.characters())
def test_a_changed_character_of_the_code_never_goes_unseen(place: int, at: int, letter: str) -> None:
    raw = dict(raw_rows()[place])
    code = raw["TASK_CODE"]
    raw["TASK_CODE"] = code[:at] + letter + code[at + 1 :]

    outcome = convert(Row(1, raw))

    assert isinstance(outcome, Rejected) or outcome.code == code or at >= 31


def _spelled(count: int | None, unit: str | None) -> str:
    return "无" if count is None else f"{count}({'工作日' if unit == '1' else '自然日'})"


def _cut(value: Any) -> Any:
    return value[: len(value) // 2] if isinstance(value, str | list) else value

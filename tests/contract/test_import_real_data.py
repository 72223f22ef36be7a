"""1,600 real portal rows through the importer: exact totals, known single rows, and every way to damage one."""

import copy
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings

from contracts.catalog import Item
from contracts.guides import Guide
from services.importing.formats import read
from services.importing.gd_portal import convert
from services.importing.report import Report
from services.importing.row import Accepted, Outcome, Rejected, Row, WarningName

ROWS = Path(__file__).parents[2] / ".." / "shared" / "data" / "gd-items-1600.jsonl"


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
    report = Report()
    for outcome in outcomes():
        report.add(outcome)

    assert report.as_json() == {
        "rows": 1600,
        "accepted": 1600,
        "withdrawn": 0,
        "ignored": 0,
        "with_warnings": 346,
        "rejected": 0,
        "warnings": {
            "courier_word_mapped": 1162,
            "limit_with_unit": 1144,
            "missing_limit": 85,
            "name_has_situation": 200,
            "name_normalised": 1,
            "placeholder_as_null": 1588,
            "same_phone": 60,
            "text_normalised": 7,
            "type_dialect_mapped": 1239,
            "unit_region_differs": 1,
            "unknown_theme": 172,
            "zero_visits_without_channel": 45,
        },
        "rules": {},
    }


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
        "handle_type": ["1", "2", "3"],
        "anticipate_day": 30,
        "anticipate_type": "1",
        "promise_day": 7,
        "promise_type": "1",
        "limit_scene_num": 0,
        "is_entry_center": True,
        "is_online": True,
        "is_schedule": True,
        "is_express": True,
        "online_handle_url": "https://www.gdzwfw.gov.cn/gaio/apply.html#/11440000006939756B2440101007000",
        "user_topic_type": ["999"],
        "corp_topic_type": ["999"],
    }
    assert first.guide is not None
    assert [window.address for window in first.guide.windows] == ["广州市越秀区东风中路305号5号楼808房"]
    assert [material.material_name for material in first.guide.materials] == ["提价申报申请报告"]
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
        assert outcome.guide is not None
        assert (outcome.guide.code, outcome.guide.task_name, outcome.guide.dept_name) == (
            outcome.item.code,
            outcome.item.task_name,
            outcome.item.dept_name,
        )


def test_no_material_window_or_limit_is_lost_or_invented() -> None:
    for raw, outcome in zip(raw_rows(), outcomes(), strict=True):
        assert isinstance(outcome, Accepted)
        assert outcome.item is not None
        assert outcome.guide is not None
        names = raw["material_intro"] if isinstance(raw["material_intro"], list) else []
        assert [material.material_name for material in outcome.guide.materials] == names
        assert bool(outcome.guide.windows) == (raw["handle_location"] not in ("无线下办理窗口", "办理地点：无"))
        assert _spelled(outcome.item.anticipate_day, outcome.item.anticipate_type) == raw["handle_time"]
        assert _spelled(outcome.item.promise_day, outcome.item.promise_type) == raw["handle_time_limit"]


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
        assert Item.model_validate(outcome.item.model_dump(mode="json")) == outcome.item
        if outcome.guide is not None:
            assert Guide.model_validate(outcome.guide.model_dump(mode="json")) == outcome.guide


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

"""Conversion of single values: numbers, limits, yes and no, dates, codes and lists as people write them."""

from datetime import date
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from services.importing.fields import conversions as c
from services.importing.fields.children import FEE, MATERIAL, WINDOW, children, legal_bases, steps
from services.importing.fields.code_values import code_list, known_code, one_code, task_type
from services.importing.fields.notes import Notes, shown
from services.importing.row import WarningName

SINGLE = [
    c.text,
    c.line,
    c.token,
    c.whole,
    c.days,
    c.yes_no,
    c.day,
    c.fen,
    c.file_url,
    c.handling_url,
    c.parts,
    steps,
    legal_bases,
]

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


def rules(notes: Notes) -> list[str]:
    return [violation.rule for violation in notes.violations]


def names(notes: Notes) -> list[WarningName]:
    return [warning.name for warning in notes.warnings]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("7(工作日)", (7, "1")),
        ("91(自然日)", (91, "2")),
        ("７（工作日）", (7, "1")),
        ("5个工作日", (5, "1")),
        ("30天", (30, "2")),
        ("7", (7, None)),
        ("7.0", (7, None)),
        (15, (15, None)),
        ("即办", (0, "1")),
        ("当场办结", (0, "1")),
        ("无", (None, None)),
        ("", (None, None)),
        (None, (None, None)),
    ],
)
def test_a_time_limit_is_read_with_its_unit(written: Any, meant: tuple[int | None, str | None]) -> None:
    notes = Notes()

    assert c.days(written, "promise_day", notes) == meant
    assert notes.violations == []


@pytest.mark.parametrize(
    "written", ["3个月", "2小时", "一周内", "-1", "7.5", "7(工作日)以内", "٣", "1e3", "9" * 30, ["7"]]
)
def test_a_time_limit_that_is_no_number_of_days_is_refused_not_guessed(written: Any) -> None:
    notes = Notes({"promise_day": "承诺时限"})

    assert c.days(written, "promise_day", notes) == (None, None)
    assert len(notes.violations) == 1
    assert notes.violations[0].field == "承诺时限"


@pytest.mark.parametrize("word", ["无", "无。", "暂无", "/", "NULL", "n/a", "--", " 无\u3000"])
def test_a_word_for_nothing_is_no_value_and_is_counted(word: str) -> None:
    notes = Notes()

    assert c.text(word, "link_way", notes) is None
    assert names(notes) == [WarningName.PLACEHOLDER_AS_NULL]


@pytest.mark.parametrize("word", ["无条件受理", "无受理条件", "无线电频率许可", "0"])
def test_words_that_only_begin_like_nothing_stay(word: str) -> None:
    assert c.text(word, "accept_condition", Notes()) == word


@pytest.mark.parametrize(
    ("written", "meant"),
    [("是", True), ("否", False), ("不支持", False), ("1", True), (0, False), (True, True), ("Ｙ", True), ("", None)],
)
def test_yes_and_no_have_many_words(written: Any, meant: bool | None) -> None:
    assert c.yes_no(written, "is_fee", Notes()) is meant


def test_a_word_that_is_neither_yes_nor_no_is_refused() -> None:
    notes = Notes()

    assert c.yes_no("也许", "is_fee", notes) is None
    assert rules(notes) == ["yes_no"]


@pytest.mark.parametrize(
    "written", ["2026-03-01", "2026/3/1", "20260301", "2026年3月1日", "2026-03-01 08:00:00", "2026-03-01T08:00:00Z"]
)
def test_a_date_has_many_spellings(written: str) -> None:
    assert c.day(written, "plan_effective_date", Notes()) == date(2026, 3, 1)


@pytest.mark.parametrize("written", ["2026-02-30", "0000-01-01", "明天", "20261301", "03/01/2026"])
def test_a_day_that_does_not_exist_is_refused(written: str) -> None:
    notes = Notes()

    assert c.day(written, "plan_effective_date", notes) is None
    assert rules(notes) == ["date"]


@pytest.mark.parametrize(("written", "fen"), [("10", 1000), ("10.5", 1050), ("0.01元", 1), ("0", 0)])
def test_money_becomes_fen_without_rounding(written: str, fen: int) -> None:
    assert c.fen(written, "amount", Notes()) == fen


@pytest.mark.parametrize("written", ["1.005", "-1", "NaN", "Infinity", "按标准", "1e999999"])
def test_money_that_is_not_one_amount_is_refused(written: str) -> None:
    notes = Notes()

    assert c.fen(written, "amount", notes) is None
    assert rules(notes) == ["money"]


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "广东政务服务网", "//a", "http://", "https://a b", "http://[::1"]
)
def test_an_address_that_is_no_web_address_never_becomes_a_link(address: str) -> None:
    notes = Notes()

    assert c.file_url(address, "online_handle_url", notes) is None
    assert names(notes) == [WarningName.UNSAFE_URL_DROPPED]


def test_terms_are_taken_apart_outside_brackets_only() -> None:
    assert c.terms("注销律师证,律师证注销") == ["注销律师证", "律师证注销"]
    assert c.terms("债权文书(各种借据，欠单)公证") == ["债权文书(各种借据，欠单)公证"]
    assert c.terms("还款承诺)，借款(甲，乙)") == ["还款承诺)", "借款(甲，乙)"]
    assert c.terms("火灾  复核；无；") == ["火灾 复核"]


def test_invisible_characters_leave_and_the_file_hears_of_it() -> None:
    notes = Notes()

    assert c.text("提价\u202e申报\x07\u3000", "task_name", notes) == "提价申报"
    assert names(notes) == [WarningName.TEXT_NORMALISED]


def test_codes_are_found_by_code_by_label_and_without_leading_zeros() -> None:
    assert known_code("自然人", "serve_type") == "1"
    assert known_code("社会保障(社会保险、社会救助)", "user_topic_type") == "085"
    assert known_code("0100", "corp_topic_type") == "100"
    assert known_code("5", "user_topic_type") == "005"
    assert known_code("省级/直属", "use_level") == "2"
    assert known_code("纳税", "user_topic_type") is None


@pytest.mark.parametrize("joined", ["1^2", "1,2", "自然人、企业法人", "自然人，2", ["1", "企业法人"], "1^^2^1"])
def test_several_values_are_joined_in_many_ways(joined: Any) -> None:
    assert code_list(joined, "serve_type", "serve_type", Notes()) == ["1", "2"]


def test_an_unknown_one_among_several_is_left_out_and_named() -> None:
    notes = Notes()

    assert code_list("1^77", "serve_type", "serve_type", notes) == ["1"]
    assert [(w.name, w.value) for w in notes.warnings] == [(WarningName.UNKNOWN_CODE, "77")]


def test_an_unknown_single_code_is_refused() -> None:
    notes = Notes()

    assert one_code("特急件", "project_type", "project_type", notes) is None
    assert rules(notes) == ["code_table"]


@pytest.mark.parametrize(
    ("dialect", "written", "national"),
    [
        ("guangdong", "20", "10"),
        ("guangdong", "21", "20"),
        ("sichuan", "1", "01"),
        (None, "20", "20"),
        (None, "公共服务", "20"),
    ],
)
def test_the_task_type_is_mapped_from_its_dialect(dialect: str | None, written: str, national: str) -> None:
    assert task_type(written, None, dialect, Notes()) == national


def test_a_label_that_contradicts_the_task_types_code_is_pointed_out() -> None:
    notes = Notes()

    assert task_type("21", "行政许可", "guangdong", notes) == "20"
    assert WarningName.TYPE_LABEL_DIFFERS in names(notes)


def test_materials_come_as_words_or_as_objects_of_either_dialect() -> None:
    given_ = [
        "身份证",
        {"materialName": "申请表", "is_need": "2", "pageNum": 2, "formGuid": "f-1", "materialFormat": "电子"},
    ]
    notes = Notes()

    assert children(given_, "materials", MATERIAL, notes) == [
        {"material_name": "身份证"},
        {"material_name": "申请表", "copies": 2, "material_format": "2", "is_need": True, "tolerable": True},
    ]
    assert notes.violations == []
    assert notes.warnings == []


def test_a_child_is_named_by_its_place() -> None:
    notes = Notes({"fees": "charges"})

    children([{"feeName": "工本费", "amount": "十元", "colour": "red"}], "fees", FEE, notes)

    assert [(v.field, v.rule) for v in notes.violations] == [("charges[0].amount", "money")]
    assert [(w.field, w.name) for w in notes.warnings] == [("charges[0].colour", WarningName.UNKNOWN_COLUMN)]


def test_windows_know_the_names_of_chongqing() -> None:
    lobby = {"address": "城南路1号", "tel": "0771-1", "time": "工作日9:00-17:00"}

    assert children([lobby], "windows", WINDOW, Notes()) == [
        {"address": "城南路1号", "phone": "0771-1", "hours": "工作日9:00-17:00"}
    ]


def test_legal_bases_are_found_in_prose_and_the_prose_is_kept() -> None:
    prose = "《中华人民共和国行政许可法》（主席令第七号）第十二条：下列事项可以设定行政许可。"

    assert legal_bases(prose, "by_law", Notes()) == [
        {"law_name": "中华人民共和国行政许可法", "document_no": "主席令第七号", "article": "第十二条", "content": prose}
    ]


def test_a_legal_basis_without_a_law_is_kept_and_pointed_out() -> None:
    notes = Notes()

    assert legal_bases("县政府三定方案，2019年", "by_law", notes) == [
        {"law_name": "县政府三定方案", "content": "县政府三定方案，2019年"}
    ]
    assert names(notes) == [WarningName.LEGAL_BASIS_UNPARSED]


def test_a_flow_told_in_prose_is_one_step() -> None:
    prose = "申请人到窗口提交材料。\n" * 12

    assert steps(prose, "steps", Notes()) == [{"name": "办理流程", "content": prose.strip()}]
    assert steps("受理^审查^决定", "steps", Notes()) == [{"name": "受理"}, {"name": "审查"}, {"name": "决定"}]


@given(value=anything)
def test_no_value_makes_a_conversion_raise(value: Any) -> None:
    for convert in SINGLE:
        convert(value, "field", Notes())
    for table in ("serve_type", "use_level", "user_topic_type"):
        one_code(value, "field", table, Notes())
        code_list(value, "field", table, Notes())
    for dialect in (None, "guangdong"):
        task_type(value, value, dialect, Notes())
    for shape in (MATERIAL, FEE, WINDOW):
        children(value, "field", shape, Notes())


@given(value=anything)
def test_a_shown_value_is_short_and_visible(value: Any) -> None:
    text = shown(value)

    assert text is None or len(text) <= 80
    assert all(char.isprintable() or char.isspace() for char in text or "")
    assert not set(text or "") & set("\n\r\t\x1b\u2028")

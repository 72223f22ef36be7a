"""What stands in real cells besides a value: HTML, errors of a spreadsheet, words to be replaced later, lists."""

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from services.importing.fields.code_values import code_list
from services.importing.fields.html_text import has_markup, plain_text
from services.importing.fields.list_splitting import divided, law_entries, material_entries, numbered, step_entries
from services.importing.fields.notes import Notes
from services.importing.formats.up_task import convert
from services.importing.row import Accepted, Outcome, Rejected, Row, WarningName
from tests.harness.importing import exchange_row


def outcome_of(**changes: Any) -> Outcome:
    return convert(Row(2, exchange_row(1, **changes)))


def warned(outcome: Outcome, name: WarningName) -> list[str]:
    assert isinstance(outcome, Accepted), outcome
    return [one.field for one in outcome.warnings if one.name == name]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ('<p style="margin:0">年满18周岁&nbsp;</p><br/>本县户籍', "年满18周岁\n本县户籍"),
        ("一<br>二<BR />三", "一\n二\n三"),
        ("<ul><li>甲</li><li>乙</li></ul>", "甲\n乙"),
        ("<table><tr><td>甲</td><td>10元</td></tr></table>", "甲 10元"),
        ("&lt;p&gt;再次转义&lt;/p&gt;", "再次转义"),
        ("&amp;lt;b&amp;gt;三次&amp;lt;/b&amp;gt;", "三次"),
        ("<script>alert(1)</script>甲", "甲"),
        ("<style>p{}</style><!-- 注 -->甲", "甲"),
        ('<a href="https://a.cn/x">网上办</a>', "网上办（https://a.cn/x）"),
        ('<a href="javascript:alert(1)">网上办</a>', "网上办"),
        ("甲&#20057;&ldquo;丙&rdquo;", "甲乙“丙”"),
        ("<span>未闭合", "未闭合"),
    ],
)
def test_html_becomes_the_text_that_a_reader_of_the_page_saw(html: str, text: str) -> None:
    assert plain_text(html) == (text, [])


@pytest.mark.parametrize("text", ["收入<5000元", "a < b > c", "《a》<甲>", "AT&T", "x?a=1&copy=2", "3>2", "<", "&"])
def test_signs_that_are_no_markup_stay(text: str) -> None:
    assert not has_markup(text)
    assert plain_text(text)[0] == text


@given(st.text(st.sampled_from("<>&;/pbr甲 =\"'#12nbsltg!-"), max_size=40))
def test_no_text_makes_html_fail_or_leaves_a_tag(text: str) -> None:
    made, _ = plain_text(text)

    assert "<p>" not in made.lower()
    assert "<br>" not in made.lower()


def test_html_is_noted_and_what_text_cannot_show_is_warned_of() -> None:
    clean = outcome_of(accept_condition="<p>年满18周岁</p>")
    picture = outcome_of(accept_condition='<p>见图</p><img src="a.png">')

    assert isinstance(clean, Accepted)
    assert clean.guide is not None
    assert clean.guide.accept_condition == "年满18周岁"
    assert warned(clean, WarningName.HTML_TO_TEXT) == ["accept_condition"]
    assert warned(picture, WarningName.HTML_CONTENT_LOST) == ["accept_condition"]


@pytest.mark.parametrize(
    "error", ["#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#n/a", "########", "合计：#REF!元"]
)
@pytest.mark.parametrize("field", ["accept_condition", "is_fee", "promise_day", "serve_type", "task_name"])
def test_an_error_of_a_spreadsheet_refuses_the_row_in_every_field(field: str, error: str) -> None:
    outcome = outcome_of(**{field: error})

    assert isinstance(outcome, Rejected)
    assert (field, "spreadsheet_error") in [(one.field, one.rule) for one in outcome.violations]


def test_an_error_in_a_child_is_named_by_its_place_and_other_errors_are_told_with_it() -> None:
    outcome = outcome_of(material=[{"material_name": "表"}, {"material_name": "#REF!"}], plan_cancel_date="下月")

    assert isinstance(outcome, Rejected)
    told = [(one.field, one.rule) for one in outcome.violations]
    assert ("material[1].material_name", "spreadsheet_error") in told
    assert ("plan_cancel_date", "date") in told


@pytest.mark.parametrize(
    "word", ["待定", "XX", "ＸＸＸ", "×××", "待补充", "TODO", "同上", "（待定）", "***", "？？", "某某"]
)
def test_a_word_to_be_replaced_later_refuses_the_row_where_it_is_the_whole_text(word: str) -> None:
    outcome = outcome_of(accept_condition=word)

    assert isinstance(outcome, Rejected)
    assert [(one.field, one.rule) for one in outcome.violations] == [("accept_condition", "unwritten")]


@pytest.mark.parametrize(
    "text", ["咨询电话0571-536XXXX", "费用待定，以窗口为准", "详见附件", "到XX局领取", "请找某某科", "138****0000"]
)
def test_such_a_word_inside_a_text_is_a_warning(text: str) -> None:
    assert warned(outcome_of(accept_condition=text), WarningName.UNWRITTEN_INSIDE) == ["accept_condition"]


@pytest.mark.parametrize("text", ["XXL码", "EXXON公司", "试验测试报告", "无待办事项", "不同上级", "上述条件"])
def test_words_that_only_look_alike_are_left_alone(text: str) -> None:
    outcome = outcome_of(accept_condition=text)

    assert isinstance(outcome, Accepted)
    assert warned(outcome, WarningName.UNWRITTEN_INSIDE) == []


def test_a_text_that_says_unknown_states_nothing() -> None:
    outcome = outcome_of(link_way="不详")

    assert isinstance(outcome, Accepted)
    assert "link_way" not in (outcome.stated_guide or {})
    assert "link_way" in warned(outcome, WarningName.WORD_UNCLEAR)


def test_a_flow_that_is_longer_than_a_step_becomes_several_and_loses_nothing() -> None:
    flow = "一、受理。窗口核对材料。" * 200

    outcome = outcome_of(handle_flow=flow)

    assert isinstance(outcome, Accepted)
    assert outcome.guide is not None
    assert [step.name for step in outcome.guide.steps] == ["办理流程（1/2）", "办理流程（2/2）"]
    assert "".join(step.content or "" for step in outcome.guide.steps) == flow


def test_a_text_that_is_too_long_costs_its_field_and_the_warning_says_how_long_it_is() -> None:
    outcome = outcome_of(accept_condition="字" * 20_001)

    assert isinstance(outcome, Accepted)
    (warning,) = [one for one in outcome.warnings if one.name == WarningName.FIELD_LEFT_OUT]
    assert "20,001 characters, at most 20,000" in warning.message


@pytest.mark.parametrize(
    "joined",
    [
        *("自然人；企业法人", "自然人;企业法人", "自然人、企业法人", "自然人/企业法人", "自然人|企业法人"),
        *("自然人 企业法人", "自然人\n企业法人", "自然人，企业法人", "自然人和企业法人", "自然人\u3000企业法人", "1/2"),
    ],
)
def test_every_separator_separates_known_labels(joined: str) -> None:
    assert code_list(joined, "serve_type", "serve_type", Notes()) == ["1", "2"]


def test_a_label_that_contains_a_separator_is_one_label() -> None:
    assert code_list("社会保障(社会保险、社会救助)", "user_topic_type", "user_topic_type", Notes()) == ["085"]


def test_a_word_that_several_labels_contain_is_asked_about() -> None:
    notes = Notes()

    assert code_list("自然人/法人", "serve_type", "serve_type", notes) == ["1"]
    assert [(one.name, one.value) for one in notes.warnings] == [(WarningName.UNKNOWN_CODE, "法人")]
    assert "企业法人" in notes.warnings[0].message


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("申请表；身份证", ["申请表", "身份证"]),
        ("申请表;身份证", ["申请表", "身份证"]),
        ("申请表、身份证、照片", ["申请表", "身份证", "照片"]),
        ("申请表|身份证", ["申请表", "身份证"]),
        ("申请表\n身份证", ["申请表", "身份证"]),
        ("申请表^身份证", ["申请表", "身份证"]),
        ("1.申请表2.身份证复印件3.照片", ["申请表", "身份证复印件", "照片"]),
        ("1、申请表；\n2、身份证；", ["申请表", "身份证"]),
        ("（1）申请表（一式2份）（2）身份证", ["申请表（一式2份）", "身份证"]),
        ("一、申请表 二、身份证", ["申请表", "身份证"]),
        ("营业执照正、副本", ["营业执照正、副本"]),
        ("身份证（正、反面）；户口本", ["身份证（正、反面）", "户口本"]),
        ("2.5寸照片", ["2.5寸照片"]),
    ],
)
def test_the_names_of_materials_are_taken_apart(cell: str, names: list[str]) -> None:
    assert material_entries(cell, "materials", Notes()) == names


def test_a_slash_between_materials_is_left_to_a_person() -> None:
    notes = Notes()

    assert material_entries("身份证/户口簿", "materials", notes) == ["身份证/户口簿"]
    assert [one.name for one in notes.warnings] == [WarningName.LIST_UNCLEAR]


def test_steps_are_taken_apart_and_prose_is_not() -> None:
    prose = "申请人到窗口提交材料；窗口当场核对，材料齐全的受理。\n审查后由局长决定。"

    assert step_entries("受理；审查；决定") == ["受理", "审查", "决定"]
    assert step_entries("1.受理 2.审查 3.决定") == ["受理", "审查", "决定"]
    assert step_entries(prose) == [prose]


def test_a_new_legal_basis_begins_with_its_law() -> None:
    one = "《行政许可法》第十二条：下列事项；可以设定"

    assert law_entries(f"{one}；\n2.《消防法》第十条") == [one, "《消防法》第十条"]


@pytest.mark.parametrize("phone", ["7515360001", "57153600012", "205360001"])
def test_a_telephone_number_without_its_zero_costs_its_field(phone: str) -> None:
    outcome = outcome_of(link_way=phone)

    assert "link_way" in warned(outcome, WarningName.FIELD_LEFT_OUT)


@pytest.mark.parametrize("phone", ["12345", "13800000000", "4008001234", "87654321", "0751-5360001", "95588"])
def test_other_telephone_numbers_are_left_alone(phone: str) -> None:
    outcome = outcome_of(link_way=phone)

    assert isinstance(outcome, Accepted)
    assert outcome.guide is not None
    assert outcome.guide.link_way == phone


@given(st.text("甲乙。；\n", max_size=60), st.integers(1, 20))
def test_a_divided_text_loses_nothing_but_line_breaks(text: str, longest: int) -> None:
    passages = divided(text, longest)

    assert "".join(passages).replace("\n", "") == text.replace("\n", "")
    assert all(len(passage) <= longest for passage in passages)


@given(st.lists(st.text("申请表证明", min_size=2, max_size=6), min_size=2, max_size=12, unique=True))
def test_a_counted_list_is_read_as_it_was_counted(names: list[str]) -> None:
    for form in ("{}.", "{}、", "（{}）"):
        assert numbered("".join(form.format(n) + name for n, name in enumerate(names, start=1))) == names

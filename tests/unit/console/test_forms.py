"""Forms made from the contracts: what is typed becomes the body, and what is not touched stays byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.content.differences import differences
from services.console.content.problems import problems_of
from services.console.content.reading import read
from services.console.content.sections import HELP, sections_of
from services.console.content.shape import ContentKind, field_at, shape_of
from services.console.content.typed import changed_rows, from_form, texts_of
from services.demo import content
from shared.text.validation import body_of

ITEM, GUIDE = ContentKind.ITEM, ContentKind.GUIDE
BODIES = [(ITEM, body_of(one)) for one in content.items()] + [(GUIDE, body_of(one)) for one in content.guides()]
EMPTY = {"code": BODIES[0][1]["code"], "task_name": "甲", "dept_name": "乙"}


def changed(kind, body, **texts):
    given = {name.replace("__", "."): text for name, text in texts.items()}
    return read(kind, {**texts_of(kind, body), **given}, body)


def test_every_body_of_the_demonstration_comes_back_as_it_was():
    for kind, body in BODIES:
        done = read(kind, texts_of(kind, body), body)
        assert (done.body, done.problems, problems_of(kind, done)) == (body, [], [])


def test_every_field_of_the_contracts_has_a_chinese_label_and_a_place():
    for kind in ContentKind:
        shape = shape_of(kind)
        placed = [field.name for section in sections_of(kind) for field in section.fields]
        hidden = {"code"} if kind is ITEM else {"code", "task_name", "dept_name"}
        assert sorted(placed) == sorted(set(shape) - hidden)
        for field in shape.values():
            assert all("一" <= one.label[0] <= "鿿" for one in (field, *field.parts))


def test_every_help_is_of_a_field():
    for path in HELP:
        kind, _, rest = path.partition(".")
        name, _, part = rest.partition(".")
        assert field_at(ContentKind(kind), f"{name}.0.{part}" if part else name) is not None, path


def test_what_a_newer_contract_added_stays_untouched():
    body = {**BODIES[-1][1], "newer": {"a": [1]}}
    body["materials"] = [{**one, "newer_part": index} for index, one in enumerate(body["materials"])]
    moved = changed_rows(texts_of(GUIDE, body), "materials", "down", 0)

    done = read(GUIDE, moved, body).body

    assert done["newer"] == {"a": [1]}
    assert [one["newer_part"] for one in done["materials"]][:2] == [1, 0]


def test_a_code_is_read_by_code_label_or_both():
    body = BODIES[0][1]
    for text in ("01", "行政许可", "01 行政许可"):
        assert changed(ITEM, body, task_type=text).body["task_type"] == "01"
    assert changed(ITEM, body, task_type="行政").problems[0].rule == "code_table"


def test_unknown_stays_unknown_and_none_is_a_statement_of_its_own():
    texts = texts_of(GUIDE, EMPTY)

    assert "materials" not in read(GUIDE, texts, EMPTY).body
    assert read(GUIDE, {**texts, "materials.@none": "1"}, EMPTY).body["materials"] == []
    assert "is_fee" not in changed(ITEM, BODIES[0][1], is_fee="").body


def test_a_list_whose_last_part_is_removed_is_empty():
    body = {**EMPTY, "windows": [{"address": "一楼"}], "steps": []}
    texts = changed_rows(texts_of(GUIDE, body), "windows", "remove", 0)

    done = read(GUIDE, texts, body)

    assert (done.body, problems_of(GUIDE, done)) == ({**EMPTY, "windows": [], "steps": []}, [])


def test_money_is_typed_in_yuan_and_kept_in_fen():
    body = {**EMPTY, "fees": [{"fee_name": "工本费", "amount_fen": 1050, "fee_stand": "每证10.5元"}]}

    assert texts_of(GUIDE, body)["fees.0.amount_fen"] == "10.50"
    assert changed(GUIDE, body, fees__0__amount_fen="20").body["fees"][0]["amount_fen"] == 2000
    assert changed(GUIDE, body, fees__0__amount_fen="20.005").problems[0].path == "fees.0.amount_fen"


@pytest.mark.parametrize(
    ("path", "text", "rule"),
    [
        ("promise_day", "-1", "number"),
        ("promise_day", "九", "number"),
        ("promise_day", "99999", "less_than_equal"),
        ("plan_cancel_date", "2026年3月1日", "date"),
        ("is_fee", "也许", "yes_no"),
        ("task_name", "", "missing"),
        ("online_handle_url", "http://a.example", "address"),
        ("short_name", "看不\u200b见", "invisible_character"),
        ("short_name", "长" * 101, "string_too_long"),
        ("limit_scene_explain", "需要跑5次", "one_fact_once"),
    ],
)
def test_an_error_stands_at_its_field_in_chinese(path, text, rule):
    body = {**BODIES[0][1], "limit_scene_num": 1}
    found = {one.path: one for one in problems_of(ITEM, changed(ITEM, body, **{path: text}))}

    assert found[path].rule == rule
    assert any("一" <= character <= "鿿" for character in found[path].message)


def test_an_error_of_a_part_stands_at_its_row_of_the_form():
    body = {**EMPTY, "steps": [{"name": "受理"}, {"name": "办结"}]}
    texts = {**texts_of(GUIDE, body), "steps.0.name": "", "steps.1.content": "办", "steps.1.day": "9999"}

    assert [one.path for one in problems_of(GUIDE, read(GUIDE, texts, body))] == ["steps.1.day"]


def test_differences_are_told_in_words():
    old, new = dict(BODIES[0][1]), {**BODIES[0][1], "is_fee": True, "serve_type": ["1", "2"], "short_name": None}
    told = {one.path: (one.label, one.change_words, one.before, one.after) for one in differences(ITEM, old, new)}

    assert told["is_fee"] == ("是否收费", "修改", "否", "是")
    assert told["serve_type"] == ("服务对象", "修改", "自然人", "自然人、企业法人")
    assert told["short_name"][1:] == ("删除", "办身份证", "未说明")


def test_differences_of_parts_name_the_part_and_not_its_number():
    old = BODIES[-1][1]
    first, *others = old["materials"]
    new = {**old, "materials": [*others, {**first, "copies": 7}]}

    told = differences(GUIDE, old, new)

    assert f"申请材料“{first['material_name']}” · 份数" in [one.label for one in told]
    assert ("moved" in [one.change for one in told]) == bool(others)


def test_a_body_has_no_difference_to_itself():
    for kind, body in BODIES:
        assert differences(kind, body, body) == []


@given(st.lists(st.tuples(st.sampled_from(["add", "remove", "up", "down", "copy"]), st.integers(0, 5)), max_size=12))
def test_whatever_is_done_to_parts_each_text_stays_with_its_part(acts):
    texts = {f"steps.{number}.{name}": f"{name}{number}" for number in range(3) for name in ("name", "content")}
    for act, number in acts:
        texts = changed_rows(texts, "steps", act, number)
    for path, text in texts.items():
        if path.endswith(".content"):
            assert texts[path.replace("content", "name")] == text.replace("content", "name")


def test_several_values_of_one_field_are_lines_and_line_ends_are_plain():
    assert from_form([("a", "1"), ("a", "2"), ("b", "x\r\ny")]) == {"a": "1\n2", "b": "x\ny"}

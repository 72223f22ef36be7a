"""The mobile backend gives short blocks without empty values, and loses no text."""

from hypothesis import given

from services.channels.mobile.adapter import LONGEST
from tests.harness.projecting import any_guide, any_item, guide, item, leaves, of_guide, of_item, shown

PARTS = ("condition", "materials", "steps", "fees", "windows", "questions", "laws", "contact", "remedy", "more")


@given(one=any_item)
def test_no_field_of_an_item_is_empty(one):
    assert not any(value is None or value == "" for value in leaves(shown("mobile", of_item(one))))


@given(one=any_guide)
def test_no_field_of_a_guide_is_empty(one):
    document = shown("mobile", of_guide(one))

    assert not any(value is None or value == "" for value in leaves(document))
    assert [] not in document.values()


@given(one=any_guide)
def test_every_value_is_short(one):
    document = shown("mobile", of_guide(one))

    assert all(0 < len(block["v"]) <= LONGEST for part in PARTS for block in document.get(part, []))


@given(one=any_guide)
def test_a_long_text_becomes_several_blocks_and_loses_no_word(one):
    document = shown("mobile", of_guide(one))
    condition = "".join(block["v"] for block in document.get("condition", []))

    assert "".join(condition.split()) == "".join((one.accept_condition or "").split())


def test_a_long_text_is_parted_at_its_sentences():
    text = "甲" * 70 + "。" + "乙" * 70 + "。"

    condition = shown("mobile", of_guide(guide(accept_condition=text)))["condition"]

    assert [block["v"] for block in condition] == ["甲" * 70 + "。", "乙" * 70 + "。"]
    assert {block["t"] for block in condition} == {"受理条件"}


def test_the_app_learns_where_to_go_on():
    one = item(mobile_terminal_url="https://m.yunxi.example/apply")

    assert shown("mobile", of_item(one))["mobile_terminal_url"] == "https://m.yunxi.example/apply"
    assert "mobile_terminal_url" not in shown("mobile", of_item(item()))


def test_facts_are_blocks_of_title_and_value():
    blocks = shown("mobile", of_item(item(promise_day=5, promise_type="1", handle_type=["1", "2"])))["blocks"]

    assert {"t": "承诺时限", "v": "5个工作日"} in blocks
    assert {"t": "办理方式", "v": "窗口办理、网上办理"} in blocks

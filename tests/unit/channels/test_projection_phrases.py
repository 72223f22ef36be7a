"""Labels for numbers and codes, the same in every channel."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.content.guides import Fee
from services.channels.text import chinese_labels, english_labels
from tests.harness.projecting import guide, item


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"promise_day": 5, "promise_type": "1"}, "5个工作日"),
        ({"promise_day": 60, "promise_type": "2", "anticipate_day": 90}, "60个自然日"),
        ({"promise_day": 3}, "3（单位以窗口告知为准）"),
        ({"anticipate_day": 20}, "20（单位以窗口告知为准）"),
        ({"promise_day": 0, "promise_type": "1"}, "当场办结"),
        ({"project_type": "1"}, "当场办结"),
        ({"project_type": "1", "promise_day": 3, "promise_type": "1"}, "3个工作日"),
        ({"anticipate_day": 20, "anticipate_type": "1"}, "20个工作日"),
        ({}, None),
    ],
)
def test_how_long_is_what_was_promised(fields, words):
    assert chinese_labels.how_long(item(**fields)) == words


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"is_online": True, "limit_scene_num": 0}, "可以，全程网上办"),
        ({"is_online": True, "limit_scene_num": 1}, "可以网上申请，还需到现场1次"),
        ({"is_online": True}, "可以网上申请"),
        ({"handle_type": ["1", "3"]}, "可以邮寄申请"),
        ({"handle_type": ["1", "2"]}, "可以网上申请"),
        ({"is_online": False, "handle_type": ["1"]}, "需到现场办理"),
        ({"is_online": False}, "不能网上申请，其他方式以窗口告知为准"),
        ({"limit_scene_num": 0}, None),
    ],
)
def test_whether_it_can_be_done_at_home(fields, words):
    assert chinese_labels.at_home(item(**fields)) == words


@pytest.mark.parametrize(("times", "words"), [(None, None), (0, "不用跑现场"), (1, "最多跑1次"), (3, "需到现场3次")])
def test_how_often_one_must_come(times, words):
    assert chinese_labels.visits(item(limit_scene_num=times)) == words


@pytest.mark.parametrize(("fen", "words"), [(0, "0元"), (2000, "20元"), (1050, "10.50元"), (5, "0.05元")])
def test_money_is_exact(fen, words):
    assert chinese_labels.yuan(fen) == words


def test_a_fee_without_words_is_its_amount():
    assert chinese_labels.fee(Fee(fee_name="工本费", amount_fen=2000, fee_stand="", is_desc=False)) == "20元"


def test_whether_a_fee_is_reduced_is_told_as_far_as_it_is_known():
    assert chinese_labels.fee(Fee(fee_name="工本费", fee_stand="20元", is_desc=True)) == "20元（可减免）"
    assert chinese_labels.fee(Fee(fee_name="工本费", fee_stand="20元")) == "20元（能否减免以窗口告知为准）"


def test_a_guide_without_necessary_materials_says_so():
    assert chinese_labels.bring(guide(materials=[{"material_name": "委托书", "is_need": False}])) == "没有必须带的材料"
    assert chinese_labels.bring(guide()) is None


FORM = {"material_name": "申领登记表", "is_need": True}
BOOK = {"material_name": "户口簿", "is_need": True}


@pytest.mark.parametrize(
    "stated",
    [
        {"fill_explain": "由户政窗口打印，申请人核对后签名"},
        {"fill_explain": "在登记处由双方当面填写、签名并按指印，不必提前准备"},
        {"fill_explain": "不用准备；在窗口现场填写"},
        {"source_explain": "由受理窗口免费提供"},
    ],
)
def test_a_form_that_the_window_makes_is_not_to_be_brought(stated):
    both, alone = guide(materials=[FORM | stated, BOOK]), guide(materials=[FORM | stated])

    assert chinese_labels.bring(both) == "1样：户口簿。申领登记表在窗口打印或者填写，不用带"
    assert chinese_labels.bring(alone) == "没有必须带的材料：申领登记表在窗口打印或者填写，不用带"
    assert english_labels.bring(both) == "1 thing; forms are made out at the window"
    assert "不用带" in chinese_labels.material(both.materials[0])
    assert "不用带" not in chinese_labels.material(both.materials[1])


@pytest.mark.parametrize(
    "stated",
    [
        {},
        {"source_explain": "申请人自备：下载空白表格填写，或者在窗口免费领取"},
        {"source_explain": "申请人自备，承诺书文本由窗口提供"},
        {"fill_explain": "网上填写的免交纸质表"},
        {"source_explain": "由医疗机构出具"},
    ],
)
def test_a_form_is_to_be_brought_unless_it_is_stated_otherwise(stated):
    assert chinese_labels.bring(guide(materials=[FORM | stated, BOOK])) == "2样：申领登记表、户口簿"


@given(text=st.text(), longest=st.integers(1, 60))
def test_pieces_are_short_and_lose_no_word(text, longest):
    pieces = chinese_labels.pieces(text, longest)

    assert all(0 < len(piece) <= longest for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@given(text=st.text(), longest=st.integers(10, 80))
def test_a_shortened_text_fits_and_shows_that_it_was_cut(text, longest):
    short = chinese_labels.shorten(text, longest)
    plain = " ".join(text.split())

    assert len(short) <= longest
    assert short == plain or short.endswith("……")


def test_a_shortened_text_ends_with_a_whole_clause():
    assert (
        chinese_labels.shorten("由申请人签名；未满十六周岁的由监护人签名，并提供证明", 24)
        == "由申请人签名；未满十六周岁的由监护人签名……"
    )
    assert chinese_labels.shorten("由申请人签名并且按上手印以后再交给窗口", 12) == "由申请人签名并且按上……"

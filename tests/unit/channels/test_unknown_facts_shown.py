"""Facts that nobody has stated are shown as unknown, in every channel and both languages: never as a default."""

import re

import pytest

from services.channels.core.port import adapters
from services.channels.search.facets import FACETS
from services.channels.text import chinese_labels, english_labels
from shared.text.bilingual import t
from tests.harness.projecting import CODE, guide, item, of_guide, of_item
from tests.harness.shelf import Shelf
from tests.unit.channels.test_pages import browser

CHANNELS = sorted(adapters())
every_channel = pytest.mark.parametrize("channel", CHANNELS)
WINDOWS = [{"address": "一楼", "window_no": "A01"}]
BARE = [{"material_name": "申请表"}, {"material_name": "照片"}]
ASK = str(t("以窗口告知为准", "ask at the window"))
NOT_STATED = (
    *("原件", "1份", "纸质", "必要", "申请人自备", "承诺件", "法定机关", "需到现场办理"),
    *("original", "required", "in person"),
)


def page(channel, folder, one=None, its_guide=None):
    """Return an item's page in the hall, as text of its main part with the marks of both languages."""
    entries = [of_item(one or item(is_entry_center=True)), *([of_guide(its_guide)] if its_guide else [])]
    answer = browser(channel, Shelf(channel, folder, entries)).get(f"/{channel}/items/{CODE}")
    assert answer.status_code == 200
    return answer.text[answer.text.index("<main") : answer.text.index("</main")]


def answers(text):
    """Return question → answer in both languages, from a page's short answers."""
    pairs = re.findall(r'<div class="answer"[^>]*><dt>(.*?)</dt><dd>(.*?)</dd>', text, re.DOTALL)
    return {re.sub(r"<[^>]*>", "|", question).strip("|").split("|")[0]: answer for question, answer in pairs}


@every_channel
def test_an_item_of_which_nothing_is_stated_answers_every_question_with_unknown(channel, tmp_path):
    text = page(channel, tmp_path, its_guide=guide(windows=WINDOWS, materials=BARE))

    assert not [word for word in NOT_STATED if word in text]
    if channel == "portal":
        for name in ("承诺办结时限", "到办事现场次数", "是否收费", "办件类型", "办理形式", "服务对象"):
            fact = re.search(rf"{name}</span>.*?</dt><dd>(.*?)</dd>", text)
            assert fact, name
            assert fact[1] == ASK
    else:
        asked = ["多久办好", "要不要钱", "在家能办吗"]
        assert [answers(text)[question] for question in asked] == [ASK] * 3


@every_channel
def test_a_bare_material_is_shown_by_its_name_and_asked_for_at_the_window(channel, tmp_path):
    text = page(channel, tmp_path, its_guide=guide(windows=WINDOWS, materials=BARE))

    for name in ("申请表", "照片"):
        after = text[text.index(name, text.index("材料")) :]
        assert "以窗口告知为准" in after[:400]


@every_channel
def test_unknown_materials_are_asked_for_and_a_list_of_none_says_nothing(channel, tmp_path):
    unknown = page(channel, tmp_path / "a", its_guide=guide(windows=WINDOWS))
    title = {"kiosk": "要带的材料"}.get(channel, "带什么材料")

    assert "以窗口告知为准" in unknown[unknown.index(title) :][:300]
    if channel != "mobile":  # mobile has no empty values
        assert title not in page(channel, tmp_path / "b", its_guide=guide(windows=WINDOWS, materials=[]))


@every_channel
def test_a_time_without_a_unit_is_shown_without_one(channel, tmp_path):
    text = page(channel, tmp_path, item(is_entry_center=True, promise_day=15, is_schedule=True))

    assert "15（单位以窗口告知为准）" in text
    assert not re.search(r"15\s*(天|个|日|days?|working)", text)


@every_channel
def test_a_legal_limit_is_no_promise(channel):
    document = adapters()[channel].project(of_item(item(is_entry_center=True, anticipate_day=20, anticipate_type="1")))

    assert document is not None
    assert document["glance"]["how_long"] == "20个工作日"
    assert "承诺" not in str(document)


@pytest.mark.parametrize("channel", ["web", "mobile", "portal"])
def test_an_item_without_a_guide_is_not_said_to_get_one(channel, tmp_path):
    text = page(channel, tmp_path)

    assert "正在编制" not in text
    assert channel == "portal" or "还没有发布办事指南" in text


def test_unknown_facts_are_null_in_the_documents_of_web():
    document = adapters()["web"].project(of_item(item()))
    its_guide = adapters()["web"].project(of_guide(guide(materials=BARE)))

    assert document is not None
    assert its_guide is not None
    facts = ("project_type", "dept_type", "is_online", "is_express", "handle_type", "online_handle_depth")
    assert {document[name] for name in facts} == {None}
    assert set(document["labels"]) == {"task_type", "use_level"}
    assert document["glance"] == {"how_long": None, "cost": None, "visits": None, "at_home": None}
    assert {its_guide["materials"][0][name] for name in ("is_need", "copies", "material_type", "source_type")} == {None}


def test_the_app_gets_an_answer_only_where_there_is_one_and_is_told_what_is_not_known():
    document = adapters()["mobile"].project(of_item(item(is_express=False)))

    assert document is not None
    assert document["glance"] == {}
    told = {block["t"]: block["v"] for block in document["blocks"]}
    assert told["办理方式"] == told["预约办理、自助终端"] == "以窗口告知为准"


def test_the_app_lists_an_item_of_which_nothing_is_stated(tmp_path):
    shelf = Shelf("mobile", tmp_path, [of_item(item())])

    assert CODE in browser("mobile", shelf).get("/mobile/items").text


def test_a_screen_says_nothing_of_what_it_can_do_where_nobody_says_it(tmp_path):
    document = adapters()["kiosk"].project(of_item(item(is_entry_center=True)))

    assert document is not None
    assert document["is_service_terminals"] is None
    assert "自助机" not in page("kiosk", tmp_path)


def test_an_unknown_fact_fits_no_choice():
    document = adapters()["web"].project(of_item(item()))

    assert [list(FACETS[name].of(document)) for name in ("depth", "visit", "serve", "audience")] == [[], [], [], []]


@pytest.mark.parametrize(
    ("fields", "zh", "en"),
    [
        ({}, "以窗口告知为准", "ask at the window"),
        ({"is_need": True}, "必要 · 其余以窗口告知为准", "required · ask at the window about the rest"),
        ({"copies": 2}, "2份 · 其余以窗口告知为准", "× 2 · ask at the window about the rest"),
        ({"tolerable": True, "material_type": "2"}, "可容缺后补 · 复印件 · 其余以窗口告知为准", None),
        (
            {"is_need": True, "material_type": "1", "copies": 1, "material_format": "1"},
            "必要 · 原件 1份 · 纸质",
            "required · original × 1 · on paper",
        ),
    ],
)
def test_of_a_material_is_told_what_is_known_and_that_the_rest_is_not(fields, zh, en):
    (one,) = guide(materials=[{"material_name": "照片", **fields}]).materials

    assert chinese_labels.material(one) == zh
    assert en is None or english_labels.material(one) == en
    assert chinese_labels.material_source(one) is None


def test_how_many_things_to_bring_is_counted_with_what_is_not_sure():
    one = guide(materials=[{"material_name": "甲", "is_need": True}, {"material_name": "乙"}])

    assert chinese_labels.bring(one) == "2样（是否都要带，以窗口告知为准）：甲、乙"
    assert english_labels.bring(one) == "2 things (ask at the window whether all are needed)"
    assert chinese_labels.bring(guide()) is None

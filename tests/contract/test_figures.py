"""What the grammar reads in a sentence, what it leaves to a person, and that no changed figure leaves its sentence."""

import re
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contracts.content import figures
from contracts.content.fact_pairs import contradictions, unreadable, without_contradictions
from contracts.content.figures import NOTHING, UNREADABLE, Reading
from tests.harness.projecting import guide, item

AMOUNTS = {
    "每证10元": 1000,
    "10元/本": 1000,
    "１０元／本": 1000,
    "工本费每证收取10元。": 1000,
    "¥10": 1000,
    "人民币1,000元": 100_000,
    "1.5元/张": 150,
    "十元": 1000,
    "一百二十元整": 12_000,
    "1万元": 1_000_000,
    "5角": 50,
    "依据粤价〔2010〕123号，每证10元": 1000,
    "10 yuan per copy": 1000,
    "Ten yuan each": 1000,
    "CNY 10": 1000,
    "免费": 0,
    "本事项不收费。": 0,
    "无需缴费": 0,
    "0元": 0,
    "free of charge": 0,
    "Free.": 0,
    "No fee": 0,
}


@pytest.mark.parametrize(("text", "fen"), AMOUNTS.items(), ids=map(str, range(len(AMOUNTS))))
def test_an_amount_with_its_unit_is_read(text: str, fen: int) -> None:
    assert figures.amount(text) == Reading(fen)


@pytest.mark.parametrize(
    "text",
    [
        "首次不收费，补领20元",
        "每增加一本10元",
        "10元至20元",
        "10-20元",
        "10元起",
        "不超过10元",
        "按面积每平方米2元",
        "住宅80元，非住宅550元",
        "减半收取5元",
        "10元（残疾人免费）",
        "from 10 yuan",
        "10 yuan, or 5 yuan online",
        "无收费标准",
        "每件80元，每证10元",
    ],
)
def test_an_amount_that_is_qualified_is_left_to_a_person(text: str) -> None:
    assert figures.amount(text) == UNREADABLE


@pytest.mark.parametrize(
    "text", ["收费标准见公示栏", "按物价部门核定的标准", "see the notice", "依据粤价〔2010〕123号", ""]
)
def test_words_without_an_amount_state_none(text: str) -> None:
    assert figures.amount(text) == NOTHING


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("5个工作日", Reading(5, unit="1")),
        ("办理时限：五个工作日内办结。", Reading(5, unit="1")),
        ("自受理之日起15个工作日内作出决定", Reading(15, unit="1")),
        ("within 5 working days", Reading(5, unit="1")),
        ("审查（5个工作日）", Reading(5, unit="1")),
        ("5个自然日", Reading(5, unit="2")),
        ("30日", Reading(30)),
        ("公示七日", UNREADABLE),
        ("五个工作日内决定是否受理，七日内送达", UNREADABLE),
        ("申请人应当在5个工作日内补正", UNREADABLE),
        ("当场办结", NOTHING),
    ],
)
def test_a_steps_time_is_read_only_where_the_sentence_says_nothing_else(text: str, reading: Reading) -> None:
    assert figures.days(text) == reading


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("最多跑0次", Reading(0)),
        ("最多跑一次", Reading(1)),
        ("到现场2次", Reading(2)),
        ("零跑动", Reading(0)),
        ("at most 1 visit", Reading(1)),
        ("No visit needed", Reading(0)),
        ("跑1次，共跑2次", UNREADABLE),
        ("需核对原件", NOTHING),
        ("统一受理一次性告知", NOTHING),
    ],
)
def test_visits_are_read(text: str, reading: Reading) -> None:
    assert figures.visits(text) == reading


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("申请表（一式两份）", Reading(2)),
        ("共3份", Reading(3)),
        ("2 copies", Reading(2)),
        ("in triplicate", Reading(3)),
        ("原件1份，复印件2份", UNREADABLE),
        ("每人1份", UNREADABLE),
        ("按被申请人人数提交副本", NOTHING),
    ],
)
def test_copies_are_read(text: str, reading: Reading) -> None:
    assert figures.copies(text) == reading


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("申请材料共3份", Reading(3, unit="份")),
        ("共需提交三种材料", Reading(3, unit="种")),
        ("3 documents", Reading(3)),
        ("至少提交材料3份", UNREADABLE),
        ("以下情形共四类须报备案", NOTHING),
        ("材料齐全", NOTHING),
    ],
)
def test_a_number_of_materials_is_read(text: str, reading: Reading) -> None:
    assert figures.materials(text) == reading


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("鹰峰中路1号3楼5号窗口", {("window", "5")}),
        ("一楼综合窗口5", {("window", "5")}),
        ("3-5号窗口", {("window", "3"), ("window", "4"), ("window", "5")}),
        ("A01、A02号窗口", {("window", "a1"), ("window", "a2")}),
        ("政治处302室", {("room", "302")}),
        ("Hall 1, window 5", {("window", "5")}),
        ("平安路11号户政窗口", set()),
        ("惠民路5号等便民服务中心", set()),
    ],
)
def test_windows_in_an_address_are_read_and_house_numbers_are_not(text: str, found: set[tuple[str, str]]) -> None:
    assert figures.places(text) == found


def test_limits_are_read_by_their_name() -> None:
    text = "法定办结时限20个工作日，承诺办结时限5个工作日"
    assert figures.limits(text) == {"promise": Reading(5, unit="1"), "anticipate": Reading(20, unit="1")}
    assert figures.limits("5个工作日") == {"promise": Reading(5, unit="1")}
    assert figures.limits("当场办结") == {}


LONG = 20_000
READERS = (
    figures.amount, figures.days, figures.limits, figures.visits, figures.copies, figures.materials, figures.places,
    figures.window_numbers,
)  # fmt: skip


@pytest.mark.parametrize(
    "scrap", ["1", "一", "5-", "A1、", "1,000", "《", "办理", "材料", "10元", "〔2010〕1号", "free "]
)
def test_an_endless_sentence_is_read_at_once(scrap: str) -> None:
    for read in READERS:
        read(scrap * (LONG // len(scrap)))


# The pairs

FEN = st.integers(0, 10_000_000)
FORMS = (
    "每证{}元", "{}元/本", "{} 元", "工本费{}元。", "¥{}", "￥{}/证", "人民币{}元整", "收费标准：每件{}元",
    "{} yuan per copy", "CNY {}", "{}块",
)  # fmt: skip


def written(fen: int) -> str:
    return str(fen // 100) if fen % 100 == 0 else f"{fen // 100}.{fen % 100:02d}"


def fee(fen: int, words: str) -> dict[str, object]:
    return {"fee_name": "工本费", "amount_fen": fen, "fee_stand": words}


@given(said=FEN, changed=FEN, form=st.sampled_from(FORMS))
def test_who_changes_an_amount_and_leaves_its_sentence_is_told_both(said: int, changed: int, form: str) -> None:
    words = form.format(written(said))
    assert contradictions(guide(fees=[fee(said, words)])) == []
    assert unreadable(guide(fees=[fee(said, words)])) == []

    assume(said != changed)
    (found,) = contradictions(guide(fees=[fee(changed, words)]))
    assert (found.words, found.figure) == ("fees.0.fee_stand", "fees.0.amount_fen")
    assert words in found.message
    assert str(changed) in found.message


@given(changed=st.integers(1, 10**7), words=st.sampled_from(["免费", "不收费", "Free of charge", "no fee"]))
def test_who_asks_a_fee_and_leaves_the_word_for_nothing_is_told_both(changed: int, words: str) -> None:
    assert len(contradictions(guide(fees=[fee(changed, words)]))) == 1


COUNTS = st.integers(0, 99)


@given(
    said=COUNTS,
    changed=COUNTS,
    form=st.sampled_from(["{}个工作日", "办理时限：{}个工作日内办结", "within {} working days"]),
)
def test_who_changes_a_steps_days_and_leaves_the_sentence_is_told(said: int, changed: int, form: str) -> None:
    found = contradictions(guide(steps=[{"name": "审查", "day": changed, "content": form.format(said)}]))
    assert bool(found) == (said != changed)
    found = contradictions(guide(steps=[{"name": f"审查（{said}个工作日）", "day": changed}]))
    assert [one.optional for one in found] == (["steps.0.day"] if said != changed else [])


@given(said=COUNTS, changed=COUNTS, form=st.sampled_from(["最多跑{}次", "到现场{}次", "at most {} visits"]))
def test_who_changes_the_visits_and_leaves_the_sentence_is_told(said: int, changed: int, form: str) -> None:
    found = contradictions(item(limit_scene_num=changed, limit_scene_explain=form.format(said)))
    assert bool(found) == (said != changed)


@given(said=COUNTS, changed=COUNTS, form=st.sampled_from(["申请表（{}份）", "{} copies of the form"]))
def test_who_changes_the_copies_and_leaves_the_name_is_told(said: int, changed: int, form: str) -> None:
    found = contradictions(guide(materials=[{"material_name": form.format(said), "copies": changed}]))
    assert bool(found) == (said != changed)


@given(said=st.integers(1, 30), listed=st.integers(1, 30))
def test_who_adds_a_material_and_leaves_the_number_is_told(said: int, listed: int) -> None:
    materials = [{"material_name": "申请表", "copies": 1} for _ in range(listed)]
    found = contradictions(guide(materials=materials, accept_condition=f"申请材料共{said}项"))
    assert bool(found) == (said != listed)


@given(
    said=st.integers(1, 999), changed=st.integers(1, 999), form=st.sampled_from(["一楼{}号窗口", "Hall A, window {}"])
)
def test_who_moves_a_window_and_leaves_the_address_is_told(said: int, changed: int, form: str) -> None:
    found = contradictions(guide(windows=[{"address": form.format(said), "window_no": f"{changed}号"}]))
    assert bool(found) == (said != changed)


def test_one_of_the_windows_of_an_address_is_no_contradiction() -> None:
    assert contradictions(guide(windows=[{"address": "一楼3-5号窗口", "window_no": "4"}])) == []


def test_what_is_not_handled_online_has_no_depth_of_handling() -> None:
    (found,) = contradictions(item(is_online=False, online_handle_depth=["1", "5"]))
    assert (found.words, found.figure) == ("online_handle_depth", "is_online")
    assert contradictions(item(is_online=False, online_handle_depth=["1"])) == []
    assert contradictions(item(is_online=None, online_handle_depth=["5"])) == []


HAS_NUMBER = re.compile(
    r"\d|[零〇一二两俩三四五六七八九十百千万]|免|不收|不需|不要|无需|零|不用|"
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|a|an|no|zero|free|duplicate|triplicate)\b"
)
SCRAPS = [
    "收费",
    "元",
    "每证",
    "工作日",
    "份",
    "材料",
    "窗口",
    "跑",
    "次",
    "yuan",
    "copies",
    "days",
    "按",
    "起",
    "现场",
    "。",
    " ",
]
TEXTS = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(SCRAPS), max_size=12).map("".join))


@given(TEXTS)
def test_no_text_without_a_number_is_ever_refused_or_doubted(text: str) -> None:
    assume(not HAS_NUMBER.search(unicodedata.normalize("NFKC", text).lower()))
    given_guide = guide(
        accept_condition=text,
        materials=[{"material_name": f"表{text}", "copies": 1, "fill_explain": text, "accept_stand": text}],
        steps=[{"name": "审查", "day": 3, "content": text}],
        fees=[fee(1000, text)],
        windows=[{"address": f"楼{text}", "window_no": "5"}],
    )
    given_item = item(limit_scene_num=1, limit_scene_explain=text)
    assert contradictions(given_guide) == unreadable(given_guide) == []
    assert contradictions(given_item) == unreadable(given_item) == []


@given(TEXTS | st.text(alphabet="0123456789一二两三百元个工作日份次跑号窗口、-～/.,每免费 ¥", max_size=40))
def test_every_text_is_read_or_left_and_without_its_contradictions_a_body_has_none(text: str) -> None:
    whole = guide(
        accept_condition=text,
        materials=[{"material_name": f"表{text}", "copies": 1, "fill_explain": text}],
        steps=[{"name": "审查", "day": 3, "content": text}],
        fees=[fee(1000, text)],
        windows=[{"address": f"楼{text}", "window_no": "5"}],
    )
    body = without_contradictions(whole.model_dump(mode="json"), contradictions(whole))
    assert contradictions(type(whole).model_validate(body)) == []

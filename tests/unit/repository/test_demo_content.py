"""The demo county: its content follows every rule that the system enforces."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from contracts.codes.identifiers import USCC, is_resident_id, is_uscc, parse_item_code
from contracts.codes.item_checks import Context, LiveCodes, check_item
from contracts.codes.tables import TASK_TYPE
from contracts.content.guides import Guide
from contracts.content.items import Item
from services.applications.lifecycle.current_state import derive, guard
from services.applications.lifecycle.definitions import LegalLimits
from services.applications.lifecycle.facts import Fact, FactEvent
from services.applications.lifecycle.working_days import Calendar
from services.demo import content
from services.demo.model import ROUND_SECONDS, DemoCase

pytestmark = pytest.mark.lint
NOTICES = Path(__file__).parents[3] / ".." / "shared" / "data"
COUNTY = content.county()
ITEMS = content.items()
GUIDES = content.guides()
CASES = content.cases()
DIRECTORY = {row.catalog_code: row for row in content.directory()}
BY_CODE = {item.code: item for item in ITEMS}

BY_APPLICATION = {"01", "05", "07", "08", "09", "10", "20"}
VAGUE = ("其他材料", "有关材料", "相关材料", "其它材料", "按规定", "符合条件", "另行通知", "详见", "待定", "有关规定")
PHONE = re.compile(r"0\d{2,3}-\d{5,8}")
STEPS = ("受理", "审查", "决定", "办结", "送达")
FULLY_ONLINE = {"5", "6", "7"}
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
NAMED = ["身份证", "上户口", "开公司", "个体户", "食品经营许可证", "结婚", "离婚", "医保", "社保", "低保", "公积金"]


# --- the rules of the guide linter (domain reference, section 7.3), each with what is wrong -------------------------


def g1_immediate_means_no_days(item: Item, _: Guide) -> Iterator[str]:
    if (item.promise_day == 0) != (item.project_type == "1"):
        yield f"promise {item.promise_day}, project type {item.project_type}"


def g2_promise_within_the_legal_limit(item: Item, _: Guide) -> Iterator[str]:
    if item.anticipate_day is None:
        return
    if item.anticipate_type != item.promise_type or (item.promise_day or 0) > item.anticipate_day:
        yield f"promise {item.promise_day}/{item.promise_type} over {item.anticipate_day}/{item.anticipate_type}"


def g3_licence_has_a_legal_limit(item: Item, _: Guide) -> Iterator[str]:
    if item.task_type == "01" and not item.anticipate_day:
        yield "no legal limit"


def g4_result_type_fits_its_name(item: Item, _: Guide) -> Iterator[str]:
    name = item.result_name or ""
    expected = {"10": r"(证|证书|执照)$", "20": r"(批复|批文)$"}
    if (item.result_type == "99") != (not name):
        yield f"type {item.result_type} with name {name!r}"
    for kind, ending in expected.items():
        if re.search(ending, name) and item.result_type != kind:
            yield f"{name} should be of type {kind}"


def g5_visits_are_explained(item: Item, _: Guide) -> Iterator[str]:
    if item.limit_scene_num and not item.limit_scene_explain:
        yield "a visit without its reason"
    if item.limit_scene_num == 0 and not (item.is_online or item.is_express):
        yield "no visit, yet neither online nor by post"


def g6_fully_online_needs_no_visit(item: Item, _: Guide) -> Iterator[str]:
    if FULLY_ONLINE & set(item.online_handle_depth) and item.limit_scene_num != 0:
        yield f"depth {item.online_handle_depth} with {item.limit_scene_num} visits"


def g7_fees_have_basis_and_standard(item: Item, guide: Guide) -> Iterator[str]:
    if bool(item.is_fee) != bool(guide.fees) or bool(item.is_fee) != item.is_pay_online:
        yield "fee flag, fees and payment online do not agree"
    if any(not fee.by_law or not fee.amount_fen for fee in guide.fees):
        yield "a fee without basis or amount"


def g8_complaints_go_elsewhere(_: Item, guide: Guide) -> Iterator[str]:
    consult, complain = (set(PHONE.findall(text or "")) for text in (guide.link_way, guide.supervise_way))
    if not consult or not complain or consult & complain:
        yield f"consult {consult}, complain {complain}"


def g9_windows_can_be_found(_: Item, guide: Guide) -> Iterator[str]:
    for window in guide.windows:
        if not re.search(r"\d+号", window.address) or not window.window_no or not re.search(r"\d", window.window_no):
            yield f"{window.address} {window.window_no}"
        if not re.search("工作日|全天|24小时", window.hours or ""):
            yield f"hours {window.hours}"


def g10_themes_fit_who_applies(item: Item, _: Guide) -> Iterator[str]:
    people, others = "1" in item.serve_type, bool(set(item.serve_type) - {"1"})
    if people != bool(item.user_topic_type) or others != bool(item.corp_topic_type):
        yield f"{item.serve_type}: {item.user_topic_type} / {item.corp_topic_type}"


def g11_nothing_vague(item: Item, guide: Guide) -> Iterator[str]:
    text = item.model_dump_json() + guide.model_dump_json()
    yield from (phrase for phrase in VAGUE if phrase in text)


def g12_flow_is_whole_and_in_time(item: Item, guide: Guide) -> Iterator[str]:
    names = [step.name for step in guide.steps]
    if [name for name in names if name in STEPS] != list(STEPS):
        yield f"steps {names}"
    if sum(step.day or 0 for step in guide.steps) > (item.promise_day or 0):
        yield "the steps take longer than promised"
    if len(guide.questions) < 3:
        yield "fewer than three questions"


def g13_required_elements(item: Item, guide: Guide) -> Iterator[str]:
    required = ("accept_condition", "materials", "steps", "windows", "by_law", "link_way", "supervise_way", "remedy")
    yield from (name for name in required if not getattr(guide, name))
    yield from (name for name in ("special_procedure", "time_limit_explain") if not getattr(guide, name))
    if item.promise_day is None or item.is_fee is None:
        yield "limits or fees unsaid"


def g14_every_material_says_where_it_comes_from(_: Item, guide: Guide) -> Iterator[str]:
    blanks = content.forms()
    for material in guide.materials:
        if material.form_url not in blanks and "自备" not in (material.source_explain or ""):
            yield material.material_name
        if material.form_url and material.form_url not in blanks:
            yield f"{material.form_url} cannot be downloaded"


RULES: tuple[Callable[[Item, Guide], Iterator[str]], ...] = (
    g1_immediate_means_no_days,
    g2_promise_within_the_legal_limit,
    g3_licence_has_a_legal_limit,
    g4_result_type_fits_its_name,
    g5_visits_are_explained,
    g6_fully_online_needs_no_visit,
    g7_fees_have_basis_and_standard,
    g8_complaints_go_elsewhere,
    g9_windows_can_be_found,
    g10_themes_fit_who_applies,
    g11_nothing_vague,
    g12_flow_is_whole_and_in_time,
    g13_required_elements,
    g14_every_material_says_where_it_comes_from,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_guide_keeps_the_linter_rule(rule: Callable[[Item, Guide], Iterator[str]]) -> None:
    pairs = zip(ITEMS, GUIDES, strict=True)

    assert {item.task_name: found for item, guide in pairs if (found := list(rule(item, guide)))} == {}


# --- the catalogue ----------------------------------------------------------------------------------------------------


def test_every_item_passes_every_check_while_the_others_are_live() -> None:
    codes = [item.code for item in ITEMS]

    def context(item: Item) -> Context:
        others = LiveCodes.of(code for code in codes if code != item.code)
        return Context(region=COUNTY.region, directory=DIRECTORY.get, divisions={"339921"}, live_codes=others)

    assert [finding for item in ITEMS for finding in check_item(item, context(item))] == []


def test_codes_are_unique_and_each_item_has_one_guide_of_the_same_name_and_law() -> None:
    assert len(BY_CODE) == len(ITEMS)
    assert [(g.code, g.task_name, g.dept_name, g.by_law) for g in GUIDES] == [
        (i.code, i.task_name, i.dept_name, i.by_law) for i in ITEMS
    ]


def test_every_type_that_citizens_apply_for_is_there_over_many_departments() -> None:
    assert {item.task_type for item in ITEMS} == BY_APPLICATION
    assert set(TASK_TYPE) > BY_APPLICATION
    assert len(ITEMS) >= 44
    assert len({item.dept_code for item in ITEMS}) >= 8


def test_situations_are_numbered_from_01_and_named_after_their_group() -> None:
    situations: dict[str, list[str]] = {}
    for item in ITEMS:
        code = parse_item_code(item.code)
        if code.situation:
            situations.setdefault(code.parent31, []).append(code.situation)
            group = re.escape(DIRECTORY[item.catalog_code].task_name)
            assert re.fullmatch(rf"{group}\([^()]+\)", item.task_name)

    assert len(situations) >= 5
    assert all(numbers == [f"{n:02}" for n in range(1, len(numbers) + 1)] for numbers in situations.values())


def test_departments_are_ours_and_items_name_them_as_they_are() -> None:
    units = {unit.code: unit for unit in COUNTY.departments}

    assert len(units) == len(COUNTY.departments) >= 10
    assert all(is_uscc(code) and code[2:8] == COUNTY.region[:6] and code[:2] in {"11", "12", "13"} for code in units)
    for item in ITEMS:
        unit = units[item.code[USCC]]
        assert (item.dept_code, item.dept_name, item.dept_type) == (unit.code, unit.name, unit.dept_type)
        assert (item.dept_type == "3") == bool(item.entrust_name)


def test_the_directory_names_rows_once_and_holds_some_that_nobody_claims_yet() -> None:
    claimed = {item.catalog_code for item in ITEMS}

    assert len(DIRECTORY) == len(content.directory())
    assert claimed < set(DIRECTORY)
    assert all(row.task_type == code[2:4] for code, row in DIRECTORY.items())


def test_items_differ_as_a_real_county_s_do() -> None:
    def count(what: Callable[[Item], bool]) -> int:
        return sum(map(what, ITEMS))

    assert 2 <= count(lambda i: not i.is_entry_center) < len(ITEMS) / 4
    assert count(lambda i: i.is_service_terminals) >= 10
    assert count(lambda i: bool(i.is_fee)) >= 4
    assert count(lambda i: i.project_type == "1") >= 10
    assert count(lambda i: i.limit_scene_num != 0) >= 10
    assert count(lambda i: bool(i.online_handle_url)) == count(lambda i: i.is_online) >= 30
    assert len({tuple(i.online_handle_depth) for i in ITEMS}) >= 3


@pytest.mark.parametrize("word", NAMED)
def test_people_find_items_by_what_they_call_them(word: str) -> None:
    assert any(word in keyword for item in ITEMS for keyword in item.keywords)


def test_no_question_and_no_answer_is_used_twice() -> None:
    questions = Counter((g.dept_name, q.question) for g in GUIDES for q in g.questions)
    answers = Counter(q.answer for g in GUIDES for q in g.questions)

    assert [text for used in (questions, answers) for text, n in used.items() if n > 1] == []


def test_every_phone_number_is_obviously_invented() -> None:
    texts = [COUNTY.model_dump_json(), *(guide.model_dump_json() for guide in GUIDES)]
    numbers = {number for text in texts for number in PHONE.findall(text)}

    assert numbers
    assert {n for n in numbers if not re.fullmatch(rf"{COUNTY.area_code}-(0000\d{{4}}|12345)", n)} == set()


# --- blank forms ------------------------------------------------------------------------------------------------------


class Cells(HTMLParser):
    """Counts the cells to fill in, and what a page would load from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.blank, self.foreign = 0, []

    def handle_starttag(self, tag, attrs):
        self.blank += tag == "td"
        self.foreign += [value for name, value in attrs if name in {"src", "href"}]


def test_every_blank_form_is_linked_and_can_be_filled_in_offline() -> None:
    linked = {material.form_url for guide in GUIDES for material in guide.materials if material.form_url}
    blanks = content.forms()

    assert set(blanks) == linked
    for blank in blanks.values():
        page = Cells()
        page.feed(blank.html)
        assert page.blank >= 5
        assert page.foreign == []


# --- calendars --------------------------------------------------------------------------------------------------------


def test_2026_says_what_the_state_council_s_notice_says() -> None:
    notice = json.loads((NOTICES / "holiday-cn-2026.json").read_text(encoding="utf-8"))
    ours = content.calendars()[2026]

    assert (ours["year"], ours["papers"]) == (2026, notice["papers"])
    assert {(d["date"], d["isOffDay"]) for d in ours["days"]} == {(d["date"], d["isOffDay"]) for d in notice["days"]}


def test_2027_knows_the_13_statutory_days_and_no_make_up_day() -> None:
    ours = content.calendars()[2027]
    clock = Calendar.from_notices(content.calendars().values())

    assert ours["papers"] == []
    assert len(ours["days"]) == 13
    assert all(day["isOffDay"] and "尚未发布" in day["name"] for day in ours["days"])
    assert clock.add_working_days(date(2027, 2, 4), 1) == date(2027, 2, 9)


# --- cases ------------------------------------------------------------------------------------------------------------


def facts_of(case: DemoCase) -> list[Fact]:
    number = case.project_no(START.date())

    def fact(n: int) -> Fact:
        event = case.script[n]
        at = START + timedelta(seconds=event.after_seconds)
        due = event.tolerance_days and at.date() + timedelta(days=event.tolerance_days)
        told = event.details() | ({"tolerance_due": due} if due else {})
        return Fact.model_validate(
            {"fact_id": f"demo:{n}", "project_no": number, "event": event.event, "occurred_at": at} | told
        )

    return [fact(n) for n in range(len(case.script))]


def test_there_are_enough_cases_of_existing_items_with_numbers_of_their_own() -> None:
    numbers = {case.project_no(START.date(), turn) for case in CASES for turn in range(99)}

    assert len(CASES) >= 32
    assert {case.item_code for case in CASES} <= set(BY_CODE)
    assert len({case.serial for case in CASES}) == len(CASES)
    assert len(numbers) == 99 * len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.serial:02}-{BY_CODE[case.item_code].task_name}")
def test_every_script_is_one_that_an_editor_could_have_entered(case: DemoCase) -> None:
    clock = Calendar.from_notices(content.calendars().values())
    rules = LegalLimits.for_item(BY_CODE[case.item_code])
    facts = facts_of(case)

    for n, fact in enumerate(facts):
        guard(derive(facts[:n], clock, rules), fact)

    state = derive(facts, clock, rules)
    assert state.violations == ()
    assert state.waiting == state.superseded == ()


def test_together_the_scripts_show_every_event_that_can_be_reported() -> None:
    assert {event.event for case in CASES for event in case.script} == set(FactEvent)


def test_rounds_that_follow_each_other_keep_the_hall_moving() -> None:
    offsets = sorted({event.after_seconds for case in CASES for event in case.script})
    longest = -(-offsets[-1] // ROUND_SECONDS)
    moments = sorted(at + ROUND_SECONDS * turn for at in offsets for turn in range(longest + 3))
    lively = [at for at in moments if at <= ROUND_SECONDS * (longest + 3)]

    assert all(later - earlier <= 20 for earlier, later in pairwise(lively))
    assert all(sorted(s, key=lambda e: e.after_seconds) == s for s in (case.script for case in CASES))


def test_the_people_are_invented_and_their_numbers_would_be_taken_for_real_ones() -> None:
    people = [case.applicant for case in CASES]

    assert len({person.contact_name for person in people}) == len(people)
    assert len({person.contact_code for person in people}) == len(people)
    assert len({person.contact_mobile for person in people}) == len(people)
    assert all(is_resident_id(p.contact_code) and p.contact_code.startswith("339921") for p in people)
    assert all(is_resident_id(p.page_code) if p.page_type == "111" else is_uscc(p.page_code) for p in people)


def test_names_and_numbers_stand_in_free_text_where_a_leak_would_show() -> None:
    for case in CASES:
        text = " ".join(f"{event.explain} {event.reason}" for event in case.script)
        assert case.applicant.contact_name in text
        assert case.applicant.contact_code in text
        assert case.applicant.name in case.project_name

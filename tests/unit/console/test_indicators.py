"""Indicators: what is counted, what is unknown, what each number opens, and that the page waits for nobody."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.accounts.demo import DEMO_PEOPLE
from services.console.indicators import figures
from services.console.indicators.cache import FactsCache
from services.console.indicators.facts import Facts, Period
from services.console.indicators.routes import halves
from shared.errors import UpstreamDown
from tests.harness.desk import TestDesk
from tests.harness.desk_county import DeskCounty, desk_county
from tests.harness.pipeline import code_of, item

UNIT = "11440232MB2D06811W"
HALF = Period(date(2026, 7, 1), date(2026, 12, 31))


def row(number: int = 1, **facts: Any) -> dict[str, Any]:
    code = f"{UNIT}4000117{number:06}"
    unknown = dict.fromkeys((
        "is_online", "online_handle_depth", "limit_scene_num", "anticipate_day", "anticipate_type", "promise_day",
        "promise_type",
    ))  # fmt: skip
    named = {"code": code, "parent": code, "unit": UNIT, "name": "事项", "dept_name": "水务局", "has_address": False}
    return {**named, **unknown, **facts}


def facts(items: list[dict[str, Any]] | None = None, **more: Any) -> Facts:
    return Facts(datetime.now(UTC), HALF, items=items, **more)


def of_items(*rows: dict[str, Any]) -> dict[str, figures.Figure]:
    return {one.name: one for one in figures.item_figures(rows)}


STATED = st.fixed_dictionaries({
    "is_online": st.sampled_from([True, False, None]),
    "online_handle_depth": st.sampled_from([None, [], ["1"], ["4", "5"], ["9"]]),
    "limit_scene_num": st.sampled_from([None, 0, 1, 2, 9]),
    "anticipate_day": st.sampled_from([None, 0, 20]),
    "anticipate_type": st.sampled_from([None, "1", "2"]),
    "promise_day": st.sampled_from([None, 0, 5, 20, 30]),
    "promise_type": st.sampled_from([None, "1", "2"]),
    "has_address": st.booleans(),
})  # fmt: skip


@given(st.lists(STATED, max_size=20))
def test_every_item_is_counted_once_as_yes_no_or_unknown_and_the_lists_hold_as_many(stated: list[Any]) -> None:
    rows = [row(number, **one) for number, one in enumerate(stated)]
    found = of_items(*rows)
    for name in figures.QUESTIONS_BY_NAME:
        one = found[name]
        listed = {answer: len(figures.listed(facts(rows), name, answer)) for answer in ("yes", "no", "unknown")}
        assert one.whole is not None
        applies = figures.QUESTIONS_BY_NAME[name].applies
        assert one.whole + one.unknown == sum(map(applies, rows))
        assert (one.part, one.whole - (one.part or 0), one.unknown) == tuple(listed.values())
        assert (one.value is None) == (one.whole == 0)


def test_what_nobody_has_stated_is_unknown_and_not_zero() -> None:
    found = of_items(row(1), row(2, limit_scene_num=0))

    assert (found["online"].value, found["online"].unknown) == (None, 2)
    assert (found["once"].value, found["once"].part, found["once"].whole, found["once"].unknown) == (100, 1, 1, 1)


def test_situations_of_one_item_count_as_one_of_the_hundred() -> None:
    first, second, third = row(1, limit_scene_num=1), row(1, limit_scene_num=1), row(2, limit_scene_num=2)
    assert of_items(first, second, third)["one_visit"].part == 1

    assert of_items(first, {**second, "limit_scene_num": None})["one_visit"].part == 0
    assert of_items(first, {**second, "limit_scene_num": None})["one_visit"].unknown == 1


def test_time_saved_compares_days_of_one_unit_only() -> None:
    same = {"anticipate_day": 20, "anticipate_type": "1", "promise_type": "1"}
    found = of_items(row(1, promise_day=5, **same), row(2, promise_day=5, **{**same, "promise_type": "2"}))

    assert (found["time_saved"].value, found["time_saved"].unknown) == (75, 1)


def test_cases_that_promised_no_day_are_neither_on_time_nor_late() -> None:
    counted = {"closed": 10, "late": 2, "unpromised": 4, "open": 5, "overdue": 1}
    on_time, overdue = figures.case_figures(facts(cases={row()["code"]: counted}))

    assert (on_time.value, on_time.part, on_time.whole, on_time.unknown) == (pytest.approx(100 * 4 / 6), 4, 6, 4)
    assert (overdue.value, overdue.whole) == (1, 5)


def test_a_service_that_does_not_answer_makes_its_numbers_unknown() -> None:
    nothing = facts()
    every = [*figures.item_figures(None), *figures.case_figures(nothing), *figures.publishing_figures(nothing)]

    assert {one.value for one in every} == {None}
    assert figures.consistency(nothing, ["web"])["web"].value is None


def test_consistency_is_what_the_auditor_found_of_what_it_read() -> None:
    audit = {"channels": {"web": {"pages": {"checked": 200}, "api": {"checked": 150}}}, "open": {"web": {"missing": 2}}}
    found = figures.consistency(facts(audit=audit), ["web", "kiosk"])

    assert (found["web"].value, found["web"].part) == (99, 198)
    assert found["kiosk"].value is None


def test_half_years_follow_one_another() -> None:
    assert Period.half("2026-1") == Period(date(2026, 1, 1), date(2026, 6, 30))
    assert Period.half(Period.half_of(date(2026, 7, 1))).first == date(2026, 7, 1)
    listed = halves(5)
    assert listed == sorted(listed, reverse=True)
    assert len(set(listed)) == 5


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DeskCounty, TestDesk]]:
    with desk_county(tmp_path_factory.mktemp("indicators"), channels=["web"]) as made:
        county = made[0].county
        county.release(item(1, "跑一次的", limit_scene_num=1, is_online=True))
        county.release(item(2, "跑两次的", limit_scene_num=2, is_online=None))
        county.flow()
        made[1].session("shenji").get("/v1/indicators")  # from now on there are facts
        yield made


def test_before_the_first_facts_a_page_says_so_and_waits_for_nobody() -> None:
    go_on = threading.Event()

    class Stuck:
        def send(self, *_asked: object, **_request: object) -> Any:
            go_on.wait(60)
            raise UpstreamDown("no answer")

    cache = FactsCache(Stuck())  # type: ignore[arg-type]  # only `send` is used
    try:
        assert cache.soon(DEMO_PEOPLE[0], HALF) is None
    finally:
        go_on.set()
    assert set(cache.get(DEMO_PEOPLE[0], HALF).problems) == {"catalog", "applications", "auditor", "ledger"}


def test_everybody_of_the_staff_reads_the_numbers_and_nobody_else(place: tuple[DeskCounty, TestDesk]) -> None:
    for person in DEMO_PEOPLE:
        browser = place[1].session(person.name)
        for path in ("/indicators", "/indicators/report", "/indicators/list/once", "/v1/indicators"):
            assert browser.get(path).status_code == httpx.codes.OK, (person.name, path)
    assert place[1].browser().get("/v1/indicators").status_code == httpx.codes.UNAUTHORIZED


def test_a_number_opens_its_list(place: tuple[DeskCounty, TestDesk]) -> None:
    browser = place[1].session("shenji")
    told = browser.get("/v1/indicators").json()
    names = [one["name"] for one in browser.get("/v1/indicators/list/once").json()["items"]]

    assert (told["county"]["once"]["part"], told["county"]["once"]["whole"]) == (1, 2)
    assert names == ["跑两次的"]
    assert "跑两次的" in browser.get("/indicators/list/once?answer=no").text
    assert "跑两次的" in browser.get("/indicators/list/online?answer=unknown").text
    unit = f"/indicators/list/once?answer=no&unit={code_of(2)[:18]}"
    assert "跑两次的" in browser.get(unit).text
    assert browser.get("/v1/indicators/list/nothing").status_code == httpx.codes.NOT_FOUND
    assert browser.get("/v1/indicators?half=2026-3").status_code == httpx.codes.UNPROCESSABLE_ENTITY


def test_what_is_not_answered_is_named_on_the_page(place: tuple[DeskCounty, TestDesk]) -> None:
    """The county of this test has no auditor."""
    assert "auditor 没有回答" in place[1].session("shenji").get("/indicators").text


def test_older_facts_are_shown_while_newer_ones_are_read() -> None:
    """Only the first look waits; 5,000 items are read in some seconds."""
    reading, go_on = threading.Event(), threading.Event()
    sent: list[str] = []

    class Slow:
        def send(self, _method: str, _service: str, path: str, _person: object, **_request: object) -> Any:
            sent.append(path)
            if len(sent) > 5:
                reading.set()
                go_on.wait(60)
            answers: dict[str, Any] = {
                "figures/items": {"items": [], "next": None}, "figures/cases": {"items": []}, "report": {},
                "entries": {"size": 0},
            }  # fmt: skip
            return _Content(answers[path])

    cache = FactsCache(Slow())  # type: ignore[arg-type]  # only `send` is used
    first = cache.get(DEMO_PEOPLE[0], HALF)
    cache._made[HALF] = 0.0, first  # noqa: SLF001  # a minute later
    sent.extend(["passed"] * 5)

    assert cache.get(DEMO_PEOPLE[0], HALF) is first
    assert reading.wait(60)
    go_on.set()


class _Content:
    """An answer as `Services.send` returns it."""

    def __init__(self, content: Any) -> None:
        self.content = content

"""The days by which an office must answer, decide and deliver, and what stops or moves them."""

from dataclasses import replace
from datetime import date

import pytest

from contracts.content.cases import Badge, Stage
from services.applications.lifecycle.current_state import derive
from services.applications.lifecycle.deadlines import Timer, TimerKind, due_timers
from services.applications.lifecycle.definitions import CLOSED, Breach, CaseStatus
from services.applications.lifecycle.facts import deemed_acceptance
from services.applications.lifecycle.working_days import TimeUnit
from tests.harness.cases import (
    APPROVED,
    CALENDAR,
    LICENCE,
    PROJECT_NO,
    RECEIVED,
    REVIEWED,
    SERVICE,
    breaches,
    fact,
    october,
    state_of,
)


def test_the_promise_counts_from_the_working_day_after_acceptance() -> None:
    assert state_of(*REVIEWED).promise_date == october(27)
    assert state_of(*REVIEWED, rules=replace(LICENCE, promise_type=TimeUnit.NATURAL)).promise_date == october(23)
    immediate = state_of(*REVIEWED, rules=replace(LICENCE, promise_day=0))
    assert immediate.promise_date == immediate.accept_date
    assert state_of(*REVIEWED, rules=replace(LICENCE, promise_day=None)).promise_date is None


def test_a_changed_calendar_moves_the_promise() -> None:
    off = replace(CALENDAR, off_days=CALENDAR.off_days | {october(14), october(15)})
    assert derive(REVIEWED, off, LICENCE).promise_date == october(29)


@pytest.mark.parametrize(
    ("years", "days", "unit", "assumed"),
    [
        pytest.param({2020, 2021}, 60, TimeUnit.WORKING, (), id="both years announced"),
        pytest.param({2020}, 60, TimeUnit.WORKING, (2021,), id="into next year"),
        pytest.param({2020}, 10, TimeUnit.WORKING, (), id="within this year"),
        pytest.param({2021}, 60, TimeUnit.WORKING, (2020,), id="through a year that is missing"),
        pytest.param({2021}, 90, TimeUnit.NATURAL, (), id="only the last of calendar days depends on holidays"),
        pytest.param({2020}, 90, TimeUnit.NATURAL, (2021,), id="the last of calendar days in next year"),
    ],
)
def test_a_promised_day_names_the_years_that_it_was_guessed_in(
    years: set[int], days: int, unit: TimeUnit, assumed: tuple[int, ...]
) -> None:
    known = replace(CALENDAR, years=frozenset(years))
    case = derive(REVIEWED, known, replace(LICENCE, promise_day=days, promise_type=unit))

    assert case.provisional == assumed


def test_a_closed_case_is_not_provisional() -> None:
    known = replace(CALENDAR, years=frozenset[int]())
    assert derive([*REVIEWED, APPROVED], known, LICENCE).provisional == ()


def test_a_hearing_stops_the_clock() -> None:
    started, ended = fact("special_started", 15, special_type="2"), fact("special_ended", 21)
    running = state_of(*REVIEWED, started)
    assert (running.paused, running.stage) == (True, Stage.PROCESSING)
    assert due_timers(running, CALENDAR) == []
    case = state_of(*REVIEWED, started, ended)
    assert (case.state, case.paused) == (CaseStatus.IN_REVIEW, False)
    assert case.promise_date == CALENDAR.add_working_days(october(27), 4)


def test_an_extension_adds_its_days_and_stops_nothing() -> None:
    extension = fact("special_started", 15, special_type="1", extension_days=10)
    case = state_of(*REVIEWED, extension)
    assert (case.paused, case.extension_days) == (False, 10)
    assert case.promise_date == CALENDAR.add_working_days(october(27), 10)
    assert breaches(case) == []


def test_extensions_over_ten_days_in_all_are_a_breach_and_do_not_count() -> None:
    first = [fact("special_started", 15, special_type="1", extension_days=6), fact("special_ended", 16)]
    case = state_of(*REVIEWED, *first, fact("special_started", 19, special_type="1", extension_days=6))
    assert case.promise_date == CALENDAR.add_working_days(october(27), 10)
    assert breaches(case) == [Breach.EXTENSION_TOO_LONG]


def test_a_limit_that_ran_out_cannot_be_extended_or_paused() -> None:
    late = fact("special_started", 28, special_type="1", extension_days=5)
    case = state_of(*REVIEWED, late)
    assert (case.promise_date, breaches(case)) == (october(27), [Breach.EXTENSION_TOO_LATE])
    pause = [fact("special_started", 28, special_type="2"), fact("special_ended", 30)]
    assert state_of(*REVIEWED, *pause).promise_date == october(27)


def test_a_later_report_tells_the_type_of_a_special_procedure() -> None:
    vague, exact = fact("special_started", 15), fact("special_started", 15, 11, special_type="1", extension_days=3)
    assert state_of(*REVIEWED, vague).paused
    case = state_of(*REVIEWED, vague, exact)
    assert (case.paused, case.extension_days) == (False, 3)


@pytest.mark.parametrize("event", ["approved", "approved_tolerant", "rejected", "withdrawn", "withdrawn_back"])
def test_closing_in_a_special_procedure_ends_it_first(event: str) -> None:
    case = state_of(*REVIEWED, fact("special_started", 15, special_type="2"), fact(event, 20))
    assert case.state in CLOSED
    assert [(step.event, step.implied) for step in case.steps[-2:]] == [("special_ended", True), (event, False)]
    assert case.promise_date == CALENDAR.add_working_days(october(27), 3)


def test_a_correction_notice_after_five_working_days_is_a_breach() -> None:
    assert breaches(state_of(RECEIVED, fact("correction_requested", 19), rules=SERVICE)) == []
    late = state_of(RECEIVED, fact("correction_requested", 20), rules=SERVICE)
    assert (late.state, breaches(late)) == (CaseStatus.CORRECTION, [Breach.LATE_CORRECTION_NOTICE])


def test_a_complete_file_starts_the_limit_for_an_answer_again() -> None:
    case = state_of(RECEIVED, fact("correction_requested", 16), fact("correction_completed", 23))
    assert (case.apply_date, case.receipt_date, case.answer_due) == (october(12), october(23), october(30))


def test_silence_on_a_licence_is_acceptance_from_the_day_of_receipt() -> None:
    waiting = state_of(RECEIVED)
    assert due_timers(waiting, CALENDAR) == [Timer(TimerKind.DEEMED_ACCEPTANCE, october(19))]
    case = state_of(RECEIVED, deemed_acceptance(PROJECT_NO, october(19)))
    assert (case.state, case.deemed, case.badges) == (CaseStatus.ACCEPTED, True, (Badge.DEEMED,))
    assert (case.accept_date, case.promise_date) == (october(12), october(26))
    assert state_of(RECEIVED, as_of=october(19)) == waiting
    assert state_of(RECEIVED, as_of=october(20)).deemed


def test_silence_on_anything_else_is_silence() -> None:
    case = state_of(RECEIVED, rules=SERVICE, as_of=october(30))
    assert (case.state, due_timers(case, CALENDAR)) == (CaseStatus.RECEIVED, [])


def test_an_answer_in_time_that_arrives_late_undoes_the_deemed_acceptance() -> None:
    deemed = deemed_acceptance(PROJECT_NO, october(19))
    case = state_of(RECEIVED, deemed, fact("correction_requested", 16))
    assert (case.state, case.deemed, case.violations) == (CaseStatus.CORRECTION, False, ())


def test_a_limit_prolonged_by_a_new_holiday_undoes_the_deemed_acceptance() -> None:
    longer = replace(CALENDAR, off_days=CALENDAR.off_days | {october(19)})
    case = derive([RECEIVED, deemed_acceptance(PROJECT_NO, october(19))], longer, LICENCE)
    assert (case.state, due_timers(case, longer)) == (
        CaseStatus.RECEIVED,
        [Timer(TimerKind.DEEMED_ACCEPTANCE, october(20))],
    )


def test_a_refusal_after_deemed_acceptance_is_a_breach() -> None:
    case = state_of(RECEIVED, fact("not_accepted", 22, accept_doc_no="B-1"))
    assert (case.state, breaches(case)) == (CaseStatus.ACCEPTED, [Breach.REFUSED_AFTER_ACCEPTANCE])


def test_overdue_is_seen_in_the_result_or_as_time_passes() -> None:
    assert Badge.OVERDUE in state_of(*REVIEWED, fact("approved", 28)).badges
    assert Badge.OVERDUE not in state_of(*REVIEWED, fact("approved", 27, 23)).badges
    assert Badge.OVERDUE in state_of(*REVIEWED, as_of=october(28)).badges
    assert Badge.OVERDUE not in state_of(*REVIEWED, as_of=october(27)).badges
    pause = fact("special_started", 15, special_type="2")
    assert Badge.OVERDUE not in state_of(*REVIEWED, pause, as_of=date(2020, 12, 1)).badges


def test_timers_name_the_last_day_in_time() -> None:
    assert due_timers(state_of(*REVIEWED), CALENDAR) == [Timer(TimerKind.PROMISE, october(27))]
    delivery = Timer(TimerKind.DELIVERY, CALENDAR.add_working_days(october(20), 10))
    assert due_timers(state_of(*REVIEWED, APPROVED), CALENDAR) == [delivery]
    assert due_timers(state_of(*REVIEWED, APPROVED, fact("delivered", 21)), CALENDAR) == []
    assert due_timers(state_of(*REVIEWED, fact("approved", 20, result_type="99")), CALENDAR) == []


def test_materials_promised_for_later_are_watched_until_they_come() -> None:
    tolerant = fact("accepted", 13, accept_doc_no="S-1", tolerance_due=october(22))
    case = state_of(RECEIVED, tolerant)
    assert due_timers(case, CALENDAR)[0] == Timer(TimerKind.TOLERANCE, october(22))
    case = state_of(RECEIVED, tolerant, fact("correction_completed", 20))
    assert (case.state, case.tolerance_due) == (CaseStatus.ACCEPTED, None)

"""Deadlines: the promised day with pauses and extensions, and what falls due next."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.applications.lifecycle.definitions import (
    APPROVALS,
    LICENSE,
    UNDER_REVIEW,
    Breach,
    CaseState,
    LegalLimits,
    RuleBreak,
)
from services.applications.lifecycle.facts import SpecialType
from services.applications.lifecycle.working_days import Calendar, TimeUnit

NO_RESULT_DOCUMENT = "99"
"""审批结果类型 无: there is no document to deliver."""


class TimerKind(StrEnum):
    """What falls due."""

    DEEMED_ACCEPTANCE = "deemed_acceptance"
    PROMISE = "promise"
    DELIVERY = "delivery"
    TOLERANCE = "tolerance"


@dataclass(frozen=True)
class Timer:
    """`day` is the last day in time; the timer fires once the date in Asia/Shanghai is later."""

    kind: TimerKind
    day: date


@dataclass(frozen=True)
class Interruption:
    """A special procedure: a pause, unless it is an extension by `days` working days.

    Without `end` it is still open.
    """

    kind: SpecialType | None
    start: date
    end: date | None
    days: int | None
    fact_id: str


@dataclass(frozen=True)
class Promise:
    """The promised day, the working days of extension in it, and the rules that extensions broke."""

    day: date
    extension_days: int = 0
    violations: tuple[RuleBreak, ...] = ()


def promise(
    calendar: Calendar, rules: LegalLimits, accepted: date | None, interruptions: Iterable[Interruption]
) -> Promise | None:
    """Return the day by which the case must be decided; None before acceptance, or if the item promises nothing.

    The day of an event is never counted, so a pause excludes the days after its start up to and including its end
    (许可法 art. 45). Extensions count up to the limit (art. 42). Neither revives a limit that has expired.
    """
    if accepted is None or rules.promise_day is None:
        return None
    result = Promise(calendar.deadline(accepted, rules.promise_day, rules.promise_type))
    for interruption in interruptions:
        if interruption.kind == SpecialType.EXTENSION:
            result = _extended(calendar, rules, result, interruption)
        elif interruption.end and interruption.start <= result.day:
            result = _paused(calendar, rules, result, interruption.start, interruption.end)
    return result


def assumed_years(calendar: Calendar, rules: LegalLimits, accepted: date | None, promised: Promise | None) -> list[int]:
    """Return the years without a holiday notice in which a promised day was counted; until it comes, it is a guess.

    Of calendar days only the last depends on the holidays.
    """
    if accepted is None or promised is None:
        return []
    first = promised.day if rules.promise_type == TimeUnit.NATURAL else accepted
    return list(calendar.missing_years(first, promised.day))


def due_timers(state: CaseState, calendar: Calendar) -> list[Timer]:
    """Return what will fall due in this state, soonest first. While the clock is stopped, nothing is promised."""
    timers = []
    if state.rules.task_type == LICENSE and state.answer_due:
        timers.append(Timer(TimerKind.DEEMED_ACCEPTANCE, state.answer_due))
    if state.state in UNDER_REVIEW and not state.paused and state.promise_date:
        timers.append(Timer(TimerKind.PROMISE, state.promise_date))
    if state.state in UNDER_REVIEW and state.tolerance_due:
        timers.append(Timer(TimerKind.TOLERANCE, state.tolerance_due))
    if state.state in APPROVALS and state.result_date and _must_deliver(state):
        limit = calendar.add_working_days(state.result_date, state.rules.delivery_limit)
        timers.append(Timer(TimerKind.DELIVERY, limit))
    return sorted(timers, key=lambda timer: timer.day)


def _extended(calendar: Calendar, rules: LegalLimits, before: Promise, interruption: Interruption) -> Promise:
    if interruption.start > before.day:
        return _broken(before, Breach.EXTENSION_TOO_LATE, interruption)
    wanted = _days_wanted(calendar, interruption)
    granted = min(wanted, rules.extension_limit - before.extension_days)
    day = calendar.add_working_days(before.day, granted)
    after = Promise(day, before.extension_days + granted, before.violations)
    return after if granted == wanted else _broken(after, Breach.EXTENSION_TOO_LONG, interruption)


def _days_wanted(calendar: Calendar, interruption: Interruption) -> int:
    if interruption.days is not None:
        return interruption.days
    return calendar.working_days_between(interruption.start, interruption.end) if interruption.end else 0


def _paused(calendar: Calendar, rules: LegalLimits, before: Promise, start: date, end: date) -> Promise:
    natural = rules.promise_type == TimeUnit.NATURAL
    days = (end - start).days if natural else calendar.working_days_between(start, end)
    return Promise(calendar.deadline(before.day, days, rules.promise_type), before.extension_days, before.violations)


def _broken(promised: Promise, breach: Breach, interruption: Interruption) -> Promise:
    broken = RuleBreak(breach, interruption.fact_id, interruption.start)
    return Promise(promised.day, promised.extension_days, (*promised.violations, broken))


def _must_deliver(state: CaseState) -> bool:
    return state.delivered_date is None and state.result_type != NO_RESULT_DOCUMENT

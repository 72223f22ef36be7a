"""Derive the state of a case from its facts, and the events that may follow from the state."""

from collections.abc import Iterable, Iterator
from datetime import date

from contracts.content.cases import Badge, Stage
from services.applications.lifecycle.deadlines import assumed_years, promise
from services.applications.lifecycle.definitions import (
    BEFORE_RECEIPT,
    IN_CORRECTION,
    LICENSE,
    PROCESS_EVENTS,
    RESULT_EVENTS,
    RESULTS,
    TRANSITIONS,
    UNDER_REVIEW,
    Breach,
    CaseState,
    CaseStatus,
    LegalLimits,
    RuleBreak,
)
from services.applications.lifecycle.facts import Fact, FactEvent, SpecialType, order_of
from services.applications.lifecycle.state_machine import CaseStateMachine
from services.applications.lifecycle.working_days import Calendar
from shared.errors import Conflict, Invalid, Violation

_DECISIONS = frozenset({FactEvent.ACCEPTED, FactEvent.NOT_ACCEPTED, FactEvent.NOT_APPLICABLE})


def derive(facts: Iterable[Fact], calendar: Calendar, rules: LegalLimits, *, as_of: date | None = None) -> CaseState:
    """Derive the state of a case from the set `facts`, with the calendar as it is known now.

    A pure function of the set: order, repetition and delay of arrival do not matter. With `as_of`, a day in
    Asia/Shanghai, the passing of time counts too: deemed acceptance (许可法 art. 32(4)) and being overdue.
    """
    case = CaseStateMachine(calendar, rules)
    known: dict[str, Fact] = {}
    for fact in sorted(facts, key=order_of):
        if fact.fact_id not in known:
            known[fact.fact_id] = fact
            case.take(fact)
        elif known[fact.fact_id] != fact:
            case.note(Breach.FACT_ID_REUSED, fact)
    if as_of is not None:
        case.pass_time(as_of)
    return _settle(case, {fact.event for fact in known.values()}, as_of)


def allowed_events(state: CaseState) -> frozenset[FactEvent]:
    """Return the events that may be reported next: for an editor's buttons and for `guard`."""
    allowed = set(TRANSITIONS[state.state])
    if state.state in RESULTS and state.delivered_date is None:
        allowed.add(FactEvent.DELIVERED)
    if state.state not in BEFORE_RECEIPT:
        allowed.add(FactEvent.EVALUATED)
    if state.state in UNDER_REVIEW and state.tolerance_due:
        allowed.add(FactEvent.CORRECTION_COMPLETED)
    return frozenset(allowed)


def guard(state: CaseState, fact: Fact) -> None:
    """Refuse an editor's fact that the state or the law does not allow. Halls' facts are not guarded: they have
    happened.

    Raises `Conflict`, naming the state and the allowed events, or `Invalid` for a missing detail of the event.
    """
    allowed = allowed_events(state)
    if fact.event not in allowed:
        names = ", ".join(sorted(allowed)) or "nothing"
        raise Conflict(f"{state.state} does not allow {fact.event}; allowed: {names}")
    if missing := list(_missing_details(state, fact)):
        raise Invalid(*missing)
    if objection := next(_objections(state, fact), None):
        raise Conflict(f"{state.state} allows {fact.event}, but {objection}")


def _missing_details(state: CaseState, fact: Fact) -> Iterator[Violation]:
    if fact.event in _DECISIONS and state.rules.task_type == LICENSE and not fact.accept_doc_no:
        yield Violation(
            "accept_doc_no", Breach.NO_ACCEPT_DOCUMENT, "must be the number of the written notice (许可法 art. 32)"
        )
    if fact.event == FactEvent.SPECIAL_STARTED:
        if fact.special_type is None:
            yield Violation("special_type", "special-type", "1 (extension) or 2 (hearing, inspection, appraisal …)")
        if fact.special_type == SpecialType.EXTENSION and fact.extension_days is None:
            yield Violation("extension_days", "extension-days", "an extension needs its number of working days")
        if not fact.reason:
            yield Violation("reason", "special-reason", "the applicant must be told the reason (许可法 art. 42, 45)")


def _objections(state: CaseState, fact: Fact) -> Iterator[str]:
    if state.steps and fact.day < max(step.day for step in state.steps):
        yield "it is dated earlier than the last step"
    if fact.event == FactEvent.CORRECTION_REQUESTED:
        if state.corrections and not fact.file_changed:
            yield f"one notice must name everything that is missing [{Breach.SECOND_CORRECTION_NOTICE}]"
        if state.answer_due and fact.day > state.answer_due:
            yield f"the notice was due by {state.answer_due} [{Breach.LATE_CORRECTION_NOTICE}]"
    if fact.event == FactEvent.SPECIAL_STARTED and fact.special_type == SpecialType.EXTENSION:
        left = state.rules.extension_limit - state.extension_days
        if (fact.extension_days or 0) > left:
            yield f"only {left} working days of extension are left [{Breach.EXTENSION_TOO_LONG}]"
        if state.promise_date and fact.day > state.promise_date:
            yield f"the time limit ended on {state.promise_date} [{Breach.EXTENSION_TOO_LATE}]"


def _settle(case: CaseStateMachine, events: set[FactEvent], as_of: date | None) -> CaseState:
    promised = promise(case.calendar, case.rules, case.accept_date, case.interruptions)
    promise_date = promised.day if promised else case.reported_promise
    assumed = assumed_years(case.calendar, case.rules, case.accept_date, promised)
    return CaseState(
        rules=case.rules,
        state=case.state,
        stage=_stage(events),
        badges=_badges(case, _is_overdue(case, promise_date, as_of)),
        steps=tuple(case.steps),
        apply_date=case.apply_date,
        receipt_date=case.receipt_date,
        answer_due=case.answer_due if case.unanswered else None,
        accept_date=case.accept_date,
        promise_date=promise_date,
        result_date=case.result_date,
        result_type=case.result_type,
        delivered_date=case.delivered_date,
        tolerance_due=case.tolerance_due,
        deemed=case.deemed,
        paused=case.paused,
        corrections=case.corrections,
        extension_days=promised.extension_days if promised else 0,
        provisional=tuple(assumed) if case.state in UNDER_REVIEW else (),
        waiting=tuple(case.waiting),
        superseded=tuple(case.superseded),
        violations=(*case.violations, *_undocumented(case), *(promised.violations if promised else ())),
    )


def _stage(events: set[FactEvent]) -> Stage:
    """Return 3 if a result exists, else 2 if a process record exists, else 1 (domain section 6.3)."""
    if events & RESULT_EVENTS:
        return Stage.CLOSED
    return Stage.PROCESSING if events & PROCESS_EVENTS else Stage.ACCEPTANCE


def _is_overdue(case: CaseStateMachine, promise_date: date | None, as_of: date | None) -> bool:
    if promise_date is None:
        return False
    if case.result_date is not None:
        return case.result_date > promise_date
    running = case.state in UNDER_REVIEW and not case.paused
    return running and as_of is not None and as_of > promise_date


def _badges(case: CaseStateMachine, overdue: bool) -> tuple[Badge, ...]:
    worn = {
        Badge.CORRECTION: case.state in IN_CORRECTION,
        Badge.SPECIAL: case.state == CaseStatus.SPECIAL,
        Badge.NOT_ACCEPTED: case.state in (CaseStatus.NOT_ACCEPTED, CaseStatus.NOT_APPLICABLE),
        Badge.WITHDRAWN: case.state in (CaseStatus.WITHDRAWN, CaseStatus.WITHDRAWN_BACK),
        Badge.DEEMED: case.deemed,
        Badge.OVERDUE: overdue,
    }
    return tuple(badge for badge, on in worn.items() if on)


def _undocumented(case: CaseStateMachine) -> Iterator[RuleBreak]:
    decision = case.undocumented
    if decision is not None and case.rules.task_type == LICENSE:
        yield RuleBreak(Breach.NO_ACCEPT_DOCUMENT, decision.fact_id, decision.day)

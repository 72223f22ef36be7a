"""One pass over the ordered facts of a case: each fact takes a step, waits, or changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date

from services.applications.lifecycle.deadlines import Interruption
from services.applications.lifecycle.definitions import (
    AFTER_ACCEPTANCE,
    BEFORE_RECEIPT,
    CLOSED,
    IN_CORRECTION,
    LICENSE,
    RESULTS,
    TRANSITIONS,
    UNDER_REVIEW,
    Breach,
    CaseStatus,
    CaseStep,
    LegalLimits,
    RuleBreak,
)
from services.applications.lifecycle.facts import Fact, FactEvent, SpecialType
from services.applications.lifecycle.working_days import Calendar

_REFUSALS = frozenset({FactEvent.NOT_ACCEPTED, FactEvent.NOT_APPLICABLE})
_ANSWERS = _REFUSALS | {FactEvent.ACCEPTED, FactEvent.CORRECTION_REQUESTED}
_WITHDRAWALS = frozenset({FactEvent.WITHDRAWN, FactEvent.WITHDRAWN_BACK})
_EARLY = frozenset({FactEvent.SUBMITTED, FactEvent.PRE_REJECTED, FactEvent.RECEIVED})
_WITHOUT_CLAIM = _EARLY | {
    FactEvent.REVIEW_STARTED,
    FactEvent.CORRECTION_COMPLETED,
    FactEvent.SPECIAL_ENDED,
    FactEvent.DELIVERED,
}
"""Facts that do not contradict a closed case: they tell how it got there."""

_OPENS = {
    FactEvent.CORRECTION_REQUESTED: IN_CORRECTION,
    FactEvent.SPECIAL_STARTED: frozenset({CaseStatus.SPECIAL}),
}
_PAIRED = frozenset({*_OPENS, FactEvent.CORRECTION_COMPLETED, FactEvent.SPECIAL_ENDED})


@dataclass
class CaseStateMachine:
    """A case while its facts are read. `take` needs each fact once, in the order of `facts.order_of`."""

    calendar: Calendar
    rules: LegalLimits
    state: CaseStatus = CaseStatus.PENDING
    steps: list[CaseStep] = field(default_factory=list)
    waiting: list[Fact] = field(default_factory=list)
    superseded: list[Fact] = field(default_factory=list)
    violations: list[RuleBreak] = field(default_factory=list)
    interruptions: list[Interruption] = field(default_factory=list)
    apply_date: date | None = None
    receipt_date: date | None = None
    accept_date: date | None = None
    reported_promise: date | None = None
    result_date: date | None = None
    result_type: str | None = None
    delivered_date: date | None = None
    tolerance_due: date | None = None
    deemed: bool = False
    corrections: int = 0
    undocumented: Fact | None = None

    @property
    def answer_due(self) -> date | None:
        """Last day for a correction notice or a decision on acceptance (许可法 art. 32(4))."""
        if self.receipt_date is None:
            return None
        return self.calendar.add_working_days(self.receipt_date, self.rules.answer_limit)

    @property
    def unanswered(self) -> bool:
        """Whether the office owes an answer.

        A waiting later step proves that there was one, whose report is missing.
        """
        return self.state == CaseStatus.RECEIVED and not any(fact.event in AFTER_ACCEPTANCE for fact in self.waiting)

    @property
    def paused(self) -> bool:
        """Whether the clock is stopped, as in every special procedure that is not an extension (art. 45)."""
        return self.state == CaseStatus.SPECIAL and self.interruptions[-1].kind != SpecialType.EXTENSION

    def take(self, fact: Fact) -> None:
        """Apply `fact`, then the waiting facts that have become possible."""
        if fact.deemed or fact.event in _ANSWERS:
            self.pass_time(fact.day)
        if not self._apply(fact):
            self._set_aside(fact)
            return
        while ready := next(filter(self._may_follow, self.waiting), None):
            self.waiting.remove(ready)
            self._apply(ready)

    def pass_time(self, day: date) -> None:
        """Advance to `day`: for a licence, silence past the limit is acceptance from the day of receipt."""
        due = self.answer_due
        if self.unanswered and self.rules.task_type == LICENSE and due and day > due:
            self.deemed, self.accept_date = True, self.receipt_date
            self._step(FactEvent.ACCEPTED, CaseStatus.ACCEPTED, self.receipt_date or due, implied=True)

    def note(self, breach: Breach, fact: Fact) -> None:
        """Record that `fact` shows a broken rule."""
        self.violations.append(RuleBreak(breach, fact.fact_id, fact.day))

    def _apply(self, fact: Fact) -> bool:
        """Take the step that `fact` reports; return False if the current state does not allow it."""
        if fact.deemed:
            return False
        target = TRANSITIONS[self.state].get(fact.event)
        if target is None:
            return self._apply_beside(fact)
        if self.state == CaseStatus.SPECIAL and fact.event != FactEvent.SPECIAL_ENDED:
            _end_special(self, fact)
            self._step(FactEvent.SPECIAL_ENDED, CaseStatus.IN_REVIEW, fact.day, implied=True)
        if effect := _EFFECTS.get(fact.event):
            effect(self, fact)
        self._step(fact.event, target, fact.day)
        return True

    def _apply_beside(self, fact: Fact) -> bool:
        """Apply facts that do not change the state: evaluation, delivery, and materials promised for later (容缺)."""
        if fact.event == FactEvent.EVALUATED:
            return self.state not in BEFORE_RECEIPT
        if fact.event == FactEvent.DELIVERED and self.state in RESULTS and self.delivered_date is None:
            self.delivered_date = fact.day
        elif fact.event == FactEvent.CORRECTION_COMPLETED and self.state in UNDER_REVIEW and self.tolerance_due:
            self.tolerance_due = None
        else:
            return False
        self._step(fact.event, self.state, fact.day)
        return True

    def _may_follow(self, fact: Fact) -> bool:
        """Return whether a waiting fact can be taken now. Offices' clocks differ by minutes, so a step dated before its
        predecessor is taken right after it.

        Pairs are excluded: an end dated before a beginning belongs to another beginning.
        """
        if fact.event in _PAIRED:
            return False
        if fact.event == FactEvent.EVALUATED:
            return self.state not in BEFORE_RECEIPT
        if fact.event == FactEvent.DELIVERED:
            return self.state in RESULTS and self.delivered_date is None
        return fact.event in TRANSITIONS[self.state]

    def _set_aside(self, fact: Fact) -> None:
        """Store a fact that takes no step as waiting or superseded, and note the rule it breaks."""
        if fact.event == FactEvent.SPECIAL_STARTED and self.state == CaseStatus.SPECIAL:
            _complete_special(self, fact)
        if self.undocumented and fact.event == self.undocumented.event and fact.accept_doc_no:
            self.undocumented = None
        breach = self._breach_of(fact)
        if breach:
            self.note(breach, fact)
        (self.superseded if breach or self._changes_nothing(fact) else self.waiting).append(fact)

    def _breach_of(self, fact: Fact) -> Breach | None:
        if fact.deemed or self._repeats(fact):
            return None
        if self.state in CLOSED:
            return None if fact.event in _WITHOUT_CLAIM else Breach.AFTER_END
        if fact.event in _REFUSALS and self.accept_date:
            return Breach.REFUSED_AFTER_ACCEPTANCE
        if fact.event == FactEvent.CORRECTION_REQUESTED and self.state in IN_CORRECTION and not fact.file_changed:
            return Breach.SECOND_CORRECTION_NOTICE
        return None

    def _changes_nothing(self, fact: Fact) -> bool:
        if fact.deemed or self.state in CLOSED or self._repeats(fact):
            return True
        return (fact.event in _EARLY and self.receipt_date is not None) or self.state in _OPENS.get(fact.event, ())

    def _repeats(self, fact: Fact) -> bool:
        """Return whether another system reported this step already.

        A step that may happen again must be of the same day.
        """
        if fact.event in _WITHDRAWALS and self.state in (CaseStatus.WITHDRAWN, CaseStatus.WITHDRAWN_BACK):
            return True
        days = {step.day for step in self.steps if step.event == fact.event}
        return fact.day in days if fact.event in _PAIRED else bool(days)

    def _step(self, event: FactEvent, state: CaseStatus, day: date, *, implied: bool = False) -> None:
        self.state = state
        self.steps.append(CaseStep(event, state, day, implied))


def _submit(case: CaseStateMachine, fact: Fact) -> None:
    case.apply_date = case.apply_date or fact.day


def _receive(case: CaseStateMachine, fact: Fact) -> None:
    case.receipt_date = fact.day
    case.apply_date = case.apply_date or fact.day


def _request_correction(case: CaseStateMachine, fact: Fact) -> None:
    unanswered = case.accept_date is None or case.deemed
    if unanswered and not case.corrections and case.answer_due and fact.day > case.answer_due:
        case.note(Breach.LATE_CORRECTION_NOTICE, fact)
    if case.corrections and not fact.file_changed:
        case.note(Breach.SECOND_CORRECTION_NOTICE, fact)
    case.corrections += 1


def _complete_correction(case: CaseStateMachine, fact: Fact) -> None:
    if case.accept_date is None:
        case.receipt_date = fact.day  # the limit for an answer runs from the day on which the file was complete


def _accept(case: CaseStateMachine, fact: Fact) -> None:
    case.accept_date, case.tolerance_due, case.reported_promise = fact.day, fact.tolerance_due, fact.promise_date
    _decide(case, fact)


def _decide(case: CaseStateMachine, fact: Fact) -> None:
    case.undocumented = None if fact.accept_doc_no else fact


def _start_special(case: CaseStateMachine, fact: Fact) -> None:
    case.interruptions.append(Interruption(fact.special_type, fact.day, None, fact.extension_days, fact.fact_id))


def _complete_special(case: CaseStateMachine, fact: Fact) -> None:
    """Complete type and days of the open special procedure from a second report; given values are not changed."""
    last = case.interruptions[-1]
    if last.start == fact.day and last.kind in (None, fact.special_type):
        days = fact.extension_days if last.days is None else last.days
        case.interruptions[-1] = replace(last, kind=last.kind or fact.special_type, days=days)


def _end_special(case: CaseStateMachine, fact: Fact) -> None:
    case.interruptions[-1] = replace(case.interruptions[-1], end=fact.day)


def _close(case: CaseStateMachine, fact: Fact) -> None:
    case.result_date, case.result_type = fact.day, fact.result_type


_EFFECTS: dict[FactEvent, Callable[[CaseStateMachine, Fact], None]] = {
    FactEvent.SUBMITTED: _submit,
    FactEvent.RECEIVED: _receive,
    FactEvent.CORRECTION_REQUESTED: _request_correction,
    FactEvent.CORRECTION_COMPLETED: _complete_correction,
    FactEvent.ACCEPTED: _accept,
    FactEvent.NOT_ACCEPTED: _decide,
    FactEvent.NOT_APPLICABLE: _decide,
    FactEvent.SPECIAL_STARTED: _start_special,
    FactEvent.SPECIAL_ENDED: _end_special,
    FactEvent.APPROVED: _close,
    FactEvent.APPROVED_TOLERANT: _close,
    FactEvent.REJECTED: _close,
}

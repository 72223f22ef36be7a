"""One pass over the facts of a case in their own order: each takes a step, waits, or changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date

from services.applications.clock import Calendar
from services.applications.deadlines import Interruption
from services.applications.facts import Fact, FactEvent, SpecialType
from services.applications.lifecycle import (
    AFTER_ACCEPTANCE,
    BEFORE_RECEIPT,
    CLOSED,
    IN_CORRECTION,
    LICENSE,
    RESULTS,
    TRANSITIONS,
    UNDER_REVIEW,
    Breach,
    RuleBreak,
    Rules,
    State,
    Step,
)

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
"""A closed case may still hear of these: they say how it got there, not that it should go elsewhere."""

_OPENS = {
    FactEvent.CORRECTION_REQUESTED: IN_CORRECTION,
    FactEvent.SPECIAL_STARTED: frozenset({State.SPECIAL}),
}
_PAIRED = frozenset({*_OPENS, FactEvent.CORRECTION_COMPLETED, FactEvent.SPECIAL_ENDED})


@dataclass
class Case:
    """A case under way. `take` wants each fact once, in the order of `facts.order_of`."""

    calendar: Calendar
    rules: Rules
    state: State = State.PENDING
    steps: list[Step] = field(default_factory=list)
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
        """The office owes an answer. A later step that waits proves that there was one; its report is missing."""
        return self.state == State.RECEIVED and not any(fact.event in AFTER_ACCEPTANCE for fact in self.waiting)

    @property
    def paused(self) -> bool:
        """The clock stands still in every special procedure that is not an extension (art. 45)."""
        return self.state == State.SPECIAL and self.interruptions[-1].kind != SpecialType.EXTENSION

    def take(self, fact: Fact) -> None:
        """Let `fact` do what it can, and then those that waited for it."""
        if fact.deemed or fact.event in _ANSWERS:
            self.pass_time(fact.day)
        if not self._apply(fact):
            self._set_aside(fact)
            return
        while ready := next(filter(self._may_follow, self.waiting), None):
            self.waiting.remove(ready)
            self._apply(ready)

    def pass_time(self, day: date) -> None:
        """It is `day` now: for a licence, silence past the limit was acceptance from the day of receipt."""
        due = self.answer_due
        if self.unanswered and self.rules.task_type == LICENSE and due and day > due:
            self.deemed, self.accept_date = True, self.receipt_date
            self._step(FactEvent.ACCEPTED, State.ACCEPTED, self.receipt_date or due, implied=True)

    def note(self, breach: Breach, fact: Fact) -> None:
        """Remember that `fact` shows a broken rule."""
        self.violations.append(RuleBreak(breach, fact.fact_id, fact.day))

    def _apply(self, fact: Fact) -> bool:
        """Take the step that `fact` reports; False when it leads nowhere from here."""
        if fact.deemed:
            return False
        target = TRANSITIONS[self.state].get(fact.event)
        if target is None:
            return self._apply_beside(fact)
        if self.state == State.SPECIAL and fact.event != FactEvent.SPECIAL_ENDED:
            _end_special(self, fact)
            self._step(FactEvent.SPECIAL_ENDED, State.IN_REVIEW, fact.day, implied=True)
        if effect := _EFFECTS.get(fact.event):
            effect(self, fact)
        self._step(fact.event, target, fact.day)
        return True

    def _apply_beside(self, fact: Fact) -> bool:
        """Facts that leave the state as it is: evaluation, delivery, and materials promised for later (容缺)."""
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
        """Two offices' clocks differ by minutes: a step dated before its predecessor is taken right after it.

        Not so the halves of a pair: an end dated before a beginning belongs to another beginning.
        """
        if fact.event in _PAIRED:
            return False
        if fact.event == FactEvent.EVALUATED:
            return self.state not in BEFORE_RECEIPT
        if fact.event == FactEvent.DELIVERED:
            return self.state in RESULTS and self.delivered_date is None
        return fact.event in TRANSITIONS[self.state]

    def _set_aside(self, fact: Fact) -> None:
        """`fact` takes no step: keep it waiting, or as superseded, and note what it breaks."""
        if fact.event == FactEvent.SPECIAL_STARTED and self.state == State.SPECIAL:
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
        """Two systems report one step: once is enough. What may happen again is the same only on the same day."""
        if fact.event in _WITHDRAWALS and self.state in (State.WITHDRAWN, State.WITHDRAWN_BACK):
            return True
        days = {step.day for step in self.steps if step.event == fact.event}
        return fact.day in days if fact.event in _PAIRED else bool(days)

    def _step(self, event: FactEvent, state: State, day: date, *, implied: bool = False) -> None:
        self.state = state
        self.steps.append(Step(event, state, day, implied))


def _submit(case: Case, fact: Fact) -> None:
    case.apply_date = case.apply_date or fact.day


def _receive(case: Case, fact: Fact) -> None:
    case.receipt_date = fact.day
    case.apply_date = case.apply_date or fact.day


def _request_correction(case: Case, fact: Fact) -> None:
    unanswered = case.accept_date is None or case.deemed
    if unanswered and not case.corrections and case.answer_due and fact.day > case.answer_due:
        case.note(Breach.LATE_CORRECTION_NOTICE, fact)
    if case.corrections and not fact.file_changed:
        case.note(Breach.SECOND_CORRECTION_NOTICE, fact)
    case.corrections += 1


def _complete_correction(case: Case, fact: Fact) -> None:
    if case.accept_date is None:
        case.receipt_date = fact.day  # the limit for an answer runs from the day on which the file was complete


def _accept(case: Case, fact: Fact) -> None:
    case.accept_date, case.tolerance_due, case.reported_promise = fact.day, fact.tolerance_due, fact.promise_date
    _decide(case, fact)


def _decide(case: Case, fact: Fact) -> None:
    case.undocumented = None if fact.accept_doc_no else fact


def _start_special(case: Case, fact: Fact) -> None:
    case.interruptions.append(Interruption(fact.special_type, fact.day, None, fact.extension_days, fact.fact_id))


def _complete_special(case: Case, fact: Fact) -> None:
    """A second report of the open special procedure may know its type and days; what the first one said stands."""
    last = case.interruptions[-1]
    if last.start == fact.day and last.kind in (None, fact.special_type):
        days = fact.extension_days if last.days is None else last.days
        case.interruptions[-1] = replace(last, kind=last.kind or fact.special_type, days=days)


def _end_special(case: Case, fact: Fact) -> None:
    case.interruptions[-1] = replace(case.interruptions[-1], end=fact.day)


def _close(case: Case, fact: Fact) -> None:
    case.result_date, case.result_type = fact.day, fact.result_type


_EFFECTS: dict[FactEvent, Callable[[Case, Fact], None]] = {
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

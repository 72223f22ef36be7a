"""The life of a case as values: states, what leads from one to the next, legal limits, and the derived state.

    PENDING ─► SUBMITTED ─► RECEIVED ─► ACCEPTED ─► IN_REVIEW ─► APPROVED | APPROVED_TOLERANT ─► REVOKED
                  │ ▲          │ ▲         └───────────┤ ▲  └──► REJECTED
                  ▼ │          ▼ │                     ▼ │
            PRE_REJECTED   CORRECTION       SPECIAL, REVIEW_CORRECTION
    ends: NOT_APPLICABLE, NOT_ACCEPTED, WITHDRAWN (before acceptance), WITHDRAWN_BACK (after it), REJECTED, REVOKED

Domain section 6.2. Review may be skipped in the reports (即办件), so ACCEPTED allows what IN_REVIEW allows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from contracts.applications import Badge, Stage
from contracts.catalog import Item
from services.applications.clock import TimeUnit
from services.applications.facts import Fact, FactEvent

LICENSE = "01"
"""事项类型 行政许可: the only one for which the law deems silence an acceptance."""


class State(StrEnum):
    """Where a case stands. `PENDING`: nothing that fits has been reported yet."""

    PENDING = "PENDING"
    SUBMITTED = "SUBMITTED"
    PRE_REJECTED = "PRE_REJECTED"
    RECEIVED = "RECEIVED"
    CORRECTION = "CORRECTION"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    NOT_ACCEPTED = "NOT_ACCEPTED"
    WITHDRAWN = "WITHDRAWN"
    ACCEPTED = "ACCEPTED"
    IN_REVIEW = "IN_REVIEW"
    REVIEW_CORRECTION = "REVIEW_CORRECTION"
    SPECIAL = "SPECIAL"
    APPROVED = "APPROVED"
    APPROVED_TOLERANT = "APPROVED_TOLERANT"
    REJECTED = "REJECTED"
    WITHDRAWN_BACK = "WITHDRAWN_BACK"
    REVOKED = "REVOKED"


_CLOSING = {
    FactEvent.APPROVED: State.APPROVED,
    FactEvent.APPROVED_TOLERANT: State.APPROVED_TOLERANT,
    FactEvent.REJECTED: State.REJECTED,
    # Halls report code 2 (已撤件) after acceptance too; there it is what code 14 (撤回) says.
    FactEvent.WITHDRAWN: State.WITHDRAWN_BACK,
    FactEvent.WITHDRAWN_BACK: State.WITHDRAWN_BACK,
}

_REVIEW = _CLOSING | {
    FactEvent.CORRECTION_REQUESTED: State.REVIEW_CORRECTION,
    FactEvent.SPECIAL_STARTED: State.SPECIAL,
}

TRANSITIONS: Mapping[State, Mapping[FactEvent, State]] = {
    State.PENDING: {FactEvent.SUBMITTED: State.SUBMITTED, FactEvent.RECEIVED: State.RECEIVED},
    State.SUBMITTED: {
        FactEvent.PRE_REJECTED: State.PRE_REJECTED,
        FactEvent.RECEIVED: State.RECEIVED,
        FactEvent.WITHDRAWN: State.WITHDRAWN,
    },
    State.PRE_REJECTED: {FactEvent.SUBMITTED: State.SUBMITTED},
    State.RECEIVED: {
        FactEvent.ACCEPTED: State.ACCEPTED,
        FactEvent.NOT_APPLICABLE: State.NOT_APPLICABLE,
        FactEvent.NOT_ACCEPTED: State.NOT_ACCEPTED,
        FactEvent.CORRECTION_REQUESTED: State.CORRECTION,
        FactEvent.WITHDRAWN: State.WITHDRAWN,
    },
    State.CORRECTION: {
        FactEvent.CORRECTION_COMPLETED: State.RECEIVED,
        FactEvent.NOT_ACCEPTED: State.NOT_ACCEPTED,
        FactEvent.WITHDRAWN: State.WITHDRAWN,
    },
    State.ACCEPTED: _REVIEW | {FactEvent.REVIEW_STARTED: State.IN_REVIEW},
    State.IN_REVIEW: _REVIEW,
    State.REVIEW_CORRECTION: {
        FactEvent.CORRECTION_COMPLETED: State.IN_REVIEW,
        FactEvent.REJECTED: State.REJECTED,
        FactEvent.WITHDRAWN: State.WITHDRAWN_BACK,
        FactEvent.WITHDRAWN_BACK: State.WITHDRAWN_BACK,
    },
    State.SPECIAL: _CLOSING | {FactEvent.SPECIAL_ENDED: State.IN_REVIEW},
    State.APPROVED: {FactEvent.REVOKED: State.REVOKED},
    State.APPROVED_TOLERANT: {FactEvent.REVOKED: State.REVOKED},
    **{
        end: {}
        for end in (
            State.NOT_APPLICABLE,
            State.NOT_ACCEPTED,
            State.WITHDRAWN,
            State.REJECTED,
            State.WITHDRAWN_BACK,
            State.REVOKED,
        )
    },
}

APPROVALS = frozenset({State.APPROVED, State.APPROVED_TOLERANT})
RESULTS = APPROVALS | {State.REJECTED}
CLOSED = RESULTS | {state for state, onward in TRANSITIONS.items() if not onward}
UNDER_REVIEW = frozenset({State.ACCEPTED, State.IN_REVIEW, State.SPECIAL, State.REVIEW_CORRECTION})
BEFORE_RECEIPT = frozenset({State.PENDING, State.SUBMITTED, State.PRE_REJECTED})
IN_CORRECTION = frozenset({State.CORRECTION, State.REVIEW_CORRECTION})

RESULT_EVENTS = frozenset(
    {FactEvent.APPROVED, FactEvent.APPROVED_TOLERANT, FactEvent.REJECTED, FactEvent.REVOKED, FactEvent.DELIVERED}
)
AFTER_ACCEPTANCE = (RESULT_EVENTS | TRANSITIONS[State.ACCEPTED].keys() | {FactEvent.SPECIAL_ENDED}) - {
    FactEvent.CORRECTION_REQUESTED,
    FactEvent.WITHDRAWN,
}
"""Events that cannot happen to a case that was not accepted."""

PROCESS_EVENTS = frozenset({FactEvent.REVIEW_STARTED, FactEvent.SPECIAL_STARTED, FactEvent.SPECIAL_ENDED})


class Breach(StrEnum):
    """A rule that the reported facts break. The facts stand; the breach is shown to those who answer for it."""

    SECOND_CORRECTION_NOTICE = "second-correction-notice"  # 许可法 art. 32(4): everything in one notice
    LATE_CORRECTION_NOTICE = "late-correction-notice"  # the same: within five working days
    EXTENSION_TOO_LONG = "extension-too-long"  # art. 42: at most ten working days
    EXTENSION_TOO_LATE = "extension-too-late"  # only a limit that still runs can be extended
    NO_ACCEPT_DOCUMENT = "no-accept-document"  # art. 32: a dated, sealed notice for every decision
    REFUSED_AFTER_ACCEPTANCE = "refused-after-acceptance"  # accepted, or deemed so, is accepted
    AFTER_END = "after-end"  # a closed case takes no new decision
    FACT_ID_REUSED = "fact-id-reused"  # one identity, two contents


@dataclass(frozen=True)
class RuleBreak:
    """A breach, the fact that shows it, and its day."""

    breach: Breach
    fact_id: str
    day: date


@dataclass(frozen=True)
class Step:
    """One step the case took. `implied`: nobody reported it, the law or the next fact says so."""

    event: FactEvent
    state: State
    day: date
    implied: bool = False


@dataclass(frozen=True)
class Rules:
    """Legal limits for the cases of one item, in working days (domain section 6.2)."""

    task_type: str
    promise_day: int | None = None
    promise_type: TimeUnit = TimeUnit.WORKING
    answer_limit: int = 5
    extension_limit: int = 10
    delivery_limit: int = 10

    @classmethod
    def for_item(cls, item: Item) -> "Rules":
        """The limits of `item`; without a promise its legal limit counts."""
        if item.promise_day is not None:
            return cls(item.task_type, item.promise_day, TimeUnit(item.promise_type or TimeUnit.WORKING))
        return cls(item.task_type, item.anticipate_day, TimeUnit(item.anticipate_type or TimeUnit.WORKING))


@dataclass(frozen=True)
class CaseState:
    """What the set of facts says about a case. Days are those of Asia/Shanghai.

    `waiting` holds facts whose predecessor has not been reported yet (normal), `superseded` those that change nothing
    here (repeats, late news of the past, refused claims), `violations` the rules that the facts break. `paused`: the
    clock stands still, and `promise_date` does not count the open pause yet.
    """

    rules: Rules
    state: State
    stage: Stage
    badges: tuple[Badge, ...]
    steps: tuple[Step, ...]
    apply_date: date | None = None
    receipt_date: date | None = None
    answer_due: date | None = None
    accept_date: date | None = None
    promise_date: date | None = None
    result_date: date | None = None
    result_type: str | None = None
    delivered_date: date | None = None
    tolerance_due: date | None = None
    deemed: bool = False
    paused: bool = False
    corrections: int = 0
    extension_days: int = 0
    waiting: tuple[Fact, ...] = ()
    superseded: tuple[Fact, ...] = ()
    violations: tuple[RuleBreak, ...] = ()

"""Values of the lifecycle: states, transitions, legal limits, and the derived state of a case.

    PENDING ─► SUBMITTED ─► RECEIVED ─► ACCEPTED ─► IN_REVIEW ─► APPROVED | APPROVED_TOLERANT ─► REVOKED
                  │ ▲          │ ▲         └───────────┤ ▲  └──► REJECTED
                  ▼ │          ▼ │                     ▼ │
            PRE_REJECTED   CORRECTION       SPECIAL, REVIEW_CORRECTION
    ends: NOT_APPLICABLE, NOT_ACCEPTED, WITHDRAWN (before acceptance), WITHDRAWN_BACK (after it), REJECTED, REVOKED

Domain section 6.2. Reports may omit the review (即办件), so ACCEPTED allows what IN_REVIEW allows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from contracts.codes.tables import TIME_UNIT
from contracts.content.cases import Badge, Stage
from contracts.content.items import Item
from services.applications.lifecycle.facts import Fact, FactEvent
from services.applications.lifecycle.working_days import TimeUnit

LICENSE = "01"
"""事项类型 行政许可: the only type for which the law treats silence as acceptance."""


class CaseStatus(StrEnum):
    """The state of a case. `PENDING`: no fact that fits has been reported yet."""

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
    FactEvent.APPROVED: CaseStatus.APPROVED,
    FactEvent.APPROVED_TOLERANT: CaseStatus.APPROVED_TOLERANT,
    FactEvent.REJECTED: CaseStatus.REJECTED,
    # Halls report code 2 (已撤件) after acceptance too; there it means the same as code 14 (撤回).
    FactEvent.WITHDRAWN: CaseStatus.WITHDRAWN_BACK,
    FactEvent.WITHDRAWN_BACK: CaseStatus.WITHDRAWN_BACK,
}

_REVIEW = _CLOSING | {
    FactEvent.CORRECTION_REQUESTED: CaseStatus.REVIEW_CORRECTION,
    FactEvent.SPECIAL_STARTED: CaseStatus.SPECIAL,
}

TRANSITIONS: Mapping[CaseStatus, Mapping[FactEvent, CaseStatus]] = {
    CaseStatus.PENDING: {FactEvent.SUBMITTED: CaseStatus.SUBMITTED, FactEvent.RECEIVED: CaseStatus.RECEIVED},
    CaseStatus.SUBMITTED: {
        FactEvent.PRE_REJECTED: CaseStatus.PRE_REJECTED,
        FactEvent.RECEIVED: CaseStatus.RECEIVED,
        FactEvent.WITHDRAWN: CaseStatus.WITHDRAWN,
    },
    CaseStatus.PRE_REJECTED: {FactEvent.SUBMITTED: CaseStatus.SUBMITTED},
    CaseStatus.RECEIVED: {
        FactEvent.ACCEPTED: CaseStatus.ACCEPTED,
        FactEvent.NOT_APPLICABLE: CaseStatus.NOT_APPLICABLE,
        FactEvent.NOT_ACCEPTED: CaseStatus.NOT_ACCEPTED,
        FactEvent.CORRECTION_REQUESTED: CaseStatus.CORRECTION,
        FactEvent.WITHDRAWN: CaseStatus.WITHDRAWN,
    },
    CaseStatus.CORRECTION: {
        FactEvent.CORRECTION_COMPLETED: CaseStatus.RECEIVED,
        FactEvent.NOT_ACCEPTED: CaseStatus.NOT_ACCEPTED,
        FactEvent.WITHDRAWN: CaseStatus.WITHDRAWN,
    },
    CaseStatus.ACCEPTED: _REVIEW | {FactEvent.REVIEW_STARTED: CaseStatus.IN_REVIEW},
    CaseStatus.IN_REVIEW: _REVIEW,
    CaseStatus.REVIEW_CORRECTION: {
        FactEvent.CORRECTION_COMPLETED: CaseStatus.IN_REVIEW,
        FactEvent.REJECTED: CaseStatus.REJECTED,
        FactEvent.WITHDRAWN: CaseStatus.WITHDRAWN_BACK,
        FactEvent.WITHDRAWN_BACK: CaseStatus.WITHDRAWN_BACK,
    },
    CaseStatus.SPECIAL: _CLOSING | {FactEvent.SPECIAL_ENDED: CaseStatus.IN_REVIEW},
    CaseStatus.APPROVED: {FactEvent.REVOKED: CaseStatus.REVOKED},
    CaseStatus.APPROVED_TOLERANT: {FactEvent.REVOKED: CaseStatus.REVOKED},
    **{
        end: {}
        for end in (
            CaseStatus.NOT_APPLICABLE,
            CaseStatus.NOT_ACCEPTED,
            CaseStatus.WITHDRAWN,
            CaseStatus.REJECTED,
            CaseStatus.WITHDRAWN_BACK,
            CaseStatus.REVOKED,
        )
    },
}

APPROVALS = frozenset({CaseStatus.APPROVED, CaseStatus.APPROVED_TOLERANT})
RESULTS = APPROVALS | {CaseStatus.REJECTED}
CLOSED = RESULTS | {state for state, onward in TRANSITIONS.items() if not onward}
UNDER_REVIEW = frozenset({CaseStatus.ACCEPTED, CaseStatus.IN_REVIEW, CaseStatus.SPECIAL, CaseStatus.REVIEW_CORRECTION})
BEFORE_RECEIPT = frozenset({CaseStatus.PENDING, CaseStatus.SUBMITTED, CaseStatus.PRE_REJECTED})
IN_CORRECTION = frozenset({CaseStatus.CORRECTION, CaseStatus.REVIEW_CORRECTION})

RESULT_EVENTS = frozenset(
    {FactEvent.APPROVED, FactEvent.APPROVED_TOLERANT, FactEvent.REJECTED, FactEvent.REVOKED, FactEvent.DELIVERED}
)
AFTER_ACCEPTANCE = (RESULT_EVENTS | TRANSITIONS[CaseStatus.ACCEPTED].keys() | {FactEvent.SPECIAL_ENDED}) - {
    FactEvent.CORRECTION_REQUESTED,
    FactEvent.WITHDRAWN,
}
"""Events that cannot happen to a case before it was accepted."""

PROCESS_EVENTS = frozenset({FactEvent.REVIEW_STARTED, FactEvent.SPECIAL_STARTED, FactEvent.SPECIAL_ENDED})


class Breach(StrEnum):
    """A rule that the reported facts break. The facts remain; the breach is shown to the responsible staff."""

    SECOND_CORRECTION_NOTICE = "second-correction-notice"  # 许可法 art. 32(4): everything in one notice
    LATE_CORRECTION_NOTICE = "late-correction-notice"  # likewise: within five working days
    EXTENSION_TOO_LONG = "extension-too-long"  # art. 42: at most ten working days
    EXTENSION_TOO_LATE = "extension-too-late"  # only a limit that has not expired can be extended
    NO_ACCEPT_DOCUMENT = "no-accept-document"  # art. 32: a dated, sealed notice for every decision
    REFUSED_AFTER_ACCEPTANCE = "refused-after-acceptance"  # what is accepted, or deemed so, cannot be refused
    AFTER_END = "after-end"  # a closed case accepts no new decision
    FACT_ID_REUSED = "fact-id-reused"  # one identity with two contents


@dataclass(frozen=True)
class RuleBreak:
    """A breach, the fact that shows it, and its day."""

    breach: Breach
    fact_id: str
    day: date


@dataclass(frozen=True)
class CaseStep:
    """One step of a case. `implied`: not reported, but it follows from the law or from the next fact."""

    event: FactEvent
    state: CaseStatus
    day: date
    implied: bool = False


@dataclass(frozen=True)
class LegalLimits:
    """Legal limits for the cases of one item, in working days (domain section 6.2)."""

    task_type: str
    promise_day: int | None = None
    promise_type: TimeUnit = TimeUnit.WORKING
    answer_limit: int = 5
    extension_limit: int = 10
    delivery_limit: int = 10

    @classmethod
    def for_item(cls, item: Item) -> "LegalLimits":
        """Return the limits of `item`; without a promise its legal limit counts.

        A limit without a unit promises no day, nor does one whose unit is not in the code table: an earlier version
        released such items.
        """
        day, unit = item.promise_day, item.promise_type
        if day is None:
            day, unit = item.anticipate_day, item.anticipate_type
        known = TimeUnit(unit) if unit in TIME_UNIT else None
        return cls(item.task_type, day if known or not day else None, known or TimeUnit.WORKING)


@dataclass(frozen=True)
class CaseState:
    """The state derived from a case's facts. Days are those of Asia/Shanghai.

    `waiting`: facts whose predecessor has not been reported yet, which is normal. `superseded`: facts that change
    nothing (repetitions, late reports, refused claims). `violations`: the rules that the facts break. `paused`: the
    clock is stopped, and `promise_date` does not include the open pause yet. `provisional`: the years without a holiday
    notice that the promised day of an open case reaches into; the day may move when the notice comes.
    """

    rules: LegalLimits
    state: CaseStatus
    stage: Stage
    badges: tuple[Badge, ...]
    steps: tuple[CaseStep, ...]
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
    provisional: tuple[int, ...] = ()
    waiting: tuple[Fact, ...] = ()
    superseded: tuple[Fact, ...] = ()
    violations: tuple[RuleBreak, ...] = ()

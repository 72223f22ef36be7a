"""What a release needs before it: in a county of five gates, a review; else nothing.

`append` makes a version only of a `Cleared`, and only `clear` makes one. So a new command cannot forget to ask: it does
not type-check, and at run time it has nothing to hand over. A command says on which grounds it releases:

- `Reviewed`   an approved review, not used before, that has exactly this operation, body and period
- `Urgent`     a withdrawal that two persons, or a duty officer, made before its review
- `Exemption`  nothing new is said: every body was released before. That is compared, not believed
"""

from collections.abc import Collection, Sequence
from dataclasses import InitVar, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from sqlmodel import Session, col, select

from contracts.base import Json, format_time
from contracts.content.gates import GATES, Gate, ReviewPolicy
from contracts.envelope.publication import Op
from shared.errors import Broken, Conflict
from shared.publishing.editions.model import EditionRow, EditionState, Period, ReleasingSource, as_text, moment
from shared.publishing.editions.steps import NextVersion, history
from shared.publishing.reviews.model import (
    Operation,
    ReviewKind,
    ReviewMemberRow,
    ReviewRow,
    ReviewState,
    SignatureRow,
    Verdict,
    member_digest,
)

_KEY: Final = object()


class Exemption(StrEnum):
    """Why a command needs no review (docs/adr/0078): it repeats what was released, or does what was reviewed."""

    RESTORE = "restore"
    CANCEL_PLANS = "cancel_plans"
    CANCEL_SET = "cancel_set"
    UNDO = "undo"
    ANNOUNCE = "announce"
    PLANNED_END = "planned_end"
    FOLLOWING = "following"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The grounds of new content. `kinds`: of the reviews that count here.

    `at_once`: a set that was reviewed as "at once" gets its time when it is prepared.
    """

    kinds: Collection[ReviewKind]
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Urgent:
    """The grounds of a withdrawal that the gates sign afterwards: the number of its review."""

    review: int


Grounds = Reviewed | Urgent | Exemption

BY_EDITION = Reviewed((ReviewKind.EDITION,))
BY_IMPORT = Reviewed((ReviewKind.IMPORT,))


@dataclass(frozen=True, slots=True)
class Cleared:
    """Steps that may be released. Only `clear` makes it. `review`: see `told`."""

    steps: Sequence[NextVersion]
    review: int | None
    exempt: Exemption | None
    key: InitVar[object]

    def __post_init__(self, key: object) -> None:
        if key is not _KEY:
            raise Broken("only shared.publishing.editions.clearance.clear lets a version be released")

    def told(self) -> Json:
        """Return how the audit log names it: the review's number, or why there is none."""
        if self.review is not None:
            return {"review": self.review}
        return {"reviewed": False} if self.exempt is None else {"reviewed": False, "exempt": self.exempt}


def clear(
    session: Session,
    who: ReleasingSource,
    row: EditionRow,
    own: NextVersion | None,
    steps: Sequence[NextVersion],
    grounds: Grounds,
) -> Cleared:
    """Clear the next versions of a locked row. `own`: the change itself; the other steps repeat what was planned.

    With `Reviewed`, the review is used by it: it covers no second release. Raises `Conflict` when the county demands a
    review and there is none; the message names the open gates and the review's address.
    """
    if who.review == ReviewPolicy.NONE:
        return Cleared(steps, None, None, _KEY)
    repeated = [one for one in steps if one is not own]
    match grounds:
        case Exemption():
            _require_repetition(session, who, row, steps, grounds)
            return Cleared(steps, None, grounds, _KEY)
        case Urgent():
            if own is None or own.op != Op.WITHDRAW:
                raise Broken(f"{row.code}: an urgent review covers a withdrawal only")
            _require_repetition(session, who, row, repeated, Exemption.CANCEL_PLANS)
            return Cleared(steps, grounds.review, None, _KEY)
    if own is None:
        raise Broken(f"{row.code}: a reviewed change has a step of its own")
    _require_repetition(session, who, row, repeated, Exemption.CANCEL_PLANS)
    version = row.version + 1 + (list(steps).index(own) if own in steps else -1)
    return Cleared(steps, _use(session, who, row.code, own, grounds, version), None, _KEY)


def lock_reviews(session: Session, who: ReleasingSource, codes: Collection[str]) -> None:
    """Lock the reviews that `clear` may use, in order of numbers: for what clears one edition after the other."""
    if who.review == ReviewPolicy.NONE:
        return
    unused = (col(ReviewMemberRow.key).in_(map(who.key, codes)), col(ReviewMemberRow.used_version).is_(None))
    of_codes = col(ReviewRow.number).in_(select(ReviewMemberRow.review).where(*unused))
    query = select(ReviewRow.number).where(of_codes, ReviewRow.state == ReviewState.APPROVED)
    session.exec(query.order_by(col(ReviewRow.number)).with_for_update()).all()


def operation_of(step: NextVersion) -> Operation:
    """Return the operation of a step as reviews name it."""
    if step.op == Op.RELEASE:
        return Operation.RELEASE
    return Operation.SUSPEND if step.state == EditionState.SUSPENDED else Operation.WITHDRAW


def digest_of(who: ReleasingSource, code: str, op: Operation, body: Json | None, period: Period) -> str:
    """Return the digest by which a change finds its review."""
    told = None if period.announcement is None else period.announcement.model_dump(mode="json", exclude_none=True)
    return member_digest(who.key(code), op, body, moment(period.effective_at), moment(period.expires_at), told)


def _use(
    session: Session, who: ReleasingSource, code: str, own: NextVersion, grounds: Reviewed, version: int
) -> int | None:
    """Use the approved review of this change. Return its number. Raises `Conflict` when there is none."""
    period = Period(None, own.period.expires_at) if grounds.at_once else own.period
    wanted = digest_of(who, code, operation_of(own), own.body, period)
    unused = col(ReviewMemberRow.used_version).is_(None)
    same = (ReviewMemberRow.key == who.key(code), ReviewMemberRow.digest == wanted, unused)
    query = select(ReviewMemberRow, ReviewRow).join(ReviewRow, col(ReviewRow.number) == ReviewMemberRow.review)
    of_kind = (col(ReviewRow.kind).in_(grounds.kinds), ReviewRow.state == ReviewState.APPROVED)
    newest_first = query.where(*same, *of_kind).order_by(col(ReviewRow.number).desc()).limit(1).with_for_update()
    found = session.exec(newest_first.execution_options(populate_existing=True)).first()
    if found is None:
        raise Conflict(_missing(session, who, code, wanted))
    member, review = found
    member.used_version = version
    session.add(member)
    session.flush()
    left = select(ReviewMemberRow.key).where(ReviewMemberRow.review == review.number, unused)
    if session.exec(left.limit(1)).first() is None:
        review.state, review.closed_at = ReviewState.RELEASED, format_time(datetime.now(UTC))
        session.add(review)
    return review.number


def _missing(session: Session, who: ReleasingSource, code: str, wanted: str) -> str:
    """Return why there is no review to use: an open one, with its open gates, or none for this content and time."""
    query = select(ReviewRow).join(ReviewMemberRow, col(ReviewMemberRow.review) == ReviewRow.number)
    of_key = (ReviewMemberRow.key == who.key(code), col(ReviewMemberRow.used_version).is_(None))
    alive = col(ReviewRow.state).in_((ReviewState.OPEN, ReviewState.APPROVED))
    reviews = session.exec(query.where(*of_key, alive).order_by(col(ReviewRow.number).desc())).all()
    same = select(ReviewMemberRow.review).where(ReviewMemberRow.digest == wanted)
    of_this = set(session.exec(same))
    for review in reviews:
        address = f"/{who.source}/v1/reviews/{review.number}"
        if review.number in of_this and review.state == ReviewState.OPEN:
            return f"{code}: not released, gates are open: {_open_gates(session, review.number or 0)}; see {address}"
        if review.number in of_this:
            return f"{code}: not released, its review is of the kind {review.kind}: release it as one; see {address}"
    gates = "、".join(GATES.values())
    other = f"; {reviews[0].number} is of other content or another time" if reviews else ""
    return (
        f"{code}: not released, gates are open: {gates}. No review has exactly this content and time{other}: "
        f"submit it with POST /{who.source}/v1/reviews"
    )


def _open_gates(session: Session, number: int) -> str:
    query = select(SignatureRow.gate).where(SignatureRow.review == number, SignatureRow.verdict == Verdict.PASS)
    passed = set(session.exec(query))
    return "、".join(title for gate, title in GATES.items() if Gate(gate) not in passed)


def _require_repetition(
    session: Session, who: ReleasingSource, row: EditionRow, steps: Sequence[NextVersion], reason: Exemption
) -> None:
    """Raises `Broken` for a body that was never released, and for a planned end that releases something."""
    bodies = [one.body for one in steps if one.body is not None]
    if not bodies:
        return
    if reason == Exemption.PLANNED_END:
        raise Broken(f"{row.code}: a planned end only withdraws")
    versions = [one for one in history(session, who.key(row.code)) if one.body is not None]
    known = {as_text(one.body or {}) for one in versions}
    if any(as_text(body) not in known for body in bodies):
        raise Broken(f"{row.code}: {reason} may only repeat what was released, and this body never was")
    if {one.period.announcement for one in steps} - {one.period.announcement for one in versions} - {None}:
        raise Broken(f"{row.code}: {reason} may only repeat what was announced, and this never was")

"""The review of an import: its dry run, in several requests, gathers what a run would release."""

from collections.abc import Iterator, Mapping, Sequence

from sqlmodel import Session, col, select

from shared.audit.recording import AuditEntry, record
from shared.errors import Conflict, NotAllowed, NotFound
from shared.publishing.editions.clearance import operation_of
from shared.publishing.editions.steps import NextVersion
from shared.publishing.reviews.model import ReviewKind, ReviewMemberRow, ReviewRow, ReviewState
from shared.publishing.reviews.requests import SubmitRequest
from shared.publishing.reviews.roles import SUBMITTING, require_role
from shared.publishing.reviews.submitting import (
    Change,
    Reviewing,
    add_members,
    member_of,
    new_review,
    now_text,
    seal,
    told,
)
from shared.tokens.person import Actor


def begin(reviewing: Reviewing, by: Actor, asked: SubmitRequest) -> int:
    """Store an empty review of an import; return its number. Raises `NotAllowed`, `Conflict`."""
    reviewing.require_five()
    require_role(by, SUBMITTING)
    with reviewing.db.write() as session:
        review = new_review(by, ReviewKind.IMPORT, [by.name], ReviewState.GATHERING)
        review.subject, review.note, review.preview = "导入", asked.note, asked.preview
        session.add(review)
        session.flush()
        return review.number or 0


def gather(reviewing: Reviewing, by: Actor, number: int, planned: Mapping[str, NextVersion]) -> None:
    """Add what a run would do, by code. The same request again changes nothing. Raises what `gathered_by` raises."""
    # A dry run has stored nothing. If the process dies before this commit, the same request gathers again.
    with reviewing.db.write() as session:
        gathered_by(session, by, number)
        known = _known(session, number, [reviewing.who.key(code) for code in planned])
        for old in known:
            session.delete(old)
        session.flush()
        changes = (Change(code, operation_of(step), step.body, step.period) for code, step in planned.items())
        add_members(session, number, [member_of(session, reviewing, one) for one in changes])


def close(reviewing: Reviewing, by: Actor, number: int) -> None:
    """Open the gates: everything is gathered. Raises `Conflict` when nothing was, and what `gathered_by` raises."""
    with reviewing.db.write() as session:
        review = gathered_by(session, by, number)
        query = select(ReviewMemberRow).where(ReviewMemberRow.review == number)
        members = session.exec(query.order_by(ReviewMemberRow.key)).all()
        if not members:
            raise Conflict(f"review {number} has gathered nothing: the import changes nothing at this source")
        seal(review, members)
        review.state, review.submitted_at = ReviewState.OPEN, now_text()
        session.add(review)
        record(session, by, AuditEntry("submit_review", f"review:{number}", None, told(review, len(members))))


def gathered_by(session: Session, by: Actor, number: int) -> ReviewRow:
    """Return the review, locked, if this caller is gathering it. Raises `NotFound`, `Conflict`, `NotAllowed`."""
    review = session.get(ReviewRow, number, with_for_update=True)
    if review is None:
        raise NotFound(f"there is no review {number}")
    if review.state != ReviewState.GATHERING:
        raise Conflict(f"review {number} is {review.state}, not gathering: begin another one")
    if review.submitted_by != by.name:
        raise NotAllowed(f"review {number} is gathered by {review.submitted_by}")
    return review


def _known(session: Session, number: int, keys: Sequence[str]) -> Iterator[ReviewMemberRow]:
    of_review = ReviewMemberRow.review == number
    yield from session.exec(select(ReviewMemberRow).where(of_review, col(ReviewMemberRow.key).in_(keys))).all()

"""Submit for review: the content is frozen as it will be released, with its period, and searched for findings."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from sqlmodel import Session, col, select

from contracts.base import ANNOUNCEMENTS, Json, format_time
from contracts.content.gates import ReviewPolicy
from shared.audit.recording import AuditEntry, record
from shared.database.engine import Database
from shared.errors import Conflict, Invalid, Violation
from shared.publishing.editions.announcing import announcement_of
from shared.publishing.editions.clearance import digest_of
from shared.publishing.editions.model import (
    EditionRow,
    EditionState,
    Period,
    ReleasingSource,
    fingerprint,
    locked,
    locked_rows,
    moment,
    require_revision,
)
from shared.publishing.editions.steps import situation
from shared.publishing.reviews.authors import ALIVE, authors_of
from shared.publishing.reviews.findings.finder import Finder
from shared.publishing.reviews.findings.finding import ReviewFinding
from shared.publishing.reviews.model import (
    Operation,
    ReviewKind,
    ReviewMemberRow,
    ReviewRow,
    ReviewState,
    review_digest,
)
from shared.publishing.reviews.requests import SubmitRequest, SubmittedMember
from shared.publishing.reviews.roles import SUBMITTING, require_role
from shared.tokens.person import Actor

LONGEST_NAME = 280
Planned = Callable[[Session, str, Period], Period]
"""Returns the period in which a draft will be shown. Raises `NotFound`, `Invalid` unless it may be released."""

Comparing = Callable[[Session, str, Json], Iterable[ReviewFinding]]
"""Yields what the body of a code says differently from other released content of the same source."""


def nothing_compared(_session: Session, _code: str, _body: Json) -> Iterable[ReviewFinding]:
    """Return nothing: for a source whose bodies quote nothing of each other."""
    return ()


@dataclass(frozen=True)
class Reviewing:
    """What a source provides for its reviews: its database, the rules of its drafts, and its findings."""

    db: Database
    who: ReleasingSource
    planned: Planned
    finder: Finder
    compared: Comparing = nothing_compared

    def findings(self, session: Session, code: str, body: Json | None) -> list[Json]:
        """Return what reviewers of a body must look at, each once; nothing for what leaves the channels."""
        if body is None:
            return []
        others = {one.id: one.as_json() for one in self.compared(session, code, body)}
        return [*self.finder.findings(code, body), *others.values()]

    def require_five(self) -> None:
        """Raises `Conflict` in a county without reviews."""
        if self.who.review != ReviewPolicy.FIVE:
            raise Conflict("this county was born without reviews: its releases are recorded as not reviewed")


@dataclass(frozen=True, slots=True)
class Change:
    """What a member will do: the operation on a code, the body that is released, and its period."""

    code: str
    op: Operation
    body: Json | None
    period: Period


def submit(reviewing: Reviewing, by: Actor, asked: SubmitRequest) -> int:
    """Store a review of drafts and withdrawals; return its number. The same again returns the same review.

    Raises `NotAllowed`, `NotFound`, `PreconditionFailed` for a revision that is not the newest, `Invalid` for what may
    not be released, `Conflict` for what is released already.
    """
    reviewing.require_five()
    require_role(by, SUBMITTING, [one.code for one in asked.members])
    # One transaction: if the process dies before its commit, nothing is submitted; after it, the same is found again.
    with reviewing.db.write() as session:
        locked_rows(session, [one.code for one in asked.members])
        changes = [_change(session, reviewing, one) for one in asked.members]
        codes = [one.code for one in changes if one.op == Operation.RELEASE]
        review = new_review(by, ReviewKind(asked.kind), authors_of(session, codes))
        review.note = asked.note
        members = [member_of(session, reviewing, one) for one in changes]
        seal(review, members)
        if (known := _same(session, review)) is not None:
            return known
        session.add(review)
        session.flush()
        number = review.number or 0
        add_members(session, number, members)
        record(session, by, AuditEntry("submit_review", f"review:{number}", None, told(review, len(members))))
    return number


def new_review(by: Actor, kind: ReviewKind, authors: Sequence[str], state: ReviewState = ReviewState.OPEN) -> ReviewRow:
    """Return a review that is not stored yet."""
    return ReviewRow(
        kind=kind,
        state=state,
        subject="",
        authors=orjson.dumps(authors).decode(),
        submitted_by=by.name,
        submitted_by_title=by.title,
        submitted_at=now_text(),
    )


def member_of(session: Session, reviewing: Reviewing, change: Change) -> ReviewMemberRow:
    """Return the member of a change, with its findings; it is not stored yet."""
    who, body, period = reviewing.who, change.body, change.period
    told = announcement_of(period)
    read = body if body is None or told is None else {**body, ANNOUNCEMENTS: [told.model_dump(mode="json")]}
    row = session.get(EditionRow, change.code)
    current = None if row is None else situation(session, who, row, datetime.now(UTC)).in_force
    shown = body or orjson.loads((row and (row.released or row.draft)) or "{}")
    return ReviewMemberRow(
        review=0,
        key=who.key(change.code),
        op=change.op,
        digest=digest_of(who, change.code, change.op, body, period),
        name=str(shown.get("task_name") or change.code)[:LONGEST_NAME],
        body=None if read is None else orjson.dumps(read).decode(),
        effective_at=moment(period.effective_at),
        expires_at=moment(period.expires_at),
        version_in_force=None if current is None else current.version,
        findings=orjson.dumps(reviewing.findings(session, change.code, read)).decode(),
    )


def seal(review: ReviewRow, members: Sequence[ReviewMemberRow]) -> None:
    """Give a review its subject and the digest over its members."""
    more = f"等{len(members)}项" if len(members) > 1 else ""
    review.subject = f"{members[0].name}{more}"
    review.digest = review_digest([(one.key, one.digest) for one in members], review.preview)


def add_members(session: Session, number: int, members: Sequence[ReviewMemberRow]) -> None:
    """Store the members of a review."""
    for one in members:
        one.review = number
        session.add(one)
    session.flush()


def told(review: ReviewRow, members: int) -> Json:
    """Return what the audit log says of a review."""
    return {"kind": review.kind, "state": review.state, "digest": review.digest, "members": members}


def now_text() -> str:
    """Return the time as the tables store it."""
    return format_time(datetime.now(UTC))


def _same(session: Session, review: ReviewRow) -> int | None:
    """Return the review by the same person of the same, if it can still lead to a release."""
    same = (ReviewRow.digest == review.digest, ReviewRow.submitted_by == review.submitted_by)
    query = select(ReviewRow.number).where(*same, ReviewRow.kind == review.kind, col(ReviewRow.state).in_(ALIVE))
    return session.exec(query.limit(1)).first()


def _change(session: Session, reviewing: Reviewing, asked: SubmittedMember) -> Change:
    row = locked(session, asked.code)
    if asked.revision is not None:
        require_revision(row, asked.revision)
    period = Period(asked.effective_at, asked.expires_at, announcement=asked.announcement)
    if asked.op != Operation.RELEASE:
        if row.state == EditionState.DRAFT:
            raise Conflict(f"{row.code} was never released; there is nothing to withdraw")
        if asked.expires_at is not None:
            remedy = "must be null: what leaves the channels returns by restore, or by a release"
            raise Invalid(Violation("expires_at", "no_end", remedy))
        return Change(row.code, asked.op, None, period)
    period = reviewing.planned(session, asked.code, period)
    period.check_announcement(datetime.now(UTC))
    period.check()
    period.check_end(datetime.now(UTC))
    body = orjson.loads(row.draft)
    shown = row.state in (EditionState.RELEASED, EditionState.HIDDEN)
    if shown and row.released_digest == fingerprint(body, period):
        raise Conflict(f"{row.code}: exactly this is released already, there is nothing to review")
    return Change(row.code, asked.op, body, period)

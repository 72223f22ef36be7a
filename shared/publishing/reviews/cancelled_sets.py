"""Reviews of a set that was cancelled before anybody saw it: they cover a release again."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from sqlmodel import Session, col, select

from contracts.base import format_time
from shared.audit.recording import AuditEntry
from shared.publishing.editions.model import ReleasingSource
from shared.publishing.reviews.authors import authors_of, remember
from shared.publishing.reviews.model import Operation, ReviewMemberRow, ReviewRow, ReviewState

USED = (ReviewState.APPROVED, ReviewState.RELEASED)


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The versions of one code in the set that no channel has shown. `followed`: another content was released since."""

    versions: Collection[int]
    followed: bool


def give_back(session: Session, who: ReleasingSource, members: Mapping[str, Cancelled]) -> list[AuditEntry]:
    """Let the reviews of cancelled members, by code, be used again. Return what the audit log is to say.

    The editions are locked. A draft that was changed or followed since makes its review obsolete, as it does before a
    release. Whoever wrote a draft is its author again.
    """
    keys = {who.key(code): one for code, one in members.items()}
    query = select(ReviewMemberRow).where(col(ReviewMemberRow.key).in_(keys))
    used = [one for one in session.exec(query) if one.used_version in keys[one.key].versions]
    numbers = {one.review for one in used}
    locked = select(ReviewRow).where(col(ReviewRow.number).in_(numbers)).order_by(col(ReviewRow.number))
    told = []
    for review in session.exec(locked.with_for_update().execution_options(populate_existing=True)).all():
        own = [one for one in used if one.review == review.number]
        drafts = [one.code for one in own if one.op == Operation.RELEASE]
        changed = bool(authors_of(session, drafts)) or any(members[code].followed for code in drafts)
        _give_back(session, review, own, changed=changed)
        for code in drafts:
            remember(session, code, orjson.loads(review.authors))
        after = {"digest": review.digest, "state": review.state, "keys": sorted(one.key for one in own)}
        told.append(AuditEntry("reopen_review", f"review:{review.number}", None, after))
    session.flush()
    return told


def _give_back(session: Session, review: ReviewRow, members: Collection[ReviewMemberRow], *, changed: bool) -> None:
    for one in members:
        one.used_version = None
        session.add(one)
    if review.state in USED:
        review.state = ReviewState.OBSOLETE if changed else ReviewState.APPROVED
        review.closed_at = format_time(datetime.now(UTC)) if changed else None
        session.add(review)

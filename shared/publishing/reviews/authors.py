"""Who has changed a draft since its last release; they do not sign. A changed draft makes its reviews obsolete."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from sqlmodel import Session, col, delete, select

from contracts.base import format_time
from shared.publishing.reviews.model import AuthorRow, Operation, ReviewMemberRow, ReviewRow, ReviewState
from shared.tokens.person import Actor

ALIVE = (ReviewState.OPEN, ReviewState.APPROVED)
"""States in which a review may still lead to a release."""


def note_change(session: Session, by: Actor, key: str) -> None:
    """Remember who changed the draft of a key, whose edition is locked. Reviews of the former draft are obsolete."""
    code = key.partition(":")[2]
    remember(session, code, [by.name])
    of_draft = (ReviewMemberRow.key == key, ReviewMemberRow.op == Operation.RELEASE)
    members = select(ReviewMemberRow.review).where(*of_draft, col(ReviewMemberRow.used_version).is_(None))
    # The rows of an import are not this draft: their review stays, and the digest decides.
    query = select(ReviewRow).where(
        col(ReviewRow.number).in_(members), col(ReviewRow.state).in_(ALIVE), ReviewRow.kind != "import"
    )
    for review in session.exec(query.order_by(col(ReviewRow.number)).with_for_update()):
        review.state, review.closed_at = ReviewState.OBSOLETE, format_time(datetime.now(UTC))
        session.add(review)
    session.flush()


def remember(session: Session, code: str, names: Iterable[str]) -> None:
    """Store that these persons have changed the draft since its last release."""
    for name in names:
        if session.get(AuthorRow, (code, name)) is None:
            session.add(AuthorRow(code=code, name=name))


def authors_of(session: Session, codes: Collection[str]) -> list[str]:
    """Return who has changed one of these drafts since its last release, in order of names."""
    query = select(AuthorRow.name).where(col(AuthorRow.code).in_(codes)).distinct()
    return sorted(session.exec(query))


def forget(session: Session, code: str) -> None:
    """The draft is released: the next one has other authors."""
    session.exec(delete(AuthorRow).where(col(AuthorRow.code) == code))

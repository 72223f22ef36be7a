"""Feedback from readers about guides: stored once each, by guide, and open until an editor settles it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson
from pydantic import Field as ShapeField
from pydantic import ValidationError
from sqlalchemy import Column, Text
from sqlmodel import Field, Session, col, func, select

from contracts.base import Contract, Json, format_time
from contracts.content.feedback import FEEDBACK_TYPE, TAGS, Feedback
from contracts.envelope.event import Event
from services.guides.seen_items import GuidesModel
from services.guides.statements import ADD_FEEDBACK
from shared.audit.recording import AuditEntry, record
from shared.database.engine import Database
from shared.errors import Broken, Conflict, Invalid, NotFound, Violation
from shared.feeds.follower import refusal
from shared.messaging.delivery import Message, Refusal
from shared.publishing.reviews.roles import require_role, require_unit
from shared.security.privacy import find_personal_data, scrub
from shared.tokens.person import Actor, StaffRole
from shared.web.list_size import taken

SETTLING = (StaffRole.EDITOR, StaffRole.OPERATOR)
"""Who answers readers, about guides of the own units."""


class FeedbackState(StrEnum):
    """open → answered → closed; feedback that needs no answer is closed at once."""

    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"


class FeedbackRow(GuidesModel, table=True):
    """One reader's feedback on one version of a guide. `tags` are codes separated by blanks."""

    __tablename__ = "feedback"

    number: int | None = Field(default=None, primary_key=True)
    id: str = Field(max_length=32, unique=True)
    code: str = Field(max_length=64, index=True)
    guide_version: int
    channel: str = Field(max_length=16)
    tags: str = Field(max_length=100)
    text: str | None = Field(default=None, sa_column=Column(Text))
    given_at: str = Field(max_length=27)
    state: str = Field(max_length=16, index=True)
    answer: str | None = Field(default=None, sa_column=Column(Text))
    settled_at: str | None = Field(default=None, max_length=27)

    def as_json(self) -> Json:
        """Return the row as editors read it; `tags` maps each code to its text."""
        shown = self.model_dump(exclude={"tags"})
        return {**shown, "tags": {tag: TAGS[tag] for tag in self.tags.split() if tag in TAGS}}


class Answer(Contract):
    """What the unit did about it, for the record only: the reader left no address."""

    answer: str = ShapeField(min_length=1, max_length=2000, title="处理情况")


_COUNT_OPEN = select(func.count()).where(FeedbackRow.state == FeedbackState.OPEN)
_OLDEST_OPEN = select(func.min(FeedbackRow.given_at)).where(FeedbackRow.state == FeedbackState.OPEN)


class FeedbackStore:
    """The feedback in the database of guides. Each method is a transaction of its own."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def take(self, messages: Sequence[Message]) -> list[Refusal]:
        """Handle a batch. Refuse what is not feedback; mask personal numbers in its text.

        If the process dies before the commit, the messages are delivered again. After it too: their ids are known.
        """
        rows, refusals = [], []
        for index, message in enumerate(messages):
            try:
                rows.append(_row(message))
            except (ValueError, Broken) as error:
                refusals.append(refusal("guides", index, message, error))
        if rows:
            with self._db.write() as session:
                session.connection().execute(ADD_FEEDBACK, rows)
        return refusals

    def page(
        self, state: FeedbackState | None, code: str | None, after: int, limit: int, unit: str | None = None
    ) -> Json:
        """Return a page in order of arrival, the number of all open ones, and the number to continue after.

        `unit`: only what concerns items of the unit with this 统一社会信用代码; it narrows the number too.
        """
        number = col(FeedbackRow.number)
        query = select(FeedbackRow).where(number > after).order_by(number).limit(limit)
        if state is not None:
            query = query.where(FeedbackRow.state == state)
        if code is not None:
            query = query.where(FeedbackRow.code == code)
        count = _COUNT_OPEN
        if unit is not None:
            of_unit = col(FeedbackRow.code).startswith(unit)
            query, count = query.where(of_unit), count.where(of_unit)
        with self._db.read() as session:
            rows, count_open = list(session.exec(query)), session.exec(count).one()
        fit = taken([len(row.text or "") + len(row.answer or "") for row in rows])
        following = rows[fit - 1].number if fit < len(rows) or len(rows) == limit else None
        return {"feedback": [row.as_json() for row in rows[:fit]], "open": count_open, "next": following}

    def count_open(self) -> int:
        """Return how many are open."""
        with self._db.read() as session:
            return session.exec(_COUNT_OPEN).one()

    def longest_wait(self) -> float:
        """Return the seconds since the oldest open one was given; 0 if none is open."""
        with self._db.read() as session:
            oldest = session.exec(_OLDEST_OPEN).one()
        return (datetime.now(UTC) - datetime.fromisoformat(oldest)).total_seconds() if oldest else 0.0

    def answer(self, by: Actor, feedback_id: str, said: str) -> Json:
        """Settle it with an answer. Raises `NotAllowed`, `NotFound`, `Conflict` when it is closed, `Invalid` for
        personal data.
        """
        if find_personal_data(said):
            raise Invalid(Violation("answer", "no_personal_data", "contains a personal number or address"))
        with self._db.write() as session:
            row = _locked(session, by, feedback_id)
            if row.state == FeedbackState.CLOSED:
                raise Conflict("the feedback is closed")
            return _settled(session, by, row, FeedbackState.ANSWERED, said)

    def close(self, by: Actor, feedback_id: str) -> Json:
        """Close it, answered or not; repeating it changes nothing. Raises `NotAllowed`, `NotFound`."""
        with self._db.write() as session:
            row = _locked(session, by, feedback_id)
            return (
                row.as_json() if row.state == FeedbackState.CLOSED else _settled(session, by, row, FeedbackState.CLOSED)
            )


def _row(message: Message) -> dict[str, Any]:
    event = Event.model_validate(orjson.loads(message.body))
    if event.type != FEEDBACK_TYPE:
        raise Broken(f"type {event.type[:60]!r} is not feedback")
    try:
        given = Feedback.model_validate(event.data, extra="ignore")
    except ValidationError as error:
        raise Broken(f"invalid feedback: {error.error_count()} fields break a rule") from None
    return {
        **given.model_dump(mode="json", exclude={"tags", "text"}),
        "tags": " ".join(tag for tag in given.tags if tag in TAGS),
        "text": scrub(given.text) if given.text else None,
    }


def _locked(session: Session, by: Actor, feedback_id: str) -> FeedbackRow:
    require_role(by, SETTLING)
    row = session.exec(select(FeedbackRow).where(FeedbackRow.id == feedback_id).with_for_update()).first()
    if row is None:
        raise NotFound("there is no such feedback")
    require_unit(by, [row.code])
    return row


def _settled(session: Session, by: Actor, row: FeedbackRow, state: FeedbackState, said: str | None = None) -> Json:
    before = {"state": row.state}
    row.state, row.settled_at = state, format_time(datetime.now(UTC))
    row.answer = said or row.answer
    session.flush()
    record(session, by, AuditEntry(f"feedback_{state}", f"feedback:{row.id}", before, {"state": state}))
    return row.as_json()

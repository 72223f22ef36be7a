"""Feedback of readers on a guide: validated, stored before they are thanked, sent to the guides' owner, then deleted.

An outbox like those of the sources: a counter row in the same transaction numbers the feedback 1, 2, 3 … without holes
and in commit order, and the relay sends each message until it is confirmed (ADR 0035). Nothing about the reader is
stored: no address, no cookie, and no number that the checks for personal data recognise.
"""

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime

import orjson
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy import Column, Text, insert
from sqlmodel import Field, Session, select

from contracts.base import Json, format_time
from contracts.content.feedback import FEEDBACK_TYPE, LONGEST_TEXT, TAGS, Feedback
from contracts.topology import routing_key
from services.channels.api.statements import (
    CONFIRMED_FEEDBACK,
    DELETE_CONFIRMED_FEEDBACK,
    FEEDBACK_MARK_AND_NEXT,
    FOLLOWING_FEEDBACK,
    TAKE_FEEDBACK_NUMBER,
)
from services.channels.core.model import ONLY, ChannelModel
from shared import metrics, trace
from shared.config import Settings
from shared.database.engine import Database
from shared.errors import Invalid, TooManyRequests, Unavailable, Violation
from shared.messaging.delivery import Message
from shared.security.privacy import find_personal_data
from shared.text.invisible_characters import invisible
from shared.text.validation import parse as parse_as
from shared.web.callers import place_of

LANE = "feedback"
ALL_TOGETHER: RateLimitItem = parse("600/hour")
"""Limit for all readers together, against floods from many addresses. Feedback holds no secret to protect."""

EMOJI_JOINERS = dict.fromkeys((0x200D, 0xFE0F))
"""A phone's keyboard puts them into emoji: no reader knows of them."""

MOST_WAITING = 5_000
ID = re.compile(r"[0-9a-f]{32}")


class GivenFeedbackRow(ChannelModel, table=True):
    """One feedback waiting to be sent; `document` is the `Feedback` as it is sent."""

    __tablename__ = "feedback"

    number: int = Field(primary_key=True)
    id: str = Field(max_length=32, unique=True)
    document: str = Field(sa_column=Column(Text, nullable=False))
    traceparent: str | None = Field(default=None, max_length=55)


class GivenRow(ChannelModel, table=True):
    """The highest number; updating this row is the lock that makes number order the commit order."""

    __tablename__ = "given"

    id: int = Field(default=ONLY, primary_key=True)
    number: int = 0


class RelayedFeedbackRow(ChannelModel, table=True):
    """The number up to which the next hop has confirmed, see `shared.feeds.relay`."""

    __tablename__ = "relayed"

    lane: str = Field(primary_key=True, max_length=32)
    sequence: int = 0


class FeedbackBox:
    """Accepts feedback in one channel. Limits per address are kept in memory; addresses are stored nowhere else."""

    def __init__(self, db: Database, channel: str, settings: Settings) -> None:
        self._db, self._channel = db, channel
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._per_address: RateLimitItem = parse(settings.feedback_limit)

    def give(self, fields: Json, address: str) -> Feedback:
        """Store the feedback, once per `id`. `fields`: code, guide_version, tags, text, and the form's id.

        Raises `Invalid` with the fields, `TooManyRequests`, and `Unavailable` while too many wait for the broker.
        """
        given = _checked(self._channel, fields)
        hits = ((self._per_address, "address", place_of(address)), (ALL_TOGETHER, "all"))
        if not all(self._limiter.hit(*hit) for hit in hits):
            metrics.feedback.labels(self._channel, "limited").inc()
            raise TooManyRequests("too much feedback at once; please wait", retry_after=600)
        with self._db.write() as session:
            news = _put(session, given)
            if news:
                self._db.notifier.notify(session)
        metrics.feedback.labels(self._channel, "given" if news else "again").inc()
        return given


class FeedbackFeed:
    """The stored feedback as a feed, see `shared.feeds.relay.Feed`."""

    def __init__(self, region: str, channel: str) -> None:
        self._region, self._channel = region, channel

    def messages(self, db: Database, after: int, limit: int) -> list[Message]:
        """Return at most `limit` messages after `after`."""
        return [
            Message(
                body=feedback_event(given := Feedback.model_validate_json(row.document), row.number, row.traceparent),
                routing_key=routing_key(self._region, "feedback", "given"),
                message_id=f"feedback/{given.id}",
                sequence=row.number,
            )
            for row in db.fetch(FOLLOWING_FEEDBACK, after=after, limit=limit)
        ]

    def waiting(self, db: Database, after: int) -> tuple[int, str | None]:
        """Return how many follow `after`, and when the oldest of them was given."""
        rows = db.fetch(FEEDBACK_MARK_AND_NEXT, after=after)
        number, document = rows[0] if rows else (0, None)
        return number - after, None if document is None else str(orjson.loads(document)["given_at"])

    def forget(self, db: Database, cursor: int) -> None:
        """Delete what the next hop has confirmed. An `idle` of `Relay` that never returns a message."""
        if db.fetch(CONFIRMED_FEEDBACK, cursor=cursor):
            db.execute(DELETE_CONFIRMED_FEEDBACK, cursor=cursor)


def feedback_event(given: Feedback, number: int, traceparent: str | None) -> bytes:
    """Return the feedback as a CloudEvents envelope."""
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": f"feedback/{given.id}",
            "source": f"/tongyuan/{given.channel}",
            "type": FEEDBACK_TYPE,
            "subject": f"guide:{given.code}",
            "time": format_time(given.given_at),
            "datacontenttype": "application/json",
            "traceparent": traceparent,
            "sequence": str(number),
            "data": given.model_dump(mode="json", exclude_none=True),
        }
    )


def new_id() -> str:
    """Idempotency key of a form."""
    return secrets.token_hex(16)


def _checked(channel: str, fields: Json) -> Feedback:
    said = " ".join(str(fields.get("text") or "").split("\0")).translate(EMOJI_JOINERS).strip()
    tags = list(dict.fromkeys(fields.get("tags") or ()))
    wrong = []
    if not tags and not said:
        wrong.append(Violation("tags", "required", "choose what is wrong or describe it"))
    if unknown := [tag for tag in tags if tag not in TAGS]:
        wrong.append(Violation("tags", "unknown", "is not a tag of a guide", unknown[0][:10]))
    if len(said) > LONGEST_TEXT:
        wrong.append(Violation("text", "too_long", f"may have at most {LONGEST_TEXT} characters"))
    if find_personal_data(said):
        wrong.append(Violation("text", "no_personal_data", "contains a personal number or address; leave it out"))
    wrong += invisible({"text": said})
    if wrong:
        raise Invalid(*wrong)
    given = str(fields.get("id") or "")
    return parse_as(
        Feedback,
        {
            "id": given if ID.fullmatch(given) else new_id(),
            "code": fields["code"],
            "guide_version": fields["guide_version"],
            "channel": channel,
            "tags": tags,
            "text": said or None,
            "given_at": datetime.now(UTC),
        },
    )


def _put(session: Session, given: Feedback) -> bool:
    """Insert the feedback. Return False if its id is already stored."""
    known = session.exec(select(GivenFeedbackRow.number).where(GivenFeedbackRow.id == given.id)).first()
    if known is not None:
        return False
    number = session.connection().execute(TAKE_FEEDBACK_NUMBER).one().number
    oldest = session.exec(select(GivenFeedbackRow.number).order_by(GivenFeedbackRow.number).limit(1)).first()  # type: ignore[arg-type]  # a column
    if oldest is not None and number - oldest >= MOST_WAITING:
        raise Unavailable(f"{MOST_WAITING} messages are already waiting for the broker")
    values: Mapping[str, object] = {
        "number": number,
        "id": given.id,
        "document": given.model_dump_json(exclude_none=True),
        "traceparent": trace.current(),
    }
    session.connection().execute(insert(GivenFeedbackRow), [values])
    return True

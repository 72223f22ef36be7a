"""Releases and their outbox are one table: a version is released by the very insert that queues it for the ledger.

A counter row taken in the same transaction numbers the releases of a lane 1, 2, 3 … without holes, in commit order
(`id > cursor` over a database sequence would skip rows that commit late: docs/adr/0002). Rows are never changed and
never deleted: they are the source's history, and the feed from which the ledger can catch up over HTTP.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson
from sqlalchemy import Column, MetaData, Text, UniqueConstraint, event, insert, text
from sqlmodel import Field, Session, SQLModel, col, select

from contracts.base import Json, format_time
from contracts.event import EVENT_TYPES
from contracts.publication import Kind, Lane, Op, Release
from contracts.topology import routing_key
from shared import metrics, trace
from shared.canonical import digest
from shared.database import Database
from shared.delivery import Message

outbox_metadata = MetaData()
TAKE = "UPDATE counter SET value = value + :count WHERE lane = :lane RETURNING value /* bell */"
FOLLOWING = text(
    "SELECT sequence, document FROM release WHERE lane = :lane AND sequence > :after ORDER BY sequence LIMIT :limit"
)


class OutboxModel(SQLModel):
    """Tables that every source's database has."""

    metadata = outbox_metadata


class ReleaseRow(OutboxModel, table=True):
    """One immutable released version; `document` is the Release as JSON, exactly as it travels."""

    __tablename__ = "release"
    __table_args__ = (UniqueConstraint("key", "version"),)

    lane: str = Field(primary_key=True, max_length=16)
    sequence: int = Field(primary_key=True)
    key: str = Field(max_length=128)
    version: int
    op: str = Field(max_length=16)
    digest: str = Field(max_length=64)
    released_at: str = Field(max_length=27)
    document: str = Field(sa_column=Column(Text, nullable=False))


class CounterRow(OutboxModel, table=True):
    """The highest sequence of a lane; updating it is the lock that makes commit order the number order."""

    __tablename__ = "counter"

    lane: str = Field(primary_key=True, max_length=16)
    value: int = 0


class RelayedRow(OutboxModel, table=True):
    """How far a lane has been confirmed by the next hop."""

    __tablename__ = "relayed"

    lane: str = Field(primary_key=True, max_length=32)
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Draft:
    """What a command wants to release; the version is the key's next, taken in the same transaction."""

    key: str
    version: int
    op: Op
    region: str
    body: Json | None
    effective_at: datetime | None = None
    expires_at: datetime | None = None


def emit(session: Session, source: str, drafts: Sequence[Draft], lane: Lane = Lane.LIVE) -> list[Release]:
    """Release `drafts` in the caller's transaction, last thing before its commit (the counter row is a lock).

    It rings the bell, so that the relay wakes when the transaction commits.
    """
    if not drafts:
        return []
    now = datetime.now(UTC)
    traceparent = trace.current()
    contents = [_content(draft) for draft in drafts]
    digests = [digest(content) for content in contents]
    first = _take(session, lane, len(drafts)) - len(drafts) + 1
    releases = [
        Release.model_construct(
            source=source,
            lane=lane,
            sequence=first + number,
            key=draft.key,
            kind=Kind(contents[number]["kind"]),
            version=draft.version,
            op=draft.op,
            region=draft.region,
            effective_at=draft.effective_at,
            expires_at=draft.expires_at,
            released_at=now,
            body=draft.body,
            digest=digests[number],
            traceparent=traceparent,
        )
        for number, draft in enumerate(drafts)
    ]
    session.connection().execute(insert(ReleaseRow), [_row(release) for release in releases])
    event.listen(session, "after_commit", partial(_count, source, lane, drafts), once=True)
    return releases


def _count(source: str, lane: str, drafts: Sequence[Draft], _session: Session) -> None:
    for draft in drafts:
        metrics.released.labels(source, lane, draft.op).inc()


class SourceFeed:
    """One lane of a source's releases, as messages and as JSON documents."""

    def __init__(self, source: str, lane: Lane) -> None:
        self.source, self.lane = source, lane

    def head(self, session: Session) -> int:
        """Highest sequence so far."""
        row = session.get(CounterRow, self.lane)
        return row.value if row else 0

    def documents(self, session: Session, after: int, limit: int) -> list[tuple[int, str]]:
        """`(sequence, release JSON)` of what follows `after`, at most `limit`."""
        query = (
            select(ReleaseRow.sequence, ReleaseRow.document)
            .where(ReleaseRow.lane == self.lane, col(ReleaseRow.sequence) > after)
            .order_by(col(ReleaseRow.sequence))
            .limit(limit)
        )
        return [(sequence, document) for sequence, document in session.exec(query)]

    def messages(self, db: Database, after: int, limit: int) -> list[Message]:
        """The same as messages for the relay."""
        rows = db.ask(FOLLOWING, lane=self.lane, after=after, limit=limit)
        return [_message(self.source, sequence, document) for sequence, document in rows]

    def waiting(self, session: Session, after: int) -> tuple[int, str | None]:
        """How many follow `after`, and the release time of the oldest."""
        query = select(ReleaseRow.released_at).where(ReleaseRow.lane == self.lane, ReleaseRow.sequence == after + 1)
        return self.head(session) - after, session.exec(query).first()


def released_version(session: Session, key: str, version: int) -> str | None:
    """The release document of one version of one key."""
    query = select(ReleaseRow.document).where(ReleaseRow.key == key, ReleaseRow.version == version)
    return session.exec(query).first()


def history(session: Session, key: str) -> list[Json]:
    """All releases of a key, oldest first, without bodies."""
    query = select(ReleaseRow.document).where(ReleaseRow.key == key).order_by(col(ReleaseRow.version))
    return [{**orjson.loads(document), "body": None} for document in session.exec(query)]


def envelope(source: str, sequence: int, document: str, data: dict[str, Any]) -> bytes:
    """CloudEvents envelope around a document that is JSON already: its bytes are not built twice."""
    head = {
        "specversion": "1.0",
        "id": f"{data['key']}/{data['version']}",
        "source": f"/tongyuan/{source}",
        "type": EVENT_TYPES[(data["kind"], data["op"])],
        "subject": data["key"],
        "time": data["released_at"],
        "datacontenttype": "application/json",
        "traceparent": data.get("traceparent"),
        "sequence": str(sequence),
    }
    return orjson.dumps(head)[:-1] + b',"data":' + document.encode() + b"}"


def _content(draft: Draft) -> dict[str, Any]:
    return {
        "key": draft.key,
        "kind": draft.key.partition(":")[0],
        "version": draft.version,
        "op": str(draft.op),
        "region": draft.region,
        "effective_at": format_time(draft.effective_at) if draft.effective_at else None,
        "expires_at": format_time(draft.expires_at) if draft.expires_at else None,
        "body": draft.body,
    }


def _take(session: Session, lane: str, count: int) -> int:
    taken = session.connection().execute(session.info["bell"].ringing(TAKE, session), {"count": count, "lane": lane})
    return int(taken.one().value)


def _row(release: Release) -> dict[str, Any]:
    data = release.model_dump(mode="json")
    return {
        "lane": release.lane,
        "sequence": release.sequence,
        "key": release.key,
        "version": release.version,
        "op": release.op,
        "digest": release.digest,
        "released_at": data["released_at"],
        "document": orjson.dumps(data).decode(),
    }


def _message(source: str, sequence: int, document: str) -> Message:
    data = orjson.loads(document)
    return Message(
        body=envelope(source, sequence, document, data),
        routing_key=routing_key(data["region"], data["kind"], data["op"]),
        message_id=f"{data['key']}/{data['version']}",
        sequence=sequence,
    )

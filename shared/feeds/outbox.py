"""Releases and their outbox are one table: the insert that releases a version also queues it for the ledger.

A counter row updated in the same transaction numbers the releases of a lane 1, 2, 3 … without holes, in commit order
(`id > cursor` over a database sequence would skip rows that commit late: docs/adr/0002). Rows are never deleted: they
are the source's history, and the feed from which the ledger catches up over HTTP. Only two things change a row: law
erases the bodies of a case, and `sign_again` replaces signatures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson
from sqlalchemy import Column, MetaData, Text, UniqueConstraint, insert
from sqlalchemy.orm import aliased
from sqlmodel import Field, Session, SQLModel, col, func, select

from contracts.base import Json, format_time
from contracts.envelope.publication import Lane, Release
from contracts.kinds import event_type, kind_of
from contracts.topology import release_key
from shared import metrics, trace
from shared.database.engine import Database, after_commit
from shared.errors import Unavailable
from shared.feeds.statements import FOLLOWING_RELEASES, HEAD_AND_NEXT, TAKE_NUMBERS
from shared.messaging.delivery import Message
from shared.transparency.canonical import digest
from shared.transparency.source_signature import ReleaseSigner, signed_text
from shared.web.list_size import first_within

outbox_metadata = MetaData()


class OutboxModel(SQLModel):
    """Base of the tables that every source's database has."""

    metadata = outbox_metadata


class ReleaseRow(OutboxModel, table=True):
    """One released version; `document` is the Release as JSON, byte for byte as it is sent."""

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
    """Highest sequence of a lane. Updating the row locks it, which makes numbers follow commit order."""

    __tablename__ = "counter"

    lane: str = Field(primary_key=True, max_length=16)
    value: int = 0


class RelayedRow(OutboxModel, table=True):
    """Highest sequence of a lane that the next hop has confirmed."""

    __tablename__ = "relayed"

    lane: str = Field(primary_key=True, max_length=32)
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Draft:
    """A version that a command is about to release; `version` is the key's next, read in the same transaction."""

    key: str
    version: int
    op: str
    region: str
    body: Json | None
    effective_at: datetime | None = None
    expires_at: datetime | None = None
    part_of: str | None = None


def emit(session: Session, source: str, drafts: Sequence[Draft], lane: Lane = Lane.LIVE) -> list[Release]:
    """Release `drafts` in the caller's transaction. Call it last before the commit: it locks the counter row.

    The relay is notified at the commit. If the session has a signer (`Database.release_signer`), releases are signed.
    """
    if not drafts:
        return []
    now = datetime.now(UTC)
    traceparent = trace.current()
    contents = [_content(draft) for draft in drafts]
    digests = [digest(content) for content in contents]
    # This locks the lane until the commit. If we die before it, all is rolled back and no number is lost.
    first = _take(session, lane, len(drafts)) - len(drafts) + 1
    releases = [
        Release.model_construct(
            source=source,
            lane=lane,
            sequence=first + number,
            key=draft.key,
            kind=contents[number]["kind"],
            version=draft.version,
            op=draft.op,
            region=draft.region,
            effective_at=draft.effective_at,
            expires_at=draft.expires_at,
            released_at=now,
            body=draft.body,
            digest=digests[number],
            part_of=draft.part_of,
            traceparent=traceparent,
            source_signature=None,
        )
        for number, draft in enumerate(drafts)
    ]
    releases = _signed(session, releases)
    # If we die after the commit, the releases are stored: the next relay finds them after its cursor.
    session.connection().execute(insert(ReleaseRow), [_row(release) for release in releases])
    after_commit(session, partial(_count, source, lane, drafts))
    return releases


def sign_again(session: Session, lane: Lane, first: int) -> int:
    """Sign the releases of a lane from `first` on again with the current keys. Return how many were signed.

    Needed when the ledger refuses releases because their key is lost, or was stolen and revoked. Only the signature
    changes. Raises `Unavailable` when this process has no key.
    """
    signer: ReleaseSigner | None = session.info.get("release_signer")
    query = select(ReleaseRow).where(ReleaseRow.lane == lane, col(ReleaseRow.sequence) >= first)
    rows = session.exec(query.order_by(col(ReleaseRow.sequence))).all()
    if signer is None:
        raise Unavailable("this process has no signing key")
    for row in rows:
        document = orjson.loads(row.document)
        line = signer.sign(signed_text(Release.model_validate(document)))
        row.document = orjson.dumps({**document, "source_signature": line}).decode()
    return len(rows)


def next_sequence(session: Session, lane: str) -> int:
    """Return the sequence of the lane's next release, reserved until this transaction ends."""
    return _take(session, lane, 0) + 1


def _signed(session: Session, releases: list[Release]) -> list[Release]:
    signer: ReleaseSigner | None = session.info.get("release_signer")
    if signer is None:
        return releases
    return [one.model_copy(update={"source_signature": signer.sign(signed_text(one))}) for one in releases]


def _count(source: str, lane: str, drafts: Sequence[Draft]) -> None:
    for draft in drafts:
        metrics.released.labels(source, lane, draft.op).inc()


class SourceFeed:
    """One lane of a source's releases, as messages and as JSON documents."""

    def __init__(self, source: str, lane: Lane) -> None:
        self.source, self.lane = source, lane

    def head(self, session: Session) -> int:
        """Return the highest sequence."""
        row = session.get(CounterRow, self.lane)
        return row.value if row else 0

    def documents(self, session: Session, after: int, limit: int) -> list[tuple[int, str]]:
        """Return `(sequence, release JSON)` of the releases after `after`.

        At most `limit`, and at most one page's bytes.
        """
        place, lane = col(ReleaseRow.sequence), ReleaseRow.lane == self.lane
        within = first_within(place, (col(ReleaseRow.document),), lane, place > after, limit=limit)  # type: ignore[arg-type]  # a column
        query = select(place, ReleaseRow.document).where(lane, place.in_(within)).order_by(place)
        return [(sequence, document) for sequence, document in session.exec(query)]

    def messages(self, db: Database, after: int, limit: int) -> list[Message]:
        """Return the releases after `after` as messages for the relay, at most `limit`."""
        rows = db.fetch(FOLLOWING_RELEASES, lane=self.lane, after=after, limit=limit)
        return [_message(self.source, sequence, document) for sequence, document in rows]

    def waiting(self, db: Database, after: int) -> tuple[int, str | None]:
        """Return how many releases follow `after`, and the release time of the next one."""
        rows = db.fetch(HEAD_AND_NEXT, lane=self.lane, after=after)
        return (rows[0].head - after, rows[0].next_released_at) if rows else (-after, None)


def released_version(session: Session, key: str, version: int) -> str | None:
    """Return the release document of one version of a key."""
    query = select(ReleaseRow.document).where(ReleaseRow.key == key, ReleaseRow.version == version)
    return session.exec(query).first()


def newest_releases(session: Session, after: str, limit: int) -> list[tuple[str, str]]:
    """Return `(key, release JSON)` of the newest version of each key after `after`.

    At most `limit`, and at most one page's bytes.
    """
    one = aliased(ReleaseRow)
    newest = select(func.max(one.version)).where(one.key == ReleaseRow.key).scalar_subquery()
    place, is_newest = col(ReleaseRow.key), ReleaseRow.version == newest
    within = first_within(place, (col(ReleaseRow.document),), place > after, is_newest, limit=limit)  # type: ignore[arg-type]  # a column
    query = select(place, ReleaseRow.document).where(is_newest, place.in_(within)).order_by(place)
    return [(key, document) for key, document in session.exec(query)]


def history(session: Session, key: str) -> list[Json]:
    """Return all releases of a key, oldest first, without bodies."""
    # Stream the rows, so that only a few bodies are in memory at a time.
    query = select(ReleaseRow.document).where(ReleaseRow.key == key).order_by(col(ReleaseRow.version))
    query = query.execution_options(yield_per=16)
    return [{**orjson.loads(document), "body": None} for document in session.exec(query)]


def envelope(source: str, sequence: int, document: str, data: dict[str, Any]) -> bytes:
    """Wrap a JSON document in a CloudEvents envelope without encoding the document again."""
    head = {
        "specversion": "1.0",
        "id": f"{data['key']}/{data['version']}",
        "source": f"/tongyuan/{source}",
        "type": event_type(data["kind"], data["op"]),
        "subject": data["key"],
        "time": data["released_at"],
        "datacontenttype": "application/json",
        "traceparent": data.get("traceparent"),
        "sequence": str(sequence),
    }
    return orjson.dumps(head)[:-1] + b',"data":' + document.encode() + b"}"


def _content(draft: Draft) -> dict[str, Any]:
    content = {
        "key": draft.key,
        "kind": kind_of(draft.key),
        "version": draft.version,
        "op": str(draft.op),
        "region": draft.region,
        "effective_at": format_time(draft.effective_at) if draft.effective_at else None,
        "expires_at": format_time(draft.expires_at) if draft.expires_at else None,
        "body": draft.body,
    }
    return content if draft.part_of is None else {**content, "part_of": draft.part_of}


def _take(session: Session, lane: str, count: int) -> int:
    taken = session.connection().execute(
        session.info["notifier"].notifying(TAKE_NUMBERS, session), {"count": count, "lane": lane}
    )
    return int(taken.one().value)


def _row(release: Release) -> dict[str, Any]:
    data = release.model_dump(mode="json", exclude=None if release.part_of else {"part_of"})
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
        routing_key=release_key(source, data["region"], data["kind"], data["op"]),
        message_id=f"{data['key']}/{data['version']}",
        sequence=sequence,
    )

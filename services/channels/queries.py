"""Reading a channel: documents, lists, deltas, freshness. Never writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlmodel import Session, col, func, or_, select

from contracts.base import Json, format_time
from services.channels.commands import state
from services.channels.digests import Digests, bucket_of, digest_lines, served_lines, sha256_of
from services.channels.model import DocumentRow, ParkedRow, ScheduledRow
from shared.errors import Invalid, TongyuanError, Violation

WHERE_IT_IS = text(
    "SELECT s.position, s.change, s.epoch, h.size, h.root, h.time, h.checkpoint, h.statement "
    "FROM state s LEFT JOIN seen_head h ON h.id = s.id WHERE s.id = 1"
)
"""How far the channel is, and the newest head it has applied up to (nulls before the first)."""

CHANGES = text(
    "SELECT key, version, position, change, expires_at, content, (SELECT epoch FROM state WHERE id = 1) AS epoch "
    "FROM document "
    "WHERE change > :after AND kind <> 'application' ORDER BY change LIMIT :limit"
)
"""Applications are never listed."""

ENDS = text(
    "SELECT key, min(moment) AS moment FROM ("
    "SELECT key, expires_at AS moment FROM document "
    "WHERE content IS NOT NULL AND expires_at > :now AND kind <> 'application' "
    "UNION ALL SELECT key, effective_at FROM scheduled WHERE effective_at > :now AND kind <> 'application'"
    ") AS ending GROUP BY key"
)


class StartOver(TongyuanError):
    """The cursor belongs to another life of this channel, or lies ahead of it: read everything again."""

    status = 410
    title = "Start over"


@dataclass(frozen=True, slots=True)
class CaseCounts:
    """How many cases were accepted on a day, are open, and were finished on that day."""

    accepted: int
    open: int
    finished: int


@dataclass(frozen=True, slots=True)
class Served:
    """A document as bytes, with its ETag."""

    content: bytes
    etag: str


def document(session: Session, kind: str, code: str) -> Served | None:
    """What is served for a code now; None when it is unknown, withdrawn or past its end."""
    row = session.get(DocumentRow, f"{kind}:{code}")
    if row is None or row.content is None or row.content_digest is None or not _visible(row):
        return None
    return Served(row.content.encode(), row.content_digest)


def gone(session: Session, kind: str, code: str) -> bool:
    """True when there was such a document and it is not shown any more."""
    row = session.get(DocumentRow, f"{kind}:{code}")
    return row is not None and not _visible(row)


def gone_since(session: Session, kind: str, code: str) -> datetime | None:
    """From when on it was not shown any more; None when it is shown, or never was."""
    row = session.get(DocumentRow, f"{kind}:{code}")
    if row is None or _visible(row):
        return None
    since = row.expires_at if row.content is not None else row.effective_at or row.released_at
    return datetime.fromisoformat(str(since))


def page(session: Session, kind: str, after: str, limit: int) -> list[Json]:
    """Documents of a kind in order of their keys."""
    query = (
        select(DocumentRow.content)
        .where(DocumentRow.kind == kind, col(DocumentRow.key) > f"{kind}:{after}", *_shown())
        .order_by(col(DocumentRow.key))
        .limit(limit)
    )
    return [orjson.loads(content) for content in session.exec(query) if content]


def by_keys(session: Session, keys: list[str]) -> list[Json]:
    """Documents in the order of `keys`; those not shown are left out."""
    query = select(DocumentRow.key, DocumentRow.content).where(col(DocumentRow.key).in_(keys), *_shown())
    found = dict(session.exec(query).all())
    return [orjson.loads(content) for key in keys if (content := found.get(key))]


def cursor(session: Session, since: str) -> int:
    """Change number of a cursor `<epoch>.<change>`; `0` is the beginning. Raises `StartOver`, `Invalid`."""
    if since in ("", "0"):
        return 0
    at = state(session)
    epoch, _, number = since.rpartition(".")
    if not number.isascii() or not number.isdigit() or len(number) > 18:
        raise Invalid(Violation("since", "cursor", "must be 0 or a cursor from an earlier answer", since[:40]))
    if epoch != at.epoch or int(number) > at.change:
        raise StartOver("this cursor is not of this channel's present life: read again from since=0")
    return int(number)


def changes(session: Session, after: int, limit: int) -> Sequence[Any]:
    """Rows of `CHANGES`: newest state of every public document that changed after `after`, in order."""
    return session.connection().execute(CHANGES, {"after": after, "limit": limit}).all()


def change_json(row: Any) -> str:
    """One change: the document, or a tombstone."""
    head = orjson.dumps({"change": row.change, "key": row.key, "version": row.version, "position": row.position})
    content = row.content if _visible(row) else "null"
    return f'{head.decode()[:-1]},"document":{content}}}'


def freshness(session: Session) -> Json:
    """How far the channel is, and the newest head it has applied up to."""
    return freshness_of(session.connection().execute(WHERE_IT_IS).one())


def freshness_of(at: Any) -> Json:
    """The same from a row of `WHERE_IT_IS`."""
    head = {"size": at.size, "root": at.root, "time": at.time, "checkpoint": at.checkpoint, "statement": at.statement}
    return {
        "position": at.position,
        "cursor": f"{at.epoch}.{at.change}",
        "head": None if at.size is None else head,
    }


def digests(session: Session) -> Digests:
    """Digests of everything served now."""
    return digest_lines(served_lines(session))


def bucket(session: Session, kind: str, wanted: str) -> list[Json]:
    """Key, version, position and content digest of every document of a bucket, in order of keys."""
    keys = [key for key in session.exec(_served_keys(kind)) if bucket_of(key) == wanted]
    query = select(DocumentRow).where(col(DocumentRow.key).in_(keys)).order_by(col(DocumentRow.key))
    return [
        {"key": row.key, "version": row.version, "position": row.position, "content_digest": sha256_of(row.content)}
        for row in session.exec(query)
        if row.content is not None
    ]


def counts(session: Session) -> dict[str, int]:
    """Documents shown, per kind."""
    query = (
        select(DocumentRow.kind, func.count()).where(col(DocumentRow.content).is_not(None)).group_by(DocumentRow.kind)
    )
    return dict(session.exec(query).all())


def news(session: Session, since: str, limit: int) -> list[Json]:
    """Items and guides shown now that were released from `since` on, newest first: key, version, name, released_at."""
    query = (
        select(DocumentRow)
        .where(col(DocumentRow.kind) != "application", DocumentRow.released_at >= since, *_shown())
        .order_by(col(DocumentRow.released_at).desc(), col(DocumentRow.change).desc())
        .limit(limit)
    )
    return [
        {
            "key": row.key,
            "version": row.version,
            "name": orjson.loads(row.content or "{}").get("name", ""),
            "released_at": row.released_at,
        }
        for row in session.exec(query)
    ]


def ends(session: Session) -> dict[str, str]:
    """When items and guides that are shown now will not be any more, by key: they end, or a later version begins."""
    return {row.key: row.moment for row in session.connection().execute(ENDS, {"now": _now()})}


def cases(session: Session, day: date) -> CaseCounts:
    """Cases by what everybody may know of them; `day` in China."""
    field = "content::json ->> '{}'" if session.get_bind().dialect.name == "postgresql" else "content ->> '$.{}'"
    row = (
        session.connection()
        .execute(
            text(
                f"SELECT count(CASE WHEN {field.format('accept_date')} = :day THEN 1 END) AS accepted, "  # noqa: S608  # fixed names
                f"count(CASE WHEN {field.format('stage')} <> '3' THEN 1 END) AS open, "
                f"count(CASE WHEN {field.format('result_date')} = :day THEN 1 END) AS finished "
                "FROM document WHERE kind = 'application' AND content IS NOT NULL"
            ),
            {"day": day.isoformat()},
        )
        .one()
    )
    return CaseCounts(row.accepted, row.open, row.finished)


def waiting(session: Session) -> int:
    """Versions whose time has not come."""
    return session.exec(select(func.count()).select_from(ScheduledRow)).one()


def parked(session: Session) -> list[Json]:
    """Entries that could not be shown, with reasons."""
    query = select(ParkedRow).order_by(col(ParkedRow.position))
    return [row.model_dump(exclude={"entry"}) for row in session.exec(query)]


def trace(session: Session, key: str) -> Json | None:
    """What the channel knows of a key."""
    row = session.get(DocumentRow, key)
    return None if row is None else {**row.model_dump(exclude={"content"}), "shown": _visible(row)}


def _served_keys(kind: str) -> Any:
    return select(DocumentRow.key).where(DocumentRow.kind == kind, col(DocumentRow.content).is_not(None))


def _visible(row: Any) -> bool:
    return row.content is not None and (row.expires_at is None or row.expires_at > _now())


def _shown() -> tuple[Any, ...]:
    expires = col(DocumentRow.expires_at)
    return col(DocumentRow.content).is_not(None), or_(expires.is_(None), expires > _now())


def _now() -> str:
    return format_time(datetime.now(UTC))

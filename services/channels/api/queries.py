"""Read-only queries of a channel: documents, lists, changes, freshness."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import orjson
from sqlmodel import Session, col, func, or_, select

from contracts.base import Json, format_time
from contracts.kinds import CANARY, KINDS, LISTED, kind_of
from services.channels.api.statements import (
    CASE_COUNTS,
    CHANGES,
    ENDS,
    OLDEST_OVERDUE,
    SIZES_OF_CHANGES,
)
from services.channels.core.digests import bucket_of, in_buckets, sha256_of
from services.channels.core.model import DocumentRow, ParkedRow, ScheduledRow
from services.channels.core.statements import POSITION_AND_HEAD
from services.channels.core.store import state
from shared.errors import Invalid, TongyuanError, Violation
from shared.web.list_size import MOST_BYTES, first_within, taken

FEW = 20
"""Documents held in memory at once where only a small value is computed from each."""


class StartOver(TongyuanError):
    """The cursor is of another epoch of this channel, or ahead of it: the client must read everything again."""

    status = 410
    title = "Start over"


@dataclass(frozen=True, slots=True)
class CaseCounts:
    """Cases accepted on a day, cases now open, and cases finished on that day."""

    accepted: int
    open: int
    finished: int


@dataclass(frozen=True, slots=True)
class ServedDocument:
    """A document as bytes, with its ETag."""

    content: bytes
    etag: str


def document(session: Session, kind: str, code: str) -> ServedDocument | None:
    """Return what is served for a code now; None if it is unknown, withdrawn or expired."""
    row = session.get(DocumentRow, f"{kind}:{code}")
    if row is None or row.content is None or row.content_digest is None or not _visible(row):
        return None
    return ServedDocument(row.content.encode(), row.content_digest)


def gone(session: Session, kind: str, code: str) -> bool:
    """Whether there was such a document and it is no longer shown."""
    row = session.get(DocumentRow, f"{kind}:{code}")
    return row is not None and not _visible(row)


def gone_since(session: Session, kind: str, code: str) -> datetime | None:
    """Return since when it is no longer shown; None if it is shown, or never was."""
    row = session.get(DocumentRow, f"{kind}:{code}")
    if row is None or _visible(row):
        return None
    since = row.expires_at if row.expires_at and row.expires_at <= _now() else row.starts_at
    return datetime.fromisoformat(str(since))


def page(session: Session, kind: str, after: str, limit: int) -> list[Json]:
    """Return documents of a kind in order of key: at most `limit`, and at most one page's bytes.

    A page that is not empty may be followed by another.
    """
    place, conditions = col(DocumentRow.key), (col(DocumentRow.kind) == kind, *_shown())
    behind = (*conditions, place > f"{kind}:{after}")
    within = first_within(place, (col(DocumentRow.content),), *behind, limit=limit)
    query = select(DocumentRow.content).where(place.in_(within)).order_by(place)
    return [orjson.loads(content) for content in session.exec(query) if content]


def codes(session: Session, kind: str, after: str, limit: int) -> list[str]:
    """Return at most `limit` codes of shown documents of a kind, in order."""
    place = col(DocumentRow.key)
    query = select(place).where(DocumentRow.kind == kind, place > f"{kind}:{after}", *_shown())
    return [key.partition(":")[2] for key in session.exec(query.order_by(place).limit(limit))]


def each_by_keys(session: Session, keys: Sequence[str]) -> Iterator[Json]:
    """Like `by_keys`, but with only a few documents in memory at a time."""
    for start in range(0, len(keys), FEW):
        yield from by_keys(session, list(keys[start : start + FEW]))


def by_keys(session: Session, keys: list[str]) -> list[Json]:
    """Return documents in the order of `keys`, without those that are not shown."""
    query = select(DocumentRow.key, DocumentRow.content).where(col(DocumentRow.key).in_(keys), *_shown())
    found = dict(session.exec(query).all())
    return [orjson.loads(content) for key in keys if (content := found.get(key))]


def cursor(session: Session, since: str) -> int:
    """Return the change number of a cursor `<epoch>.<change>`; `0` is the beginning. Raises `StartOver`, `Invalid`."""
    if since in ("", "0"):
        return 0
    at = state(session)
    epoch, _, number = since.rpartition(".")
    if not number.isascii() or not number.isdigit() or len(number) > 18:
        raise Invalid(Violation("since", "cursor", "must be 0 or a cursor from an earlier answer", since[:40]))
    if epoch != at.epoch or int(number) > at.change:
        raise StartOver("this cursor belongs to an earlier epoch of this channel: read again from since=0")
    return int(number)


def changes_page(session: Session, after: int, limit: int, most: int = MOST_BYTES) -> tuple[Sequence[Any], bool]:
    """Return rows of `CHANGES`, and whether more follow: at most `limit` and `most` bytes, but at least one if any."""
    statement = SIZES_OF_CHANGES[session.get_bind().dialect.name]
    sizes = session.connection().execute(statement, {"after": after, "limit": limit + 1}).all()
    count = taken([row.size for row in sizes[:limit]], most)
    return changes(session, after, count) if count else (), count < len(sizes)


def changes(session: Session, after: int, limit: int) -> Sequence[Any]:
    """Return rows of `CHANGES`: the newest state of every listed document that changed after `after`, in order."""
    return session.connection().execute(CHANGES, {"after": after, "limit": limit}).all()


def change_json(row: Any) -> str:
    """Return one change as JSON: the document, or a tombstone."""
    head = orjson.dumps({"change": row.change, "key": row.key, "version": row.version, "position": row.position})
    content = row.content if _visible(row) else "null"
    return f'{head.decode()[:-1]},"document":{content}}}'


def freshness(session: Session) -> Json:
    """Return the channel's position and the newest head it has applied up to."""
    return freshness_of(session.connection().execute(POSITION_AND_HEAD).one())


def freshness_of(at: Any) -> Json:
    """Like `freshness`, from a row of `POSITION_AND_HEAD`."""
    head = {"size": at.size, "root": at.root, "time": at.time, "checkpoint": at.checkpoint, "statement": at.statement}
    return {
        "position": at.position,
        "cursor": f"{at.epoch}.{at.change}",
        "head": None if at.size is None else head,
    }


def bucket(session: Session, kind: str, wanted: str) -> list[Json]:
    """Return key, version, position and content digest of every document in a bucket, in order of key."""
    here = (DocumentRow.kind == kind, col(DocumentRow.bucket).in_(in_buckets([wanted])))
    query = select(DocumentRow).where(*here).order_by(col(DocumentRow.key)).execution_options(yield_per=FEW)
    return [
        {"key": row.key, "version": row.version, "position": row.position, "content_digest": sha256_of(row.content)}
        for row in session.exec(query)
        if row.content is not None and bucket_of(row.key) == wanted
    ]


def counts(session: Session) -> dict[str, int]:
    """Return the number of shown documents per kind."""
    # A document without content has no digest either. There is an index of those that have one.
    shown = col(DocumentRow.content_digest).is_not(None)
    query = select(DocumentRow.kind, func.count()).where(shown).group_by(DocumentRow.kind)
    return dict(session.exec(query).all())


def news(session: Session, since: str, limit: int) -> list[Json]:
    """Return items and guides that people can see since `since`, newest first: key, version, name, starts_at."""
    starts_at = col(DocumentRow.starts_at)
    query = (
        select(DocumentRow)
        .where(col(DocumentRow.kind).in_(LISTED), starts_at >= since, *_shown())
        .order_by(starts_at.desc(), col(DocumentRow.change).desc())
        .limit(limit)
        .execution_options(yield_per=FEW)
    )
    return [
        {
            "key": row.key,
            "version": row.version,
            "name": orjson.loads(row.content or "{}").get("name", ""),
            "starts_at": row.starts_at,
        }
        for row in session.exec(query)
    ]


def ends(session: Session) -> dict[str, str]:
    """Return by key when shown items and guides stop being valid: they expire, or a later version begins."""
    return {row.key: row.moment for row in session.connection().execute(ENDS, {"now": _now()})}


def cases(session: Session, day: date) -> CaseCounts:
    """Count cases by their public state; `day` is a day in China."""
    counted = CASE_COUNTS[session.get_bind().dialect.name]
    row = session.connection().execute(counted, {"day": day.isoformat()}).one()
    return CaseCounts(row.accepted, row.open, row.finished)


def waiting(session: Session) -> int:
    """Return the number of versions that are not yet effective."""
    return session.exec(select(func.count()).select_from(ScheduledRow)).one()


def overdue_seconds(session: Session) -> float:
    """Return for how long the oldest version that should be in effect has not been shown; 0 if there is none."""
    now = datetime.now(UTC)
    due = session.connection().execute(OLDEST_OVERDUE, {"now": format_time(now)}).scalar()
    return (now - datetime.fromisoformat(due)).total_seconds() if due else 0.0


def canary_version(session: Session) -> int:
    """Return the version of the canary that this channel has applied; 0 before the first."""
    row = session.get(DocumentRow, CANARY)
    return row.version if row else 0


def parked(session: Session) -> list[Json]:
    """Return the parked entries with their reasons."""
    query = select(ParkedRow).order_by(col(ParkedRow.position))
    return [row.model_dump(exclude={"entry"}) for row in session.exec(query.execution_options(yield_per=FEW))]


def parked_entry(session: Session, position: int) -> Json | None:
    """Return a parked entry with its content; without its body if not everybody may read such bodies.

    A kind that this version does not know may not be public: its body is withheld too.
    """
    row = session.get(ParkedRow, position)
    if row is None:
        return None
    entry = orjson.loads(row.entry)
    known = KINDS.get(kind_of(row.key))
    withheld = known is None or not known.public
    return {
        **row.model_dump(exclude={"entry"}),
        "withheld": withheld,
        "entry": {**entry, "body": None} if withheld else entry,
        "shown": trace(session, row.key),
    }


def trace(session: Session, key: str) -> Json | None:
    """Return the stored row of a key without its content; None if there is none."""
    return next(iter(traces(session, [key])), None)


def traces(session: Session, keys: Sequence[str]) -> list[Json]:
    """Return the stored rows of keys without their content, in order of the keys."""
    rows = session.exec(select(DocumentRow).where(col(DocumentRow.key).in_(keys)).order_by(col(DocumentRow.key)))
    return [{**row.model_dump(exclude={"bucket", "content"}), "shown": _visible(row)} for row in rows]


def _visible(row: Any) -> bool:
    return row.content is not None and (row.expires_at is None or row.expires_at > _now())


def _shown() -> tuple[Any, ...]:
    expires = col(DocumentRow.expires_at)
    return col(DocumentRow.content).is_not(None), or_(expires.is_(None), expires > _now())


def _now() -> str:
    return format_time(datetime.now(UTC))

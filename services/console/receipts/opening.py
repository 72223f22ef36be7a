"""Opens receipts, in the transaction of the caller. A version has one receipt, whoever opens it first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import orjson
from sqlalchemy import tuple_
from sqlmodel import Session, col, select

from contracts.base import Json, format_time
from services.console.receipts.model import ReceiptRow, ReceiptVersionRow
from shared.database.engine import Database
from shared.errors import Conflict

LONGEST_TITLE, LONGEST_NAME = 200, 40


class ReceiptState(StrEnum):
    """How far a receipt is."""

    PLANNED = "planned"
    FOLLOWED = "followed"
    SHOWN = "shown"
    LATE = "late"
    REPLACED = "replaced"


TITLES: Mapping[str, str] = {
    ReceiptState.PLANNED: "未到时间",
    ReceiptState.FOLLOWED: "正在送达",
    ReceiptState.SHOWN: "已全部显示",
    ReceiptState.LATE: "未按时显示",
    ReceiptState.REPLACED: "已被取消或替换",
}
OPEN = (ReceiptState.PLANNED, ReceiptState.FOLLOWED, ReceiptState.LATE)


@dataclass(frozen=True, slots=True)
class Followed:
    """What is released: title for people, versions as `{key, version, op}`, from when they are to be shown.

    `origin`: the act of a set, which has one receipt. `released_at`: None for now.
    """

    title: str
    by: str
    due_at: str
    versions: list[Json]
    origin: str | None = None
    released_at: str | None = None


def open_receipt(session: Session, followed: Followed) -> ReceiptRow:
    """Begin to follow a release, or return the receipt that its feed has opened meanwhile, with this title and name."""
    row = opened(session, followed)
    if row is None:
        return add_receipt(session, followed)
    row.title, row.by = followed.title[:LONGEST_TITLE], followed.by[:LONGEST_NAME]
    session.add(row)
    session.flush()
    return row


def receipt_of(db: Database, followed: Followed) -> ReceiptRow:
    """Do so in a transaction of its own. The feed may open the receipt in the same moment: then it is read."""
    try:
        with db.write() as session:
            return open_receipt(session, followed)
    except Conflict:
        with db.write() as session:
            return open_receipt(session, followed)


def opened(session: Session, followed: Followed) -> ReceiptRow | None:
    """Return the receipt that a set, or one of these versions, has already."""
    if followed.origin is not None:
        return session.exec(select(ReceiptRow).where(ReceiptRow.origin == followed.origin)).first()
    for version in _versions_of(followed):
        known = session.get(ReceiptVersionRow, version)
        if known is not None:
            return session.get(ReceiptRow, known.receipt)
    return None


def add_missing(session: Session, several: Sequence[Followed]) -> None:
    """Add a receipt of everything that has none, in this order, with a few statements for all."""
    asked = tuple_(col(ReceiptVersionRow.key), col(ReceiptVersionRow.version))
    wanted = [version for one in several if one.origin is None for version in _versions_of(one)]
    known = set(session.exec(select(ReceiptVersionRow.key, ReceiptVersionRow.version).where(asked.in_(wanted))))

    def has_none(one: Followed) -> bool:
        return opened(session, one) is None if one.origin is not None else known.isdisjoint(_versions_of(one))

    new = [one for one in several if has_none(one)]
    rows = [_row(one) for one in new]
    session.add_all(rows)
    session.flush()
    for row, one in zip(rows, new, strict=True):
        # Members of a set may have been released, and followed, before.
        keep = session.add if one.origin is None else session.merge
        for key, version in _versions_of(one):
            keep(ReceiptVersionRow(key=key, version=version, receipt=row.id or 0))
    session.flush()


def add_receipt(session: Session, followed: Followed) -> ReceiptRow:
    """Add a receipt of what has none."""
    row = _row(followed)
    session.add(row)
    session.flush()
    for key, version in _versions_of(followed):
        session.merge(ReceiptVersionRow(key=key, version=version, receipt=row.id or 0))
    session.flush()
    return row


def _versions_of(followed: Followed) -> list[tuple[str, int]]:
    return [(one["key"], one["version"]) for one in followed.versions]


def _row(followed: Followed) -> ReceiptRow:
    now = format_time(datetime.now(UTC))
    released_at = followed.released_at or now
    versions = [{name: one[name] for name in ("key", "version", "op")} for one in followed.versions]
    return ReceiptRow(
        title=followed.title[:LONGEST_TITLE],
        by=followed.by[:LONGEST_NAME],
        released_at=released_at,
        due_at=max(followed.due_at, released_at),
        versions=orjson.dumps(versions).decode(),
        state=ReceiptState.PLANNED if followed.due_at > now else ReceiptState.FOLLOWED,
        places="{}",
        screens="{}",
        origin=followed.origin,
    )


def add_many(session: Session, source: str, count: int, newest: Json, since: str) -> ReceiptRow:
    """Add releases of an import to its receipt; a run of both sources and of many requests has one.

    `newest`: the newest release of the lane; `since`: a receipt with releases after it belongs to the same run.
    """
    query = select(ReceiptRow).where(col(ReceiptRow.many).is_not(None), col(ReceiptRow.newest_at) >= since)
    row = session.exec(query.order_by(col(ReceiptRow.id).desc()).limit(1)).first()
    version = {name: newest[name] for name in ("key", "version", "op")}
    if row is None:
        at = newest["released_at"]
        row = add_receipt(session, Followed("", "导入", at, [version], released_at=at))
    counts: dict[str, int] = orjson.loads(row.many or "{}")
    counts[source] = counts.get(source, 0) + count
    others = [one for one in orjson.loads(row.versions) if one["key"].partition(":")[0] != newest["kind"]]
    row.many, row.versions = orjson.dumps(counts).decode(), orjson.dumps([*others, version]).decode()
    row.title = f"导入：{sum(counts.values())} 项"
    row.newest_at, row.due_at = newest["released_at"], max(row.due_at, newest["released_at"])
    row.state, row.places, row.position, row.settled_at = ReceiptState.FOLLOWED, "{}", None, None
    session.add(row)
    session.flush()
    return row


def pieces(releases: Sequence[Json]) -> list[list[Json]]:
    """Return releases as receipts tell them: together what one transaction released for one time."""
    found: dict[tuple[str, str | None], list[Json]] = {}
    for one in releases:
        found.setdefault((one["released_at"], one["effective_at"]), []).append(one)
    return list(found.values())

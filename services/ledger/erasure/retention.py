"""Erase the bodies of a case's entries as the law requires; keep everything that proofs need.

Only bodies of applications can be erased: an item or a guide is an act that was published to everybody. An erased body
leaves an `ErasureRow` with time, reason and person; its entry keeps position, digest, leaf and signature.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Field, Session, col, select, update

from contracts.base import Json, format_time
from contracts.kinds import ERASABLE, Op, is_erasable, kind_of
from services.ledger.model import EntryRow, KeyRow, LedgerModel
from shared import log, metrics
from shared.audit.recording import AuditEntry, record
from shared.database import erasure
from shared.database.engine import Database
from shared.errors import Conflict, Invalid, NotFound, Violation
from shared.tokens.person import Actor

BATCH = 500
SUPERSEDED = "superseded by a newer version"
_log = log.get("retention")


class ErasureRow(LedgerModel, table=True):
    """When, why and by whom the body of an entry was erased."""

    __tablename__ = "erasure"

    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    erased_at: str = Field(max_length=27)
    reason: str = Field(max_length=200)
    erased_by: str = Field(max_length=100, description="Visible to services only.")


def erase(db: Database, key: str, reason: str, by: str, actor: Actor) -> int:
    """Erase every body of a case's key; return how many there were. Repeating it is no error.

    `by` is named with the erasure, `actor` in the audit log.
    Raises `Invalid` for a key that is not erasable, `NotFound`, and `Conflict` while the case is still shown.
    """
    if not is_erasable(kind_of(key)):
        raise Invalid(
            Violation("key", "erasable", f"only {', '.join(ERASABLE)} can be erased; everything else is public")
        )
    with db.write() as session:
        newest = session.get(KeyRow, key)
        if newest is None:
            raise NotFound("the ledger has no entry of this key")
        if newest.op != Op.WITHDRAW:
            raise Conflict("the case is still shown: withdraw it first, then erase it")
        query = select(EntryRow.position).where(EntryRow.key == key, col(EntryRow.body).is_not(None))
        positions = list(session.exec(query))
        _erase(db, session, positions, reason, by)
        record(session, actor, AuditEntry("erase_bodies", key, None, {"bodies": len(positions), "reason": reason}))
    # If the process dies here: the bodies are erased in the tables, but copies may remain in SQLite's journal.
    _finish(db, len(positions))
    return len(positions)


def compact(db: Database, older_than: timedelta, by: str, actor: Actor) -> int:
    """Erase the bodies of superseded versions of cases that were released longer than `older_than` ago; return how
    many.

    The newest versions stay, and so does each key's history without bodies. Each batch is a transaction of its own.
    """
    before = format_time(datetime.now(UTC) - older_than)
    erased = 0
    while True:
        with db.write() as session:
            query = (
                select(EntryRow.position)
                .join(KeyRow, col(KeyRow.key) == col(EntryRow.key))
                .where(
                    col(EntryRow.kind).in_(ERASABLE),
                    col(EntryRow.body).is_not(None),
                    col(EntryRow.version) < col(KeyRow.version),
                    col(EntryRow.released_at) < before,
                )
                .order_by(col(EntryRow.position))
                .limit(BATCH)
            )
            positions = list(session.exec(query))
            _erase(db, session, positions, SUPERSEDED, by)
            if positions:
                told = {"bodies": len(positions), "before": before}
                record(session, actor, AuditEntry("compact", "ledger:entries", None, told))
        _finish(db, len(positions))
        erased += len(positions)
        if len(positions) < BATCH:
            return erased


def erasures(session: Session, positions: Sequence[int], *, trusted: bool) -> dict[int, Json]:
    """Return when and why bodies at `positions` were erased, for those that were; by whom if `trusted`."""
    if not positions:
        return {}
    query = select(ErasureRow).where(col(ErasureRow.position).in_(positions))
    return {row.position: _told(row, trusted=trusted) for row in session.exec(query)}


def erasure_page(session: Session, after: int, limit: int) -> list[Json]:
    """Return erasures after position `after` in order, with the person who erased."""
    query = select(ErasureRow).where(col(ErasureRow.position) > after).order_by(col(ErasureRow.position)).limit(limit)
    return [{"position": row.position, **_told(row, trusted=True)} for row in session.exec(query)]


def _told(row: ErasureRow, *, trusted: bool) -> Json:
    told: dict[str, Any] = {"at": row.erased_at, "reason": row.reason}
    return told | ({"by": row.erased_by} if trusted else {})


def _erase(db: Database, session: Session, positions: Sequence[int], reason: str, by: str) -> None:
    if not positions:
        return
    erasure.overwrite(db, session)
    now = format_time(datetime.now(UTC))
    for start in range(0, len(positions), BATCH):
        some = positions[start : start + BATCH]
        session.exec(update(EntryRow).where(col(EntryRow.position).in_(some)).values(body=None))
    session.add_all(ErasureRow(position=at, erased_at=now, reason=reason, erased_by=by) for at in positions)


def _finish(db: Database, count: int) -> None:
    if count:
        erasure.empty_journal(db)
        metrics.erased.labels("ledger").inc(count)
        _log.info("bodies erased", count=count)

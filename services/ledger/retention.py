"""Erasure by law: the bodies of a case's entries go, everything that proofs need stays.

Only bodies of applications: an item or a guide is an act that was published to everybody. A body that is gone leaves an
`ErasureRow` with when, why and by whom; its entry keeps place, digest, leaf and signature.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Field, Session, col, select, update

from contracts.base import Json, format_time
from contracts.publication import Kind, Op
from services.ledger.model import EntryRow, KeyRow, LedgerModel
from shared import erasing, log, metrics
from shared.database import Database
from shared.errors import Conflict, Invalid, NotFound, Violation

BATCH = 500
SUPERSEDED = "superseded by a newer version"
_log = log.get("retention")


class ErasureRow(LedgerModel, table=True):
    """Why the body of an entry is gone."""

    __tablename__ = "erasure"

    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    erased_at: str = Field(max_length=27)
    reason: str = Field(max_length=200)
    erased_by: str = Field(max_length=100, description="Told to services only.")


def erase(db: Database, key: str, reason: str, by: str) -> int:
    """Erase every body of a case's key; how many there were. Repeating it is no error.

    Raises `Invalid` for what is no case, `NotFound`, and `Conflict` while the case is still shown.
    """
    if not key.startswith(f"{Kind.APPLICATION}:"):
        raise Invalid(Violation("key", "application", "only cases can be erased; items and guides are public acts"))
    with db.write() as session:
        newest = session.get(KeyRow, key)
        if newest is None:
            raise NotFound("the ledger has no entry of this key")
        if newest.op != Op.WITHDRAW:
            raise Conflict("the case is still shown: withdraw it first, then erase it")
        query = select(EntryRow.position).where(EntryRow.key == key, col(EntryRow.body).is_not(None))
        positions = list(session.exec(query))
        _erase(db, session, positions, reason, by)
    _finish(db, len(positions))
    return len(positions)


def compact(db: Database, older_than: timedelta, by: str) -> int:
    """Erase bodies of cases' versions that a newer one took the place of, released longer ago than that; how many.

    What is in force and the history of each key, version by version without bodies, stay.
    """
    before = format_time(datetime.now(UTC) - older_than)
    erased = 0
    while True:
        with db.write() as session:
            query = (
                select(EntryRow.position)
                .join(KeyRow, col(KeyRow.key) == col(EntryRow.key))
                .where(
                    EntryRow.kind == Kind.APPLICATION,
                    col(EntryRow.body).is_not(None),
                    col(EntryRow.version) < col(KeyRow.version),
                    col(EntryRow.released_at) < before,
                )
                .order_by(col(EntryRow.position))
                .limit(BATCH)
            )
            positions = list(session.exec(query))
            _erase(db, session, positions, SUPERSEDED, by)
        _finish(db, len(positions))
        erased += len(positions)
        if len(positions) < BATCH:
            return erased


def erasures(session: Session, positions: Sequence[int], *, trusted: bool) -> dict[int, Json]:
    """Of the entries at `positions` those whose bodies were erased: when and why; to a service also by whom."""
    if not positions:
        return {}
    query = select(ErasureRow).where(col(ErasureRow.position).in_(positions))
    return {row.position: _told(row, trusted=trusted) for row in session.exec(query)}


def erasure_page(session: Session, after: int, limit: int) -> list[Json]:
    """Erasures in order of position, with who did it."""
    query = select(ErasureRow).where(col(ErasureRow.position) > after).order_by(col(ErasureRow.position)).limit(limit)
    return [{"position": row.position, **_told(row, trusted=True)} for row in session.exec(query)]


def _told(row: ErasureRow, *, trusted: bool) -> Json:
    told: dict[str, Any] = {"at": row.erased_at, "reason": row.reason}
    return told | ({"by": row.erased_by} if trusted else {})


def _erase(db: Database, session: Session, positions: Sequence[int], reason: str, by: str) -> None:
    if not positions:
        return
    erasing.overwrite(db, session)
    now = format_time(datetime.now(UTC))
    for start in range(0, len(positions), BATCH):
        some = positions[start : start + BATCH]
        session.exec(update(EntryRow).where(col(EntryRow.position).in_(some)).values(body=None))
    session.add_all(ErasureRow(position=at, erased_at=now, reason=reason, erased_by=by) for at in positions)


def _finish(db: Database, count: int) -> None:
    if count:
        erasing.empty_journal(db)
        metrics.erased.labels("ledger").inc(count)
        _log.info("bodies erased", count=count)

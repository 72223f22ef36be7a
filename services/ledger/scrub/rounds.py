"""Rounds of the scrub: read every entry once per interval, a few at a time, and continue after a restart."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, func, select

from contracts.base import Json, format_time
from services.ledger import queries
from services.ledger.log.append import StoredTiles
from services.ledger.scrub.check import Damage, check_entries, check_tree
from services.ledger.scrub.model import LONGEST_DETAIL, ONLY, DamagedPart, DamageRow, ScrubRow, count_damaged
from services.ledger.scrub.repair import mend
from shared import log, metrics
from shared.database.engine import Database
from shared.errors import TongyuanError
from shared.feeds.upstream import SourceReader

STEP_SECONDS = 1.0
LEAST, MOST = 20, 200
"""Entries per step: at least LEAST, so that a short ledger is read soon.

At most MOST, so that no step delays others.
"""

MENDED_AT_ONCE = 20
RETRY = timedelta(seconds=30)
MOST_TOLD = 1000
_log = log.get("scrub")


class Scrub:
    """The scrub of one ledger, run by its sequencer. `interval`: seconds within which every entry is reread."""

    def __init__(self, db: Database, readers: Mapping[str, SourceReader], interval: float) -> None:
        self._db, self._readers, self._interval = db, readers, interval
        self._retry_at = datetime.min.replace(tzinfo=UTC)

    def step(self) -> int:
        """Read the next entries of the round, store the damage, repair what can be repaired; return how many were read.

        The round's position and the damage found are one transaction: if the process dies, a step is repeated, none is
        lost.
        """
        now = datetime.now(UTC)
        at, size = self._at(now)
        read = 0
        if at.position < size and not self._rests(at, now):
            last = min(size, at.position + self._share(size))
            with self._db.read() as session:
                found = check_entries(session, at.position + 1, last)
                if last == size and (damage := check_tree(session, StoredTiles(session))):
                    found.append(damage)
            read = last - at.position
            self._note(at, last, size, found, now)
            if found:
                self._retry_at = now
        if self._retry_at <= now:
            self._retry_at = now + RETRY
            self._mend(now)
        return read

    def _share(self, size: int) -> int:
        return max(LEAST, min(MOST, math.ceil(size * STEP_SECONDS / self._interval)))

    def _rests(self, at: ScrubRow, now: datetime) -> bool:
        """Return whether to wait: this round ended before its interval was over."""
        if at.position > 0 or at.finished_at is None:
            return False
        return now < datetime.fromisoformat(at.began_at) + timedelta(seconds=self._interval)

    def _at(self, now: datetime) -> tuple[ScrubRow, int]:
        with self._db.read() as session:
            at = session.get(ScrubRow, ONLY) or ScrubRow(position=0, began_at=format_time(now))
            size = queries.size(session)
        # A ledger restored from an older backup is shorter: begin a new round.
        return (at if at.position <= size else ScrubRow(position=0, began_at=format_time(now))), size

    def _note(self, at: ScrubRow, last: int, size: int, found: list[Damage], now: datetime) -> None:
        began = format_time(now) if at.position == 0 else at.began_at
        over = last == size
        row = ScrubRow(
            position=0 if over else last, began_at=began, finished_at=format_time(now) if over else at.finished_at
        )
        with self._db.write() as session:
            session.merge(row)
            for damage in found:
                known = session.get(DamageRow, (damage.position, str(damage.part)))
                if known is None or known.mended_at is not None:
                    _alarm(damage)
                    session.merge(_row(damage, now))
        _measure(self._db, last)

    def _mend(self, now: datetime) -> None:
        with self._db.read() as session:
            query = select(DamageRow).where(col(DamageRow.mended_at).is_(None)).order_by(col(DamageRow.position))
            rows = list(session.exec(query.limit(MENDED_AT_ONCE)))
        for row in rows:
            self._mend_one(row, now)
        if rows:
            _measure(self._db)

    def _mend_one(self, row: DamageRow, now: datetime) -> None:
        try:
            by = "it was corrected by another process"
            if self._still_damaged(row):
                by = (
                    "the source's release"
                    if row.part in (DamagedPart.BODY, DamagedPart.META)
                    else "the ledger's own data"
                )
                mend(self._db, self._readers, row)
                metrics.ledger_mended.labels(row.part).inc()
        except TongyuanError as error:
            row.problem = str(error)[:LONGEST_DETAIL]
            _log.error("damage not repaired", position=row.position, part=row.part, reason=row.problem)
        else:
            row.mended_at, row.problem = format_time(now), None
            _log.warning("damage repaired", position=row.position, part=row.part, by=by)
        with self._db.write() as session:
            session.merge(row)

    def _still_damaged(self, row: DamageRow) -> bool:
        with self._db.read() as session:
            if row.part == DamagedPart.TREE:
                return check_tree(session, StoredTiles(session)) is not None
            found = check_entries(session, row.position, row.position)
        return any(one.part == row.part for one in found) or row.part == DamagedPart.TILE


def told(session: Session) -> Json:
    """Return the round's position and the open damage, for services, `tongyuan doctor` and the auditor."""
    at = session.get(ScrubRow, ONLY)
    query = select(DamageRow).where(col(DamageRow.mended_at).is_(None)).order_by(col(DamageRow.position))
    mended = session.exec(select(func.count()).where(col(DamageRow.mended_at).is_not(None))).one()
    return {
        "position": at.position if at else 0,
        "began_at": at.began_at if at else None,
        "finished_at": at.finished_at if at else None,
        "size": queries.size(session),
        "mended": mended,
        "damaged": [row.model_dump(exclude={"mended_at"}) for row in session.exec(query.limit(MOST_TOLD))],
    }


def _row(damage: Damage, now: datetime) -> DamageRow:
    return DamageRow(
        position=damage.position,
        part=damage.part,
        key=damage.key,
        version=damage.version,
        detail=damage.detail[:LONGEST_DETAIL],
        found_at=format_time(now),
    )


def _alarm(damage: Damage) -> None:
    kind = damage.key.partition(":")[0]
    _log.critical(
        "damage found in the ledger", position=damage.position, part=damage.part, kind=kind, reason=damage.detail
    )


def _measure(db: Database, position: int | None = None) -> None:
    with db.read() as session:
        metrics.ledger_damaged.set(count_damaged(session))
        at = session.get(ScrubRow, ONLY)
    if position is not None:
        metrics.scrub_position.set(position)
    if at is not None and at.finished_at is not None:
        metrics.scrub_finished.set(datetime.fromisoformat(at.finished_at).timestamp())

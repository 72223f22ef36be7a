"""Up to which position of the ledger each screen had shown, and when: for what is asked of a day long ago.

A row is a span in which a screen reported without a gap: at each moment of it the screen showed at least `position`. A
new row begins when the position has changed, at most once a minute, and after a silence. A moment that no row covers is
unknown. Rows of more than ten years ago are removed when their screen begins another one.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy import Column as SqlColumn
from sqlmodel import Field as Column
from sqlmodel import Session

from contracts.base import Json, format_time
from services.channels.core.model import ChannelModel
from services.channels.kiosk.statements import (
    BEGIN_POSITION,
    END_POSITION,
    FORGET_POSITIONS,
    LAST_POSITION,
    POSITION_AT,
)
from shared.database.engine import Database

SHORTEST = timedelta(seconds=60)
"""A county with many cases moves on every few seconds; a row a report would be 30,000 a day for each screen."""

SILENT = timedelta(seconds=8)
"""Two reports of a screen are missing."""


KEPT = timedelta(days=3653)
"""Ten years, as the audit log."""


class ScreenPositionRow(ChannelModel, table=True):
    """A span of one screen. `until`: None while it lasts, which is until the screen was seen last."""

    __tablename__ = "screen_position"

    screen: str = Column(primary_key=True, max_length=40)
    since: str = Column(primary_key=True, max_length=27)
    until: str | None = Column(default=None, max_length=27)
    position: int = Column(sa_column=SqlColumn(BigInteger, nullable=False))


class ScreenHistory:
    """The spans of all screens."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def extend(self, session: Session, screen: str, position: int, now: datetime) -> None:
        """Add a report, in its transaction, before it is stored: the screen still tells when it was seen before."""
        connection, at = session.connection(), format_time(now)
        last = connection.execute(LAST_POSITION, {"screen": screen}).first()
        if last is not None and last.until is None:
            if last.seen_at is None or now - datetime.fromisoformat(last.seen_at) > SILENT:
                end = last.seen_at or last.since
            elif not _ends(last, position, now):
                return
            else:
                end = at
            connection.execute(END_POSITION, {"screen": screen, "since": last.since, "until": end})
        connection.execute(BEGIN_POSITION, {"screen": screen, "since": at, "position": position})
        connection.execute(FORGET_POSITIONS, {"screen": screen, "before": format_time(now - KEPT)})

    def at(self, screen: str, moment: datetime) -> Json:
        """Return `position`, `since` and `until` of the span that covers a moment; nulls: unknown."""
        rows = self._db.fetch(POSITION_AT, screen=screen, at=format_time(moment.astimezone(UTC)))
        found = {name: getattr(rows[0], name) if rows else None for name in ("position", "since", "until")}
        return {"screen": screen, "at": format_time(moment.astimezone(UTC)), **found}


def _ends(last: Any, position: int, now: datetime) -> bool:
    # Where a screen shows less than before, what the span says would not hold any more.
    is_short = now - datetime.fromisoformat(last.since) < SHORTEST
    return bool(position < last.position or (position > last.position and not is_short))

"""What the guides know of the items they belong to: the versions that count now or will count."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import orjson
from sqlalchemy import Column, MetaData, Text
from sqlmodel import Field, Session, SQLModel, col, select

from contracts.base import Json, format_time
from contracts.envelope.publication import Publication
from shared.feeds.upstream import KeyMark
from shared.publishing.editions.model import CODES_A_STATEMENT
from shared.transparency.timeline import EVER, Timed, in_force, planned


class GuidesModel(SQLModel):
    """Base of the tables that only guides has."""

    metadata = MetaData()


class SeenItemRow(GuidesModel, table=True):
    """The newest version of an item that was handled, and as JSON the versions that count now or will count."""

    __tablename__ = "seen_item"

    code: str = Field(primary_key=True, max_length=64)
    version: int
    versions: str = Field(sa_column=Column(Text, nullable=False))


def seen_items(session: Session, codes: Iterable[str]) -> dict[str, list[Timed]]:
    """Return the known versions of the items with these codes. Items of which nothing is known are omitted."""
    wanted = sorted(set(codes))
    found: dict[str, list[Timed]] = {}
    for start in range(0, len(wanted), CODES_A_STATEMENT):
        some = col(SeenItemRow.code).in_(wanted[start : start + CODES_A_STATEMENT])
        for row in session.exec(select(SeenItemRow).where(some).execution_options(populate_existing=True)):
            found[row.code] = [_read(one) for one in orjson.loads(row.versions)]
    return found


def as_stored(versions: Sequence[Timed], now: datetime) -> str:
    """Return, as JSON, those versions that count at `now` or later."""
    current = in_force(versions, now)
    return orjson.dumps([_written(one) for one in (current, *planned(versions, now)) if one]).decode()


def timed(version: Publication | KeyMark) -> Timed:
    """Return the times of an item's version. At once is from the beginning of time: it is recorded already."""
    start = version.effective_at
    return Timed(version.version, version.op, start or EVER, version.expires_at, start is not None)


def _written(one: Timed) -> Json:
    starts, ends = (format_time(time) if time else None for time in (one.starts if one.scheduled else None, one.ends))
    return {"version": one.version, "op": one.op, "effective_at": starts, "expires_at": ends}


def _read(stored: Json) -> Timed:
    return timed(KeyMark(key="", position=0, **stored))

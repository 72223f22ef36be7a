"""Read an audit log, newest first."""

from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import ColumnElement, SQLColumnExpression
from sqlmodel import Session, col, select

from contracts.base import Json, format_time
from shared.audit.model import AuditRow
from shared.audit.statements import FIRST_SINCE, HEAD


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows; None: any. `since` inclusive, `until` exclusive; all others are exact.

    `address`: from where the actor asked. `kind`: of the object, what stands before its colon.
    """

    actor: str | None = None
    action: str | None = None
    object: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    address: str | None = None
    kind: str | None = None


def head(session: Session) -> Json:
    """Return number, time and hash of the newest row; number 0 while there is none."""
    found = session.connection().execute(HEAD).one()
    return {"sequence": found.sequence, "at": found.at or None, "hash": found.hash}


def page(session: Session, wanted: AuditFilter, before: int | None, limit: int, *, with_changes: bool) -> list[Json]:
    """Return at most `limit` rows with numbers below `before` (None: from the newest), in descending order.

    `with_changes`: also the changed fields, which may quote drafts.
    """
    place = col(AuditRow.sequence)
    query = select(AuditRow).where(*_named(wanted)).order_by(place.desc()).limit(limit)
    if wanted.kind is not None:
        # The expression hides the column from the planner: the rows of a kind are many, so their order leads.
        query = query.where((col(AuditRow.object) + "").startswith(f"{wanted.kind}:", autoescape=True))
    if before is not None:
        query = query.where(place < before)
    # Times never decrease along the log, so a time is a number.
    if wanted.since is not None:
        first = _first_since(session, wanted.since)
        if first is None:
            return []
        query = query.where(place >= first)
    if wanted.until is not None:
        end = _first_since(session, wanted.until)
        query = query if end is None else query.where(place < end)
    return [_told(row, with_changes) for row in session.exec(query)]


def _named(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    """Return the conditions, arranged so that both databases use the index that leaves the fewest rows."""
    columns: list[tuple[SQLColumnExpression[str], str]] = [
        (col(column), value)
        for column, value in (
            (AuditRow.object, wanted.object),
            (AuditRow.actor, wanted.actor),
            (AuditRow.address, wanted.address),
            (AuditRow.action, wanted.action),
        )
        if value is not None
    ]
    if wanted.object is None:
        return [column == value for column, value in columns]
    # An object has few rows. An expression hides the other columns from the planner.
    return [column == value if not number else column + "" == value for number, (column, value) in enumerate(columns)]


def _first_since(session: Session, at: datetime) -> int | None:
    found = session.connection().execute(FIRST_SINCE, {"at": format_time(at)}).first()
    return None if found is None else int(found.sequence)


def _told(row: AuditRow, with_changes: bool) -> Json:
    told = {"sequence": row.sequence, "at": row.at, "hash": row.hash, **orjson.loads(row.document)}
    return {**told, "changes": orjson.loads(row.changes) if row.changes else []} if with_changes else told

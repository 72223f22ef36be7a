"""Ticket numbers called in the hall, set by a queue system and shown on the wall screen until they expire.

They are not part of the ledger: no digest, no change number, not in a backup's guarantees. The patterns allow nothing
personal: a ticket has at most two letters and four digits, and only the hall knows who holds it.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import orjson
from pydantic import Field, StringConstraints

from contracts.base import Contract, Json, format_time
from services.channels.core.model import ONLY
from services.channels.pages.statements import CALLS, SET_CALLS
from shared.database.engine import Database

Ticket = Annotated[str, StringConstraints(pattern=r"^[A-Z]{0,2}[0-9]{1,4}$")]
WindowNumber = Annotated[str, StringConstraints(pattern=r"^[A-Z]{0,2}[0-9]{1,3}$")]


class TicketCall(Contract):
    """One ticket called to one window."""

    ticket: Ticket = Field(title="号码", examples=["A032"])
    window: WindowNumber = Field(title="窗口号", examples=["A01"])


class Calls(Contract):
    """Everything called now, newest first; replaces what was set before."""

    calls: list[TicketCall] = Field(max_length=40)
    minutes: int = Field(
        default=5, ge=1, le=30, description="Minutes without an update after which the board is empty."
    )


def put(db: Database, calls: Calls) -> Json:
    """Store what is called now. Return the same as `get`."""
    now = datetime.now(UTC)
    row = {
        "id": ONLY,
        "calls": orjson.dumps(calls.model_dump()["calls"]).decode(),
        "called_at": format_time(now),
        "expires_at": format_time(now + timedelta(minutes=calls.minutes)),
    }
    with db.write() as session:
        session.connection().execute(SET_CALLS, row)
    return get(db)


def get(db: Database) -> Json:
    """Return `calls` and when they expire; an empty list if they have expired."""
    rows = db.fetch(CALLS, now=format_time(datetime.now(UTC)))
    if not rows:
        return {"calls": [], "called_at": None, "expires_at": None}
    return {"calls": orjson.loads(rows[0].calls), "called_at": rows[0].called_at, "expires_at": rows[0].expires_at}

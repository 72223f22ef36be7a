"""Called ticket numbers, for the hall's wall screen: told by a queue system, gone by themselves after minutes.

Beside the ledger and no part of it: no digest, no change, no backup's promise. The patterns leave no room for anything
personal: a ticket is two letters and four digits at most, and which person holds it is known in the hall only.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import orjson
from pydantic import Field, StringConstraints
from sqlalchemy import text

from contracts.base import Contract, Json, format_time
from services.channels.model import ONLY
from shared.database import Database

Ticket = Annotated[str, StringConstraints(pattern=r"^[A-Z]{0,2}[0-9]{1,4}$")]
WindowNumber = Annotated[str, StringConstraints(pattern=r"^[A-Z]{0,2}[0-9]{1,3}$")]

_PUT = text(
    "INSERT INTO called (id, calls, called_at, expires_at) VALUES (:id, :calls, :called_at, :expires_at) "
    "ON CONFLICT (id) DO UPDATE SET calls = excluded.calls, called_at = excluded.called_at, "
    "expires_at = excluded.expires_at"
)
_GET = text("SELECT calls, called_at, expires_at FROM called WHERE id = 1 AND expires_at > :now")


class Call(Contract):
    """One ticket at one window."""

    ticket: Ticket = Field(title="号码", examples=["A032"])
    window: WindowNumber = Field(title="窗口号", examples=["A01"])


class Calls(Contract):
    """Everything that is called now, newest first; it stands instead of what was told before."""

    calls: list[Call] = Field(max_length=40)
    minutes: int = Field(default=5, ge=1, le=30, description="After so many minutes without news the board is empty.")


def put(db: Database, calls: Calls) -> Json:
    """Keep what is called now; what `get` gives from then on."""
    now = datetime.now(UTC)
    row = {
        "id": ONLY,
        "calls": orjson.dumps(calls.model_dump()["calls"]).decode(),
        "called_at": format_time(now),
        "expires_at": format_time(now + timedelta(minutes=calls.minutes)),
    }
    with db.write() as session:
        session.connection().execute(_PUT, row)
    return get(db)


def get(db: Database) -> Json:
    """`calls`, and until when they hold; an empty list when nobody has called for a while."""
    rows = db.ask(_GET, now=format_time(datetime.now(UTC)))
    if not rows:
        return {"calls": [], "called_at": None, "expires_at": None}
    return {"calls": orjson.loads(rows[0].calls), "called_at": rows[0].called_at, "expires_at": rows[0].expires_at}

"""Rows of an audit log that tell of long ago, in a chain that is whole; the clock of the log cannot be set back."""

from collections.abc import Sequence

from sqlalchemy import text

from contracts.base import Json
from shared.audit.chain import GENESIS, row_hash
from shared.audit.statements import APPEND
from shared.database.engine import Database
from shared.transparency.canonical import canonical

ACTOR = {"name": "wu.min", "title": "吴敏", "is_person": True, "roles": ["editor"], "address": "10.0.0.7"}


def old_rows(db: Database, times: Sequence[str]) -> None:
    """Append a row for each of the times, in their order, to a log that is empty."""
    previous, rows = GENESIS, []
    for sequence, at in enumerate(times, start=1):
        named = {"action": "save", "object": f"item:{sequence}"}
        told: Json = {"actor": ACTOR, **named, "before": None, "after": None, "changes_digest": None, "trace_id": None}
        document = canonical(told).decode()
        previous = row_hash(previous, sequence, at, document)
        columns = {"actor": ACTOR["name"], "address": ACTOR["address"], "changes": None}
        rows.append({"sequence": sequence, "at": at, "document": document, "hash": previous, **named, **columns})
    with db.write() as session:
        connection = session.connection()
        connection.execute(APPEND, rows)
        head = {"sequence": len(rows), "at": times[-1], "hash": previous}
        connection.execute(text("UPDATE audit_head SET sequence = :sequence, at = :at, hash = :hash"), head)

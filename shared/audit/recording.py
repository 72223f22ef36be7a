"""Append to a store's audit log, in the transaction of what the rows tell."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from contracts.base import Json, format_time
from shared import trace
from shared.audit.chain import row_hash
from shared.audit.statements import APPEND, APPEND_ONE, SET_HASH, TAKE_NUMBERS
from shared.tokens.person import Actor
from shared.transparency.canonical import canonical, digest


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What was done to one object, such as `item:<实施编码>`.

    `before`, `after`: what identifies its states (revision, version, digests), never a whole body. `changes`: the
    fields that differ, see `shared.audit.differences`. Nothing in it may be personal: the log is kept for ever.
    """

    action: str
    object: str
    before: Json | None = None
    after: Json | None = None
    changes: Sequence[Json] = field(default=())


def record(session: Session, by: Actor, *entries: AuditEntry) -> None:
    """Append the entries. Call it last before the commit: it locks the log.

    If we die before the commit, neither the change nor its rows are stored; after it, both are.
    """
    if not entries:
        return
    at = format_time(datetime.now(UTC))
    actor, trace_id = _actor(by), trace.trace_id(trace.current())
    rows = [_row(one, by, at, actor, trace_id) for one in entries]
    connection = session.connection()
    if len(rows) == 1 and connection.dialect.name == "postgresql":
        # A release waits for one statement more, not for three.
        connection.execute(APPEND_ONE, rows[0])
        return
    head = connection.execute(TAKE_NUMBERS, {"count": len(rows), "at": at}).one()
    previous = head.hash
    for sequence, row in enumerate(rows, head.sequence - len(rows) + 1):
        previous = row_hash(previous, sequence, head.at, row["document"])
        row |= {"sequence": sequence, "at": head.at, "hash": previous}
    connection.execute(APPEND, rows)
    connection.execute(SET_HASH, {"hash": previous})


def _actor(by: Actor) -> Json:
    """Return the actor as rows show it: a person with the roles of that moment, or a machine."""
    person = by.person
    return {
        "name": by.name,
        "title": by.title,
        "is_person": person is not None,
        "roles": sorted(person.roles) if person else [],
        "address": by.address,
    }


def _row(entry: AuditEntry, by: Actor, at: str, actor: Json, trace_id: str | None) -> dict[str, Any]:
    changes = list(entry.changes)
    document = {
        "actor": actor,
        "action": entry.action,
        "object": entry.object,
        "before": entry.before,
        "after": entry.after,
        "changes_digest": digest(changes) if changes else None,
        "trace_id": trace_id,
    }
    named = {"actor": by.name, "action": entry.action, "object": entry.object, "address": by.address}
    apart = canonical(changes).decode() if changes else None
    return {"at": at, **named, "document": canonical(document).decode(), "changes": apart}

"""What operators do to a channel, in the audit log of its store."""

from contracts.base import Json
from shared.audit.recording import AuditEntry, record
from shared.database.engine import Database
from shared.tokens.person import Actor


def object_of(db: Database, part: str = "") -> str:
    """Return the object of a row: the channel, or a part of it such as the position of a parked entry."""
    return f"channel:{db.service}{'/' if part else ''}{part}"


def note(db: Database, by: Actor, action: str, after: Json | None) -> None:
    """Append a row in a transaction of its own, for acts that take several."""
    with db.write() as session:
        record(session, by, AuditEntry(action, object_of(db), None, after))

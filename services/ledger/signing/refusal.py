"""Report that the signer refuses: in the log, in a metric, and in a row that `tongyuan status` reads."""

from datetime import UTC, datetime

from sqlmodel import Session

from contracts.base import Json, format_time
from services.ledger.signing.records import ONLY, RefusalRow
from services.ledger.signing.signed_head_store import WouldFork
from shared import log, metrics
from shared.database.engine import Database

_log = log.get("signer")


def tell(db: Database, refusal: WouldFork) -> None:
    """Store and log the refusal once; the row remains until a head is signed again."""
    metrics.signer_refuses.set(1)
    with db.write() as session:
        row = session.get(RefusalRow, ONLY)
        now = format_time(datetime.now(UTC))
        said = RefusalRow(
            since=row.since if row else now,
            reason=refusal.reason,
            size=refusal.tree.size,
            root=refusal.tree.root.hex(),
        )
        if row is None or (row.reason, row.root) != (said.reason, said.root):
            _log.critical("signing refused: another history", reason=said.reason, size=said.size, root=said.root)
            session.merge(said)


def clear(session: Session) -> None:
    """Delete the refusal: a head is signed again."""
    metrics.signer_refuses.set(0)
    row = session.get(RefusalRow, ONLY)
    if row is not None:
        _log.warning("signing resumed", refused_since=row.since)
        session.delete(row)


def refusal(session: Session) -> Json | None:
    """Return since when and why nothing is signed, and the tree that an operator could accept.

    None if signing works.
    """
    row = session.get(RefusalRow, ONLY)
    return None if row is None else {"since": row.since, "reason": row.reason, "size": row.size, "root": row.root}

"""The newest row of an audit log, noted so that the next head statement contains it."""

from contracts.envelope.statement import AuditHead
from services.ledger.signing.records import SourceAuditRow
from shared import log
from shared.database.engine import Database

_log = log.get("ledger")


class NotedAuditHead:
    """What one source, or the desk, says of its audit log. For use by one thread at a time."""

    def __init__(self, db: Database, source: str) -> None:
        self._db, self._source = db, source
        self._noted: AuditHead | None = None

    def note(self, head: AuditHead | None) -> None:
        """Store the head if it is new. None: the source has no audit log yet; nothing is stored.

        A log that goes back has lost rows. It is noted all the same, because a restored backup does that: earlier
        signed statements still contain the newer row.
        """
        if head is None or head == self._noted:
            return
        # If the process dies before the commit: the next comparison notes it. Statements name the older row until then.
        with self._db.write() as session:
            row = session.get(SourceAuditRow, self._source)
            if row is not None and (row.sequence > head.sequence or _differs(row, head)):
                _log.critical("audit log went back", source=self._source, from_=row.sequence, to=head.sequence)
            session.merge(SourceAuditRow(source=self._source, sequence=head.sequence, hash=head.hash))
        self._noted = head


def _differs(row: SourceAuditRow, head: AuditHead) -> bool:
    return row.sequence == head.sequence and row.hash != head.hash

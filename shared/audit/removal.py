"""Removes the rows of an audit log that are older than ten years. The chain of the others stays verifiable.

Each step ends with a row that names the newest removed row and its hash: the anchor from which the check goes on
(`shared.audit.chain.faults`). That row is part of the chain, and the ledger signs the newest row, so nobody can name
another anchor later. Younger rows are refused by the triggers of `shared.audit.migration`, whatever is asked for here.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from contracts.base import format_time
from shared.audit.chain import REMOVED, YEARS_KEPT, years_before
from shared.audit.recording import AuditEntry, record
from shared.audit.statements import ALLOW_REMOVAL, REFUSE_REMOVAL, REMOVE, REMOVED_BY_STEP
from shared.database.engine import Database
from shared.tokens.person import SYSTEM, Actor

ROWS_A_STEP = 10_000
"""Rows of one transaction: the log is locked meanwhile, and every command of the service waits for it."""

EVERY_SECONDS = 3600.0


class AuditRemoval:
    """Removes what is too old from the log of one store. If the process dies between two steps, the next one goes on.

    `now` is a parameter for tests.
    """

    def __init__(
        self, db: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC), rows_a_step: int = ROWS_A_STEP
    ) -> None:
        self._db, self._now, self._rows = db, now, rows_a_step

    def run(self, by: Actor = SYSTEM) -> int:
        """Remove every row that is older than ten years; return how many there were."""
        removed = 0
        while step := self.step(by):
            removed += step
        return removed

    def step(self, by: Actor = SYSTEM) -> int:
        """Remove the oldest of them in one transaction, which also appends the row about it; return how many."""
        before = format_time(years_before(self._now(), YEARS_KEPT))
        with self._db.read() as session:
            found = session.connection().execute(REMOVED_BY_STEP, {"before": before, "most": self._rows}).one()
        if not found.rows:
            return 0
        # Nobody else removes rows in this store, and rows never change: what was read still holds. If we die before
        # the commit, nothing is removed and nothing is told.
        with self._db.write() as session:
            connection = session.connection()
            postgres = connection.dialect.name == "postgresql"
            if postgres:
                connection.execute(ALLOW_REMOVAL)
            gone = connection.execute(REMOVE, {"through": found.sequence}).rowcount
            if postgres:
                connection.execute(REFUSE_REMOVAL)
            if gone:
                told = {"through": found.sequence, "at": found.at, "hash": found.hash, "rows": gone}
                record(session, by, AuditEntry(REMOVED, "audit:log", None, told))
        return gone

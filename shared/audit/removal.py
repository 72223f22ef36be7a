"""Removes the rows of an audit log that are older than ten years. The chain of the others stays verifiable.

Each step ends with a row that names the newest removed row and its hash: the anchor from which the check goes on
(`shared.audit.chain.faults`). That row is part of the chain, and the ledger signs the newest row, so nobody can name
another anchor later. Younger rows are refused by the triggers of `shared.audit.migration`, whatever is asked for here.

Triggers and this module believe the clock. So that a clock which is set years ahead does not empty the log at once, a
round goes at most one day further than the oldest row; that is still a day an hour, and a county writes a day a day.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from contracts.base import format_time
from shared import log
from shared.audit.chain import REMOVED, YEARS_KEPT, years_before
from shared.audit.recording import AuditEntry, record
from shared.audit.statements import ALLOW_REMOVAL, OLDEST, REFUSE_REMOVAL, REMOVE, REMOVED_BY_STEP
from shared.database.engine import Database
from shared.tokens.person import SYSTEM, Actor

ROWS_A_STEP = 10_000
"""Rows of one transaction: the log is locked meanwhile, and every command of the service waits for it."""

EVERY_SECONDS = 3600.0

ROUND = timedelta(days=1)
"""How much of the log one round removes at most, by the times of its rows."""

UNUSUAL = timedelta(days=31)
"""Rows that are older than ten years by so much are a long rest, or a wrong clock: that is logged."""

_log = log.get("audit")


class AuditRemoval:
    """Removes what is too old from the log of one store. If the process dies between two steps, the next one goes on.

    `now` is a parameter for tests.
    """

    def __init__(
        self, db: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC), rows_a_step: int = ROWS_A_STEP
    ) -> None:
        self._db, self._now, self._rows = db, now, rows_a_step

    def run(self, by: Actor = SYSTEM) -> int:
        """Make a round: remove what is older than ten years, at most a day of the log; return how many rows."""
        removed, before = 0, self._round_end()
        while before and (step := self.step(before, by)):
            removed += step
        return removed

    def _round_end(self) -> str | None:
        """Return the time before which rows are removed in this round; None if none is old enough."""
        limit = years_before(self._now(), YEARS_KEPT)
        with self._db.read() as session:
            oldest = session.connection().execute(OLDEST).scalar()
        if oldest is None or oldest >= format_time(limit):
            return None
        begin = datetime.fromisoformat(oldest)
        if limit - begin > UNUSUAL:
            _log.warning("audit rows far too old: is the clock right?", oldest=oldest, service=self._db.service)
        return format_time(min(limit, begin + ROUND))

    def step(self, before: str, by: Actor = SYSTEM) -> int:
        """Remove the oldest rows before a time in one transaction, which also appends the row about it."""
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

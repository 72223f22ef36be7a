"""The alarm for webhooks that stand still: nothing was delivered for a while although something is due.

Metric and log line come within a minute of the event, whatever the reason: a receiver that is down, a pause, a sender
that does not run. The watch is a thread of its own, so that it sees a sender that hangs.
"""

from datetime import UTC, datetime, timedelta

from contracts.base import format_time
from services.subscriptions.statements import STANDING, STATES
from shared import log, metrics
from shared.database.engine import Database

STILL = timedelta(seconds=30)
LOOK_SECONDS = 10.0
SHOWN = 20
_log = log.get("webhooks")


class StandstillWatch:
    """Looks at all webhooks. `still`: how long something may be due."""

    def __init__(self, db: Database, still: timedelta = STILL) -> None:
        self._db, self._still = db, still
        self._standing: set[str] = set()

    def look(self) -> None:
        """Set the metrics; log each webhook once when it begins to stand still, and once when it goes on."""
        now = datetime.now(UTC)
        rows = self._db.fetch(STANDING, before=format_time(now - self._still))
        standing = {row.id for row in rows}
        oldest = min((datetime.fromisoformat(row.since) for row in rows), default=now)
        metrics.webhooks_standing.set(len(rows))
        metrics.webhook_oldest.set((now - oldest).total_seconds())
        for row in [row for row in rows if row.id not in self._standing][:SHOWN]:
            _log.error("a webhook stands still", subscription=row.id, since=row.since, waiting=row.waiting)
        for gone in sorted(self._standing - standing)[:SHOWN]:
            _log.info("a webhook goes on", subscription=gone)
        self._standing = standing
        counts = {row.state: row.count for row in self._db.fetch(STATES)}
        for state in ("active", "paused", "revoked"):
            metrics.webhooks.labels(state).set(counts.get(state, 0))

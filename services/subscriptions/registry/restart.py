"""Begin the log anew, after the ledger was restored from a backup or by an operator's decision."""

from services.subscriptions.log.store import LogStore
from shared import metrics
from shared.audit.recording import AuditEntry, record
from shared.tokens.person import Actor


class Restart:
    """Every cursor is of another epoch afterwards, so every reader is told to start from the snapshot."""

    def __init__(self, log: LogStore) -> None:
        self._log = log

    def restart(self, reason: str, by: Actor) -> str:
        """Forget events and deliveries; return the new epoch. Webhooks get everything that they want once more."""
        before = self._log.state()
        with self._log.db.write() as session:
            epoch = self._log.forget(session)
            change = {"epoch": epoch, "reason": reason}
            was = {"epoch": before.epoch, "position": before.position}
            record(session, by, AuditEntry("subscription.restart", "subscriptions:log", was, change))
            self._log.db.notifier.notify(session)
        metrics.subscription_log_halted.set(0)
        return epoch

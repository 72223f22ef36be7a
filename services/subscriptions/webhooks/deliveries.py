"""The delivery log of a webhook, redelivery, and the test event."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from contracts.base import Json, format_time
from services.subscriptions.log.store import Appending, LogStore
from services.subscriptions.model import DeliveryKind, SubscriptionRow, SubscriptionState
from services.subscriptions.registry.requests import Redelivery
from services.subscriptions.statements import ATTEMPTS, DELIVERIES, MORE_OPEN, REOPEN
from shared.audit.recording import AuditEntry, record
from shared.errors import Conflict, Invalid, NotFound, Violation
from shared.tokens.person import Actor

LONGEST_RANGE = 100_000
END = 2**62


class DeliveryLog:
    """Reads what was sent and how it was answered; sends it again."""

    def __init__(self, log: LogStore) -> None:
        self._log, self._db = log, log.db

    def page(self, subscription: str, state: str, before: int | None, limit: int) -> Json:
        """Return deliveries, newest event first. `next` is null on the last page."""
        self._webhook(subscription)
        asked = {"subscription": subscription, "state": state, "before": before or END, "limit": limit + 1}
        rows = self._db.fetch(DELIVERIES, **asked)
        shown = [_delivery(row) for row in rows[:limit]]
        return {"deliveries": shown, "next": shown[-1]["position"] if len(rows) > limit else None}

    def calls(self, subscription: str, position: int) -> Json:
        """Return the calls of one delivery, oldest first, each with request and answer while they are kept."""
        self._webhook(subscription)
        rows: Sequence[Any] = self._db.fetch(ATTEMPTS, subscription=subscription, position=position)
        names = ("at", "milliseconds", "status", "problem", "request", "answer")
        return {"position": position, "calls": [{name: getattr(row, name) for name in names} for row in rows]}

    def redeliver(self, subscription: str, wanted: Redelivery, by: Actor) -> Json:
        """Open ended deliveries again; return how many. Receivers know repeats by `webhook-id`."""
        if not wanted.first <= wanted.last <= wanted.first + LONGEST_RANGE:
            message = f"应在 first 之后，最多 {LONGEST_RANGE} 个位置 (must follow first, by at most {LONGEST_RANGE})"
            raise Invalid(Violation("last", "range", message))
        self._webhook(subscription)
        now = format_time(datetime.now(UTC))
        place = {"subscription": subscription, "first": wanted.first, "last": wanted.last, "now": now}
        with self._db.write() as session:
            connection = session.connection()
            opened = connection.execute(REOPEN, {**place, "everything": int(wanted.everything)}).all()
            connection.execute(MORE_OPEN, {"more": len(opened), "id": subscription})
            after: Json = {"first": wanted.first, "last": wanted.last, "opened": len(opened)}
            record(session, by, AuditEntry("subscription.redeliver", f"subscription:{subscription}", after=after))
            self._db.notifier.notify(session)
        return {"opened": len(opened)}

    def test(self, subscription: str, by: Actor) -> Json:
        """Append a test event for this subscription; it comes by feed and webhook like any other."""
        self._subscription(subscription)
        now = format_time(datetime.now(UTC))
        with self._db.write() as session:
            log = Appending(self._db, session)
            position = log.own("test", subscription, now, {})
            log.close()
            record(
                session,
                by,
                AuditEntry("subscription.test", f"subscription:{subscription}", after={"position": position}),
            )
        return {"position": position}

    def _webhook(self, subscription: str) -> None:
        if self._subscription(subscription).delivery != DeliveryKind.WEBHOOK:
            raise Conflict(
                "这个订阅不是 webhook，没有投递记录；队列用 replay "
                "(this subscription is no webhook and has no deliveries; a queue has `replay`)"
            )

    def _subscription(self, subscription: str) -> SubscriptionRow:
        with self._db.read() as session:
            row = session.get(SubscriptionRow, subscription)
        if row is None or row.state == SubscriptionState.REVOKED:
            raise NotFound("没有这个订阅，或已撤销 (there is no such subscription, or no longer)")
        return row


def _delivery(row: Any) -> Json:
    names = ("position", "id", "type", "key", "state", "attempts", "next_at", "created_at", "done_at")
    return {name: getattr(row, name) for name in names}

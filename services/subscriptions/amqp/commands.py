"""What operators note about a subscription's queue. Queue and account themselves are made at the broker, by them."""

from sqlmodel import Session

from contracts.base import Json
from services.subscriptions.model import DeliveryKind, SubscriptionRow, SubscriptionState
from services.subscriptions.registry.requests import Replay
from services.subscriptions.registry.store import WITHOUT_QUEUE, Registry
from shared.errors import Conflict, Invalid, Violation
from shared.tokens.person import Actor


class QueueCommands:
    """Changes of subscriptions with a queue. Raises `NotFound`, and `Conflict` for one without or a revoked one."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def note_account(self, subscription: str, by: Actor) -> Json:
        """Note that queue and account are there, with a new password. A new subscription is fed from now on."""

        def apply(_session: Session, row: SubscriptionRow) -> None:
            _require_queue(row)
            # What an operator has paused stays paused.
            if row.reason == WITHOUT_QUEUE:
                row.state, row.reason = SubscriptionState.ACTIVE, None

        return self._registry.changed(subscription, "subscription.account", apply, by)

    def replay(self, subscription: str, wanted: Replay, by: Actor) -> Json:
        """Send all events after a position again, in order. Raises `Invalid` for one that the queue has not had."""

        def apply(_session: Session, row: SubscriptionRow) -> None:
            _require_queue(row)
            if wanted.after > row.queued:
                message = f"应为 0 到 {row.queued} (must be 0 to {row.queued}: nothing after it was sent)"
                raise Invalid(Violation("after", "position", message, str(wanted.after)))
            row.queued = wanted.after

        return self._registry.changed(subscription, "subscription.replay", apply, by)


def _require_queue(row: SubscriptionRow) -> None:
    if row.delivery != DeliveryKind.AMQP:
        raise Conflict("这个订阅没有队列 (this subscription has no queue)")

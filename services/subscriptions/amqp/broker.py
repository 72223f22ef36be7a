"""The broker as subscriptions may use it: write to one exchange, and ask how full a queue is. It makes no queue."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from contracts.topology import INTEGRATORS_EXCHANGE
from shared.config import Settings
from shared.messaging.delivery import Publisher
from shared.messaging.publisher import AmqpPublisher
from shared.messaging.queue_depths import QueueDepths


class PumpedPublisher(Publisher, Protocol):
    """A publisher that answers heartbeats while there is nothing to send."""

    def pump(self) -> None:
        """Answer heartbeats; never blocks, never raises."""


@dataclass(frozen=True)
class Broker:
    """Makes the connections of a thread. Nothing here connects before it is used."""

    publisher: Callable[[], PumpedPublisher]
    depths: Callable[[str], QueueDepths]
    """By the name of the connection."""


def broker_of(settings: Settings) -> Broker | None:
    """Return the broker; None without one, where AMQP cannot be subscribed to."""
    url, tls = settings.amqp_url, settings.tls
    if url is None:
        return None
    name = "tongyuan.subscriptions-feeder"
    return Broker(
        lambda: AmqpPublisher(url, INTEGRATORS_EXCHANGE, connection_name=name, tls=tls),
        lambda purpose: QueueDepths(url, f"tongyuan.subscriptions-{purpose}", tls),
    )

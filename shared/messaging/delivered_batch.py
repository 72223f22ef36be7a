"""A batch that py-amqp delivered on one channel: decoded to messages, and settled as a whole."""

from collections.abc import Sequence
from typing import Any

import structlog
from amqp.exceptions import AMQPError
from prometheus_client import Counter

from shared.messaging.delivery import Message, Refusal
from shared.messaging.publisher import SEQUENCE_HEADER

BATCHES = Counter("tongyuan_consumer_batches_total", "Batches that a handler processed.", ["queue"])
MESSAGES = Counter("tongyuan_consumer_messages_total", "Messages by outcome.", ["queue", "outcome"])

_log = structlog.get_logger(__name__)


class DeliveredBatch:
    """Unsettled deliveries of one queue, in order; their channel has no older unsettled ones."""

    def __init__(self, queue: str, deliveries: Sequence[Any]) -> None:
        self.queue = queue
        self.messages = [as_message(delivery) for delivery in deliveries]
        self._channel = deliveries[0].channel
        self._tags = [delivery.delivery_tag for delivery in deliveries]

    @property
    def is_alive(self) -> bool:
        """Whether it can still be settled. If not, the broker delivers it again."""
        return is_alive(self._channel)

    def settle(self, refusals: Sequence[Refusal]) -> None:
        """Reject the refused messages one by one, then acknowledge all the others at once.

        A connection that breaks meanwhile is no error: the broker delivers again what was not settled.
        """
        reasons = {refusal.index: refusal.reason for refusal in refusals}
        accepted = [tag for index, tag in enumerate(self._tags) if index not in reasons]
        BATCHES.labels(self.queue).inc()
        try:
            # If we die from here on, the broker delivers again whatever is not settled yet.
            for index, reason in sorted(reasons.items()):
                self._reject(index, reason)
            if accepted:
                self._channel.basic_ack(accepted[-1], multiple=True)
        except (AMQPError, OSError, AttributeError) as error:
            # py-amqp raises AttributeError on a connection that has been closed meanwhile.
            _log.warning("delivery.unsettled", queue=self.queue, count=len(self._tags), reason=repr(error))
            self._hang_up()
        else:
            MESSAGES.labels(self.queue, "refused").inc(len(reasons))
            MESSAGES.labels(self.queue, "acked").inc(len(accepted))

    def _reject(self, index: int, reason: str) -> None:
        name = self.messages[index].message_id
        _log.error("delivery.refused", queue=self.queue, message_id=name, reason=reason)
        self._channel.basic_reject(self._tags[index], requeue=False)

    def _hang_up(self) -> None:
        # A later multiple acknowledgement on this channel would cover the messages that are not settled now.
        if self.is_alive:
            self._channel.connection.transport.close()


def is_alive(channel: Any) -> bool:
    """Whether this py-amqp channel still belongs to an open connection; kombu may have reconnected unnoticed."""
    return bool(channel.connection is not None and channel.connection.connected)


def as_message(delivery: Any) -> Message:
    """Return the delivery as a message with its raw bytes. Headers that are neither text nor integers are dropped."""
    carried = delivery.properties.get("application_headers") or {}
    headers = {name: value for name, value in carried.items() if isinstance(value, str | int)}
    sequence = headers.pop(SEQUENCE_HEADER, 0)
    return Message(
        body=delivery.body or b"",
        routing_key=delivery.delivery_info["routing_key"],
        message_id=str(delivery.properties.get("message_id", "")),
        sequence=sequence if isinstance(sequence, int) else 0,
        headers=headers,
    )

"""Reads how many messages and consumers a queue has. A passive declaration needs no right and changes nothing."""

from dataclasses import dataclass

from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import AMQPError, ChannelClosedByBroker

from shared.errors import UpstreamDown
from shared.messaging.pika_parameters import pika_parameters
from shared.security.tls import Tls

TIMEOUT_SECONDS = 5.0
HEARTBEAT_SECONDS = 10
NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Depth:
    """`messages`: ready to be delivered, without those that a consumer has and did not acknowledge."""

    messages: int
    consumers: int

    def is_full(self, most: int) -> bool:
        """Whether so little room is left of `most` messages, a quarter at most, that filling it waits."""
        return self.messages >= most - most // 4


class QueueDepths:
    """Asks over a connection of its own, which is made when it is needed. Not thread-safe."""

    def __init__(self, url: str, connection_name: str, tls: Tls | None = None) -> None:
        self._parameters = pika_parameters(url, connection_name, TIMEOUT_SECONDS, tls)
        self._parameters.heartbeat = HEARTBEAT_SECONDS
        self._parameters.connection_attempts = 1
        self._connection: BlockingConnection | None = None
        self._channel: BlockingChannel | None = None

    def depth(self, queue: str) -> Depth | None:
        """Return the depth; None if there is no such queue. Raises `UpstreamDown`."""
        fresh = self._connection is None
        try:
            return self._ask(queue)
        except (AMQPError, OSError) as error:
            self.close()
            if fresh:
                raise UpstreamDown(f"the broker does not say how full {queue} is: {error!r}") from error
        # A connection that was idle has died, because nobody answered its heartbeats meanwhile.
        return self.depth(queue)

    def close(self) -> None:
        """Close the connection. The next question makes another one."""
        connection, self._connection, self._channel = self._connection, None, None
        try:
            if connection is not None and connection.is_open:
                connection.close()
        except (AMQPError, OSError):
            pass

    def _ask(self, queue: str) -> Depth | None:
        if self._connection is None:
            self._connection = BlockingConnection(self._parameters)
        if self._channel is None or not self._channel.is_open:
            self._channel = self._connection.channel()
        try:
            found = self._channel.queue_declare(queue, passive=True).method
        except ChannelClosedByBroker as error:
            if error.reply_code != NOT_FOUND:
                raise
            return None
        return Depth(found.message_count, found.consumer_count)

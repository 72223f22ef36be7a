"""Counts dead letters and consumers on the consumer's own connection, so that operators see them in the metrics."""

import time
from collections.abc import Sequence
from typing import Any

from amqp.exceptions import AMQPError, NotFound

from contracts.topology import dead_queue
from shared import log, metrics

EVERY_SECONDS = 10.0
_log = log.get("census")


class DeadLetterCensus:
    """Counts the dead letters of some queues, and the consumers and messages of all `watched` ones.

    It counts every `EVERY_SECONDS`, and belongs to one connection and its greenlet. A worker that has lost its consumer
    cannot be trusted to say so: every worker watches the queues of all.
    """

    def __init__(self, connection: Any, queues: Sequence[str], watched: Sequence[str] = ()) -> None:
        self._connection, self._channel = connection, connection.channel()
        self._queues, self._watched = queues, watched
        self._next = 0.0

    def count(self) -> None:
        """Count if it is time. A passive declaration needs no right and changes nothing."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY_SECONDS
        try:
            for queue in self._queues:
                if (found := self._declared(dead_queue(queue))) is not None:
                    metrics.dead_letters.labels(queue).set(found.message_count)
            for queue in self._watched:
                found = self._declared(queue)
                metrics.queue_messages.labels(queue).set(found.message_count if found else 0)
                metrics.queue_consumers.labels(queue).set(found.consumer_count if found else 0)
        except AMQPError as error:
            # The error closed the connection; the next one counts again.
            _log.warning("dead letters not counted", reason=repr(error))
            self._next = float("inf")

    def _declared(self, queue: str) -> Any:
        """Return what the broker says of a queue; None if there is none, which closes the channel."""
        try:
            return self._channel.queue_declare(queue, passive=True)
        except NotFound as error:
            _log.warning("queue not found", queue=queue, reason=str(error))
            self._channel = self._connection.channel()
            return None

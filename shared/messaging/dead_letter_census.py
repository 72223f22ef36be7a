"""Counts dead letters on the consumer's own connection, so that operators see them in the metrics."""

import time
from collections.abc import Sequence
from typing import Any

from amqp.exceptions import AMQPError

from contracts.topology import dead_queue
from shared import log, metrics

EVERY_SECONDS = 10.0
_log = log.get("census")


class DeadLetterCensus:
    """Counts the dead letters of some queues every `EVERY_SECONDS`. Belongs to one connection and its greenlet."""

    def __init__(self, connection: Any, queues: Sequence[str]) -> None:
        self._channel = connection.channel()
        self._queues = queues
        self._next = 0.0

    def count(self) -> None:
        """Count if it is time. A passive declaration needs no right and changes nothing."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY_SECONDS
        try:
            for queue in self._queues:
                found = self._channel.queue_declare(dead_queue(queue), passive=True)
                metrics.dead_letters.labels(queue).set(found.message_count)
        except AMQPError as error:
            # The error closed the channel; the next connection counts again.
            _log.warning("dead letters not counted", reason=repr(error))
            self._next = float("inf")

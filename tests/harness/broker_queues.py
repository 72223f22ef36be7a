"""A look into the broker's queues for tests, and messages that no publisher of ours would send."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection

from contracts.topology import dead_queue


@contextmanager
def channel(url: str) -> Iterator[BlockingChannel]:
    """A channel of a connection of its own."""
    connection = BlockingConnection(pika.URLParameters(url))
    try:
        yield connection.channel()
    finally:
        if connection.is_open:
            connection.close()


def ready(url: str, queue: str) -> int:
    """Number of messages that wait in the queue, without those on their way to a consumer."""
    with channel(url) as opened:
        return int(opened.queue_declare(queue, passive=True).method.message_count)


def consumers(url: str, queue: str) -> int:
    """Number of consumers that the queue has."""
    with channel(url) as opened:
        return int(opened.queue_declare(queue, passive=True).method.consumer_count)


def drain(url: str, queue: str) -> list[str]:
    """Take all that waits out of the queue; the message ids. Nobody else may consume from it now."""
    found: list[str] = []
    with channel(url) as opened:
        # Consumed, not got: a queue with a single active consumer refuses basic.get.
        for method, properties, _body in opened.consume(queue, inactivity_timeout=1):
            if method is None:
                if opened.queue_declare(queue, passive=True).method.message_count == 0:
                    break
                continue
            found.append(str(properties.message_id))
            opened.basic_ack(method.delivery_tag)
    return found


def dead_letters(url: str, queue: str) -> list[tuple[str, bytes]]:
    """Message id and body of all that lies in the queue's dead-letter queue; it stays there."""
    found: list[tuple[str, bytes]] = []
    with channel(url) as opened:
        while True:
            method, properties, body = opened.basic_get(dead_queue(queue))
            if method is None:
                return found
            found.append((str(properties.message_id), body))


def publish_raw(url: str, exchange: str, body: bytes, **properties: Any) -> None:
    """Send what no publisher of ours would send; confirmed."""
    with channel(url) as opened:
        opened.confirm_delivery()
        opened.basic_publish(exchange, "raw", body, pika.BasicProperties(**properties), mandatory=True)

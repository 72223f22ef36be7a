"""Inspects the broker's queues for tests, and sends messages that no publisher of ours would send."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection

from contracts.topology import dead_queue


@contextmanager
def channel(url: str) -> Iterator[BlockingChannel]:
    """Open a channel on its own connection."""
    connection = BlockingConnection(pika.URLParameters(url))
    try:
        yield connection.channel()
    finally:
        if connection.is_open:
            connection.close()


def ready(url: str, queue: str) -> int:
    """Return the number of waiting messages, without those being delivered to a consumer."""
    with channel(url) as opened:
        return int(opened.queue_declare(queue, passive=True).method.message_count)


def consumers(url: str, queue: str) -> int:
    """Return the number of the queue's consumers."""
    with channel(url) as opened:
        return int(opened.queue_declare(queue, passive=True).method.consumer_count)


def drain(url: str, queue: str) -> list[str]:
    """Take all waiting messages from the queue and return their ids. There must be no other consumer."""
    found: list[str] = []
    with channel(url) as opened:
        # basic.consume, because a queue with a single active consumer refuses basic.get.
        for method, properties, _body in opened.consume(queue, inactivity_timeout=1):
            if method is None:
                if opened.queue_declare(queue, passive=True).method.message_count == 0:
                    break
                continue
            found.append(str(properties.message_id))
            opened.basic_ack(method.delivery_tag)
    return found


def dead_letters(url: str, queue: str) -> list[tuple[str, bytes]]:
    """Return message id and body of everything in the queue's dead-letter queue, without removing it."""
    found: list[tuple[str, bytes]] = []
    with channel(url) as opened:
        while True:
            method, properties, body = opened.basic_get(dead_queue(queue))
            if method is None:
                return found
            found.append((str(properties.message_id), body))


def publish_raw(url: str, exchange: str, body: bytes, routing_key: str = "raw", **properties: Any) -> None:
    """Send a message that no publisher of ours would send, with confirmation."""
    with channel(url) as opened:
        opened.confirm_delivery()
        opened.basic_publish(exchange, routing_key, body, pika.BasicProperties(**properties), mandatory=True)

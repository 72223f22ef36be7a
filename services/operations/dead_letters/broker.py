"""Dead letters at the broker: list, replay or drop them, with an operator's account."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError, ChannelClosedByBroker

from contracts.topology import RETIRED_QUEUES, dead_queue
from services.operations.dead_letters.redaction import redacted, refusal_reason
from services.runtime.manifests import topology
from shared.config import Settings, SettingsError
from shared.errors import NotFound, Unavailable
from shared.messaging.delivery import Message
from shared.messaging.pika_parameters import pika_parameters

MOST = 1000
TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Letter:
    """One message that is in a dead-letter queue. `number` counts from 1, oldest first."""

    queue: str
    number: int
    tag: int
    properties: pika.BasicProperties
    body: bytes

    def facts(self) -> dict[str, str]:
        """Return the letter as a row of the list."""
        since = self._death.get("time")
        return {
            "place": f"{self.queue}/{self.number}",
            "what": self.properties.message_id or "unnamed message",
            "since": since.isoformat() if isinstance(since, datetime) else "",
            "reason": refusal_reason(self.queue, self._message) or str(self._death.get("reason", "rejected")),
        }

    def contents(self) -> dict[str, Any]:
        """Return the row and the content, as far as it may be shown."""
        return {**self.facts(), "routing_key": self.routing_key, **redacted(self.queue, self.body)}

    @property
    def routing_key(self) -> str:
        """The routing key with which the message was sent."""
        keys = self._death.get("routing-keys") or [""]
        return str(keys[0])

    @property
    def _death(self) -> dict[str, Any]:
        deaths: list[dict[str, Any]] = (self.properties.headers or {}).get("x-death") or [{}]
        return deaths[0]

    @property
    def _message(self) -> Message:
        return Message(self.body, self.routing_key, self.properties.message_id or "")


def letters(config: Settings) -> list[dict[str, str]]:
    """Return all dead letters; an empty list without a broker."""
    if config.amqp_url is None:
        return []
    with _channel(config) as channel:
        return [letter.facts() for queue in _queues(channel) for letter in _read(channel, queue)]


def show(config: Settings, queue: str, number: int) -> dict[str, Any]:
    """Return one dead letter with its content. Raises `NotFound`."""
    with _channel(config) as channel:
        return _find(channel, queue, number).contents()


def replay(config: Settings, queue: str, number: int) -> None:
    """Put a letter back into the queue it came from. Raises `NotFound`.

    It is acknowledged only after the broker has confirmed the copy: if the process dies in between, both exist.
    """
    _settle(config, queue, number, _put_back)


def drop(config: Settings, queue: str, number: int) -> None:
    """Remove a letter for good. Raises `NotFound`."""
    _settle(config, queue, number, lambda *_: None)


def _queues(channel: BlockingChannel) -> Iterator[str]:
    """Yield every queue with dead letters, including queues of earlier versions that the broker still has."""
    yield from (queue.name for queue in topology().queues)
    for name in RETIRED_QUEUES:
        with suppress(ChannelClosedByBroker):
            channel.connection.channel().queue_declare(dead_queue(name), passive=True)
            yield name


def _put_back(channel: BlockingChannel, letter: Letter) -> None:
    """Publish to the letter's queue, or if that was retired, to the exchange by which it came."""
    exchange, key = "", letter.queue
    if letter.queue in RETIRED_QUEUES:
        exchange, key = RETIRED_QUEUES[letter.queue], letter.routing_key
    channel.basic_publish(exchange, key, letter.body, letter.properties, mandatory=True)


def _settle(config: Settings, queue: str, number: int, act: Callable[[BlockingChannel, Letter], None]) -> None:
    with _channel(config) as channel:
        channel.confirm_delivery()
        letter = _find(channel, queue, number)
        act(channel, letter)
        channel.basic_ack(letter.tag)


def _find(channel: BlockingChannel, queue: str, number: int) -> Letter:
    for letter in _read(channel, queue):
        if letter.number == number:
            return letter
    raise NotFound(f"{dead_queue(queue)} has no message {number}")


def _read(channel: BlockingChannel, queue: str) -> Iterator[Letter]:
    """Yield every letter of a queue; unacknowledged ones return to it when the channel closes."""
    for number in range(1, MOST + 1):
        method, properties, body = channel.basic_get(dead_queue(queue))
        if method is None:
            return
        yield Letter(queue, number, method.delivery_tag, properties, body)


@contextmanager
def _channel(config: Settings) -> Iterator[BlockingChannel]:
    """Yield a channel. Raises `SettingsError` without a broker's address, `Unavailable` with the broker's reason."""
    if config.amqp_url is None:
        raise SettingsError("TONGYUAN_AMQP_URL: must be set; without a broker there are no queues")
    try:
        parameters = pika_parameters(config.amqp_url, "tongyuan.dead", TIMEOUT_SECONDS, config.tls)
        connection = pika.BlockingConnection(parameters)
        try:
            yield connection.channel()
        finally:
            if connection.is_open:
                connection.close()
    except (AMQPError, OSError) as error:
        raise Unavailable(f"the broker failed: {getattr(error, 'reply_text', '') or repr(error)}") from error

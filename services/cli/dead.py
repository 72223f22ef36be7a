"""Dead letters of the broker: read without taking, put back, or drop; with an operator's account."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from contracts.topology import QUEUES, dead_queue
from services.cli.letters import complaint, told
from shared.config import Settings, SettingsError
from shared.delivery import Message
from shared.errors import NotFound, Unavailable
from shared.pika_parameters import pika_parameters

MOST = 1000
TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Letter:
    """One message of a dead-letter queue, still there. `number` counts from 1, oldest first."""

    queue: str
    number: int
    tag: int
    properties: pika.BasicProperties
    body: bytes

    def facts(self) -> dict[str, str]:
        """A row of the list."""
        since = self._death.get("time")
        return {
            "place": f"{self.queue}/{self.number}",
            "what": self.properties.message_id or "unnamed message",
            "since": since.isoformat() if isinstance(since, datetime) else "",
            "reason": complaint(self.queue, self._message) or str(self._death.get("reason", "rejected")),
        }

    def contents(self) -> dict[str, Any]:
        """The row, and what it holds, as far as it may be shown."""
        return {**self.facts(), "routing_key": self._message.routing_key, **told(self.queue, self.body)}

    @property
    def _death(self) -> dict[str, Any]:
        deaths: list[dict[str, Any]] = (self.properties.headers or {}).get("x-death") or [{}]
        return deaths[0]

    @property
    def _message(self) -> Message:
        keys = self._death.get("routing-keys") or [""]
        return Message(self.body, str(keys[0]), self.properties.message_id or "")


def letters(config: Settings) -> list[dict[str, str]]:
    """All dead letters; none without a broker."""
    if config.amqp_url is None:
        return []
    with _channel(config) as channel:
        return [letter.facts() for queue in QUEUES for letter in _read(channel, queue.name)]


def show(config: Settings, queue: str, number: int) -> dict[str, Any]:
    """One dead letter with what it holds. Raises `NotFound`."""
    with _channel(config) as channel:
        return _find(channel, queue, number).contents()


def replay(config: Settings, queue: str, number: int) -> None:
    """Put one back into the queue it came from; taken off only when the broker has confirmed it. Raises `NotFound`."""
    _settle(
        config,
        queue,
        number,
        lambda channel, letter: channel.basic_publish("", queue, letter.body, letter.properties, mandatory=True),
    )


def drop(config: Settings, queue: str, number: int) -> None:
    """Take one off for good. Raises `NotFound`."""
    _settle(config, queue, number, lambda *_: None)


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
    raise NotFound(f"{dead_queue(queue)} has no letter {number}")


def _read(channel: BlockingChannel, queue: str) -> Iterator[Letter]:
    """Every letter of a queue; what is not acknowledged goes back when the channel closes."""
    for number in range(1, MOST + 1):
        method, properties, body = channel.basic_get(dead_queue(queue))
        if method is None:
            return
        yield Letter(queue, number, method.delivery_tag, properties, body)


@contextmanager
def _channel(config: Settings) -> Iterator[BlockingChannel]:
    """Raises `SettingsError` without a broker's address, `Unavailable` with what the broker says."""
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
        raise Unavailable(f"the broker: {getattr(error, 'reply_text', '') or repr(error)}") from error

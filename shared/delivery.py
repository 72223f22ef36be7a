"""Delivery as a port of two methods, so that AMQP and in-process promise the same.

`Publisher.publish`  returns only when every message is safe on the other side
`Handler`            takes a batch; a normal return means that its effects are committed

Adapters: `shared.amqp` (sending) with `shared.messaging` (taking), and `shared.inprocess` (both).
One conformance suite, `tests/contract/test_delivery.py`, holds for all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One message as bytes. `body` is a CloudEvents envelope in JSON, `sequence` its number in the feed."""

    body: bytes
    routing_key: str
    message_id: str
    sequence: int = 0
    headers: dict[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that will never be good: dead-letter it, with the reason, and go on."""

    index: int
    reason: str


class Publisher(Protocol):
    """The sending end. Not thread-safe: one publisher belongs to one relay."""

    def publish(self, messages: Sequence[Message]) -> None:
        """Send in order; return when each message is confirmed and was routed to at least one queue.

        Raises `shared.errors.Unconfirmed` when any is refused, returned as unroutable, or not confirmed in time.
        Then some may have arrived: send the whole batch again, duplicates are harmless.
        """

    def close(self) -> None:
        """Let go of the connection. Never blocks for long, never raises."""


Handler = Callable[[Sequence[Message]], Sequence[Refusal]]
"""Take a batch in order. Return the refusals; everything else is acknowledged, after commit.

An exception means "not now" (a database is down): the adapter keeps the batch, waits, and offers it again.
"""

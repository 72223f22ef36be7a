"""Delivery as a port of two methods, so that AMQP and in-process give the same guarantees.

`Publisher.publish`  returns only when every message is safe on the other side
`Handler`            takes a batch; a normal return means that its effects are committed

Adapters: `shared.messaging.publisher` (sending) with `shared.messaging.consumer` (receiving), and
`shared.messaging.in_process` (both). All pass one conformance suite, `tests/contract/test_delivery.py`.
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
    """A message that can never be accepted: it goes to the dead-letter queue with the reason."""

    index: int
    reason: str


class Publisher(Protocol):
    """The sending end. Not thread-safe: one publisher belongs to one relay."""

    def publish(self, messages: Sequence[Message]) -> None:
        """Send in order; return when each message is confirmed and was routed to at least one queue.

        Raises `shared.errors.Unconfirmed` when a message is refused, returned as unroutable, or not confirmed in time.
        Some may have arrived then: send the whole batch again, duplicates are harmless.
        """

    def close(self) -> None:
        """Close the connection. Never blocks for long, never raises."""


Handler = Callable[[Sequence[Message]], Sequence[Refusal]]
"""Take a batch in order. Return the refusals; everything else is acknowledged, after commit.

An exception means "not now" (a database is down): the adapter keeps the batch, waits, and offers it again.
"""

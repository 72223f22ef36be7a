"""One call to make, and how it went: what queues of deliveries and of news have in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from shared.webhooks.addresses import Rules

GONE = 410
"""The answer of a receiver that wants no more calls."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Whose calls share a number at a time and a rate per second: a webhook, or a host that hooks lead to."""

    id: str
    rate: int


class Due(Protocol):
    """Something to send. Of one key in a lane there is one call at a time."""

    @property
    def lane(self) -> Lane:
        """Where it counts."""
        ...

    @property
    def key(self) -> str:
        """What it is about."""
        ...


D = TypeVar("D", bound=Due)


@dataclass(frozen=True, slots=True)
class Message:
    """One call. `sign` returns the signature at a moment in seconds since 1970; `patience`: seconds for all of it.

    `reads`: whether the beginning of the answer is read, and with the request kept for the delivery log.
    """

    id: str
    url: str
    body: bytes
    content_type: str
    agent: str
    sign: Callable[[int], str]
    rules: Rules
    patience: float
    reads: bool = True


@dataclass(frozen=True, slots=True)
class Outcome(Generic[D]):
    """How a call went. `problem` None: success. `asked`: seconds that the receiver asks us to wait."""

    due: D
    at: datetime
    milliseconds: int
    status: int | None
    problem: str | None
    asked: float | None = None
    request: str | None = None
    answer: str | None = None


class Queue(Protocol[D]):
    """What is to be sent, in the store."""

    def waiting(self) -> Sequence[Lane]:
        """Return the lanes in which something may be sent now."""

    def due(self, lane: Lane, limit: int) -> Sequence[D]:
        """Return what to send now, longest due first."""

    def message(self, due: D) -> Message:
        """Return the call."""

    def note(self, outcomes: Sequence[Outcome[D]]) -> None:
        """Store how calls went, in one transaction."""

    def prune(self) -> None:
        """Delete what is kept no longer."""

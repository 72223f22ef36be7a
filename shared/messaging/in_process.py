"""Delivery within one process: publishing calls the handlers, and "confirmed" means that they have returned.

This is the embedded default. It stores nothing: the sender's outbox is the queue, and what a handler did not accept
is sent again.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from shared.errors import Unconfirmed
from shared.messaging.delivery import Handler, Message, Publisher

OnRefused = Callable[[str, Message, str], None]
"""Called with the name of the binding, the refused message and the reason: this adapter's dead-letter queue."""

_log = structlog.get_logger(__name__)


def log_refusal(name: str, message: Message, reason: str) -> None:
    """Log a refused message, without its content."""
    _log.error("delivery.refused", binding=name, message_id=message.message_id, reason=reason)


class InProcessBus:
    """Exchanges with handlers bound to them. Bind everything first; publishing from several threads is then safe.

    `on_refused` may be replaced before anything is published.
    """

    def __init__(self, on_refused: OnRefused = log_refusal) -> None:
        self.on_refused = on_refused
        self._bindings: dict[str, list[_Binding]] = {}

    def bind(self, exchange: str, handler: Handler, name: str) -> None:
        """Pass everything published to `exchange` to `handler`. `name` stands for the queue."""
        self._bindings.setdefault(exchange, []).append(_Binding(name, handler))

    def publisher(self, exchange: str) -> Publisher:
        """Return a publisher for one exchange."""
        return _InProcessPublisher(self, exchange)

    def deliver(self, exchange: str, messages: Sequence[Message]) -> None:
        """Pass the batch to every handler bound to `exchange`, in the order of binding.

        Raises `Unconfirmed` when none is bound, or when a handler raised. The other handlers have still been called, so
        a channel that is down does not block the rest.
        """
        bindings = self._bindings.get(exchange)
        if not bindings:
            raise Unconfirmed(f"no queue is bound to {exchange}")
        failures = [failure for binding in bindings if (failure := self._offer(binding, messages))]
        if failures:
            # If we die in here, some handlers may have committed: the sender sends the batch to all of them again.
            raise Unconfirmed("; ".join(str(note) for note, _ in failures)) from failures[0][1]

    def _offer(self, binding: "_Binding", messages: Sequence[Message]) -> tuple[str, Exception] | None:
        try:
            with binding.lock:
                refusals = binding.handler(messages) or ()
            for refusal in refusals:
                self.on_refused(binding.name, messages[refusal.index], refusal.reason)
        except Exception as error:  # noqa: BLE001 - a handler may fail in any way; it means "not now"
            return f"{binding.name}: {type(error).__name__}: {error}", error
        return None


@dataclass(frozen=True)
class _Binding:
    name: str
    handler: Handler
    # A queue delivers one batch at a time. Re-entrant, so that a handler that publishes cannot deadlock.
    lock: threading.RLock = field(default_factory=threading.RLock)


class _InProcessPublisher:
    def __init__(self, bus: InProcessBus, exchange: str) -> None:
        self._bus = bus
        self._exchange = exchange

    def publish(self, messages: Sequence[Message]) -> None:
        if messages:
            self._bus.deliver(self._exchange, messages)

    def close(self) -> None:
        """There is nothing to close."""

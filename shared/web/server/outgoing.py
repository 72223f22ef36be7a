"""The sending side of one connection: what was written, what has been taken, and how it is closed."""

import asyncio
from collections.abc import Callable
from typing import Any

from shared.web.limits import Limits


class Outgoing:
    """An `asyncio.Transport` for uvicorn. `close` is deferred while the client is still sending, see `on_close`."""

    def __init__(self, transport: asyncio.Transport, on_close: Callable[[], None]) -> None:
        self._transport, self._on_close = transport, on_close
        self.closing = False
        self._written = 0

    def write(self, data: bytes | memoryview) -> None:
        self._written += len(data)
        self._transport.write(data)

    def close(self) -> None:
        self.closing = True
        self._on_close()

    def is_closing(self) -> bool:
        return self.closing or self._transport.is_closing()

    @property
    def waiting(self) -> int:
        """Bytes written that not even the kernel has taken."""
        return self._transport.get_write_buffer_size()

    @property
    def taken(self) -> int:
        """Bytes that the kernel has taken in total; its buffer is small, see `shared.web.server.process.listen`."""
        return self._written - self.waiting

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Taking:
    """Checks periodically whether a client takes what is sent to it."""

    __slots__ = ("_at", "_begun", "_begun_with", "_limits", "_taken")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._begun: float | None = None
        self._begun_with = self._taken = 0
        self._at = 0.0

    def too_slow(self, way: Outgoing, now: float) -> bool:
        """Whether it has taken nothing for long, or too little since there was something to take."""
        if not way.waiting:
            self._begun = None
            return False
        taken = way.taken
        if self._begun is None:
            self._begun, self._begun_with = now, taken
            self._taken, self._at = taken, now
        if taken > self._taken:
            self._taken, self._at = taken, now
        took = now - self._begun
        enough = took < self._limits.grace_seconds or taken - self._begun_with >= self._limits.least_rate * took
        return not enough or now - self._at > self._limits.stall_seconds or took > self._limits.answer_seconds

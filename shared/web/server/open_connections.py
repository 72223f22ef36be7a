"""All connections of a process: their limit, and the one timer that checks them."""

import asyncio
import time
from typing import Protocol

from shared import metrics
from shared.web.limits import Limits

TICK_SECONDS = 0.5


class Watched(Protocol):
    """One connection, as the timer sees it."""

    @property
    def waiting_since(self) -> float | None:
        """Since when we have only been waiting for the client; None while its request is being answered."""

    def look(self, now: float) -> None:
        """Close it if it has taken too long."""

    def cut(self, reason: str) -> None:
        """Close it at once."""


class Connections:
    """Use from the event loop's thread only."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._open: set[Watched] = set()
        self._watching = False

    def admit(self, connection: Watched) -> bool:
        """Return whether there is room. If not, the connection that has made us wait longest is closed to make room."""
        if len(self._open) >= self.limits.connections and not self._make_room():
            metrics.http_cut.labels("full").inc()
            return False
        self._open.add(connection)
        metrics.http_connections.set(len(self._open))
        if not self._watching:
            self._watching = True
            asyncio.get_running_loop().call_later(self._tick, self._watch)
        return True

    def leave(self, connection: Watched) -> None:
        self._open.discard(connection)
        metrics.http_connections.set(len(self._open))

    @property
    def _tick(self) -> float:
        return min(TICK_SECONDS, self.limits.head_seconds / 4)

    def _make_room(self) -> bool:
        waiting = ((one.waiting_since, one) for one in self._open)
        found = min(((since, id(one), one) for since, one in waiting if since is not None), default=None)
        if found is None:
            return False
        found[2].cut("room")
        self._open.discard(found[2])
        return True

    def _watch(self) -> None:
        now = time.monotonic()
        for connection in list(self._open):
            connection.look(now)
        self._watching = bool(self._open)
        if self._watching:
            asyncio.get_running_loop().call_later(self._tick, self._watch)

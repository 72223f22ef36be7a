"""Memory that a process holds for its callers, in pools: requests, incoming bodies, lists being made and sent.

A caller that finds no room in a pool waits a little and is then told to retry. Clients that hold room and make us wait
are disconnected first. Small requests have a pool of their own, so that they never wait behind large ones. Everything
here runs in the event loop's thread.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from shared import metrics
from shared.errors import Unavailable

STEP_SECONDS = 0.25
STALLED_SECONDS = 1.0
"""Seconds after which a client that neither takes nor sends anything may be disconnected if others need the room."""


class Pool:
    """A pool of `most` bytes, served in order of arrival."""

    def __init__(self, name: str, most: int, patience: float) -> None:
        self.most, self._patience = most, patience
        self.held = 0
        metrics.http_bytes.labels(name).set_function(lambda: self.held)
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._shared: dict[int, tuple[bytes, int]] = {}
        self._idle: dict[int, tuple[float, Callable[[], None]]] = {}

    async def take(self, size: int) -> None:
        """Reserve `size` bytes. Raises `Unavailable` when there is no room within the patience."""
        if not self._waiting and self._fits(size):
            self.held += size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = (size, turn)
        self._waiting.append(waiting)
        until = time.monotonic() + self._patience
        try:
            while not turn.done() and time.monotonic() < until:
                self._cut_stalled(size)
                await asyncio.wait((turn,), timeout=STEP_SECONDS)
        except asyncio.CancelledError:
            if turn.done():
                self.give(size)
            raise
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
                self._let_in()
        if not turn.done():
            metrics.http_cut.labels("budget").inc()
            raise Unavailable(f"{self.held} of at most {self.most} bytes are already held for requests and responses")

    def give(self, size: int) -> None:
        """Release `size` bytes."""
        self.held -= size
        if self._waiting:
            self._let_in()

    def hold(self, body: bytes) -> None:
        """Count a response for one more reader. One sent to many readers is in memory once."""
        held, readers = self._shared.get(id(body), (body, 0))
        self._shared[id(body)] = held, readers + 1
        if not readers:
            self.held += len(body)

    def release(self, body: bytes) -> None:
        """Count one reader less."""
        held, readers = self._shared.pop(id(body))
        if readers > 1:
            self._shared[id(body)] = held, readers - 1
        else:
            self.give(len(held))

    def idle(self, client: object, cut: Callable[[], None]) -> None:
        """Register that we wait for a client that holds room; `cut` disconnects it."""
        self._idle[id(client)] = time.monotonic(), cut

    def busy(self, client: object) -> None:
        """Unregister a client: it has done what we waited for, or is gone."""
        self._idle.pop(id(client), None)

    def _fits(self, size: int) -> bool:
        # A request larger than the whole pool is let through when nothing else is held.
        return self.held + size <= self.most or self.held == 0

    def _let_in(self) -> None:
        while self._waiting and self._fits(self._waiting[0][0]):
            size, turn = self._waiting.popleft()
            if not turn.done():
                self.held += size
                turn.set_result(None)

    def _cut_stalled(self, size: int) -> None:
        """Disconnect the client waited for longest; its bytes are released once its connection is closed."""
        if self._fits(size) or not self._idle:
            return
        client, (since, cut) = min(self._idle.items(), key=lambda one: one[1][0])
        if time.monotonic() - since > STALLED_SECONDS:
            del self._idle[client]
            cut()

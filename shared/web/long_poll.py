"""Long polling: a request that waits until there is something new, and costs nothing meanwhile.

Who waits is woken by the writes of this process, and by what other processes announce to its relay. A wake-up that is
lost delays the answer until the request's own time is over.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool

from shared.database.engine import Database
from shared.web.event_stream import end_with_process

LEAST_SECONDS = 0.05
"""Between two looks of one request, however often it is woken."""

Value = TypeVar("Value")
Waiting = tuple[asyncio.AbstractEventLoop, asyncio.Event]


class Awaited(Generic[Value]):
    """A value of a store for which requests wait. `read` is run in a thread. Thread-safe."""

    def __init__(self, db: Database, read: Callable[[], Value]) -> None:
        self._read, self._lock = read, Lock()
        self._waiting: set[Waiting] = set()
        self._ended = False
        db.after_write.append(self._wake)
        db.after_notice.append(self._wake)
        end_with_process(self)

    async def get(self, is_new: Callable[[Value], bool], seconds: float) -> Value:
        """Return the value as soon as it is new, and after `seconds` in any case."""
        until = time.monotonic() + seconds
        here = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._waiting.add(here)
        try:
            while True:
                here[1].clear()
                value = await run_in_threadpool(self._read)
                left = until - time.monotonic()
                if is_new(value) or left <= 0 or self._ended:
                    return value
                with suppress(TimeoutError):
                    await asyncio.wait_for(here[1].wait(), left)
                await asyncio.sleep(min(LEAST_SECONDS, max(left, 0.0)))
        finally:
            with self._lock:
                self._waiting.discard(here)

    def end(self) -> None:
        """The process stops: answer everybody now."""
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            waiting = tuple(self._waiting)
        for loop, event in waiting:
            # A loop that has closed waits for nothing.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(event.set)

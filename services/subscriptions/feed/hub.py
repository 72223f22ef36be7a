"""Wakes the readers of this process when the log grows or a subscription changes. One thread asks the store."""

import asyncio
import threading

from services.subscriptions.log.store import LogStore
from shared import log
from shared.errors import TongyuanError
from shared.web.event_stream import end_with_process

POLL_SECONDS = 0.5
_log = log.get("subscriptions")


class Hub:
    """Readers wait here. A wake-up is a hint: whoever is woken reads the store."""

    def __init__(self, store: LogStore) -> None:
        self._store = store
        self._turn = threading.Lock()
        self._waiting: dict[asyncio.Future[None], asyncio.AbstractEventLoop] = {}
        self._seen = -1
        self.ended = False
        end_with_process(self)

    def end(self) -> None:
        """Send everybody away, for a process that stops: readers come back with their cursors."""
        self.ended = True
        self.wake()

    def run(self, stop: threading.Event) -> None:
        """Watch the store until `stop` is set."""
        listener = self._store.db.notifier.listener()
        while not stop.is_set():
            notified = listener.wait(POLL_SECONDS)
            try:
                position = self._store.state().position
            except TongyuanError as error:
                _log.warning("readers of the feed wait", reason=str(error))
                continue
            if notified or position != self._seen:
                self._seen = position
                self.wake()
        self.wake()
        listener.close()

    def expect(self) -> "asyncio.Future[None]":
        """Return a future that is resolved at the next change. Call it before reading, so that nothing is missed."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._turn:
            self._waiting[future] = loop
        return future

    def leave(self, future: "asyncio.Future[None]") -> None:
        """Stop waiting."""
        with self._turn:
            self._waiting.pop(future, None)
        future.cancel()

    def wake(self) -> None:
        """Wake everybody who waits."""
        with self._turn:
            waiting, self._waiting = self._waiting, {}
        for future, loop in waiting.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_resolve, future)


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)

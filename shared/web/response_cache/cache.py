"""Cached responses of one store, all made at the same mark (store version) and dropped together when the store changes.

Whoever sees a newer mark first (the stream's feeder, or a response made after a change) drops the cache before it tells
any reader. So no reader of this process gets an older version after a newer one, or stale data after an event.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from shared import metrics
from shared.web.response_cache.answer import CachedAnswer

KEEP_SECONDS = 1.0
"""Longest life of a response even if the store does not change: it may state a delay, or whether a window is open."""

MOST_BYTES = 64 * 1024 * 1024

Key = tuple[bytes, ...]
"""What a response depends on; see `sharing.asked`."""


@dataclass(frozen=True, slots=True, order=True)
class StoreVersion:
    """A version of the store.

    In the same `epoch` a higher change or a later head is newer; another epoch is always newer.
    """

    epoch: str
    change: int
    head: str = ""

    def is_news_to(self, other: "StoreVersion | None") -> bool:
        """Whether a reader that has seen `other` must read again."""
        return other is None or self.epoch != other.epoch or (self.change, self.head) > (other.change, other.head)


class ResponseCache:
    """Cached responses of one store, all made at the same mark.

    `look` reads the mark and the seconds until something ends; `clock` returns monotonic seconds.
    """

    def __init__(
        self, service: str, look: Callable[[], tuple[StoreVersion, float]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.look, self._clock = look, clock
        self.mark: StoreVersion | None = None
        self._answers: OrderedDict[Key, CachedAnswer] = OrderedDict()
        self._bytes = 0
        self._until = 0.0
        self._turn = Lock()
        self._count = metrics.http_requests.labels(service, "GET", "200")
        self._unchanged = metrics.http_requests.labels(service, "GET", "304")

    def turn(self, mark: StoreVersion, ends_in: float = KEEP_SECONDS) -> None:
        """Drop every response if the mark is newer. Thread-safe."""
        with self._turn:
            if mark.is_news_to(self.mark):
                self.mark = mark
                self._forget(ends_in)

    def find(self, key: Key) -> CachedAnswer | None:
        """Return the cached response, if it is still valid."""
        if self._clock() >= self._until:
            return None
        return self._answers.get(key)

    def keep(
        self, key: Key, answer: CachedAnswer, mark: StoreVersion, seen: StoreVersion | None, ends_in: float
    ) -> None:
        """Cache a response if the store did not change while it was made.

        `seen` is the mark before it was made, `mark` the one after.
        """
        self.turn(mark, ends_in)
        with self._turn:
            if mark != seen or mark != self.mark:
                return
            if self._clock() >= self._until:
                self._forget(ends_in)
            self._until = min(self._until, self._clock() + ends_in)
            if key not in self._answers:
                self._answers[key] = answer
                self._bytes += _size(key, answer)
            while self._bytes > MOST_BYTES:
                first, dropped = self._answers.popitem(last=False)
                self._bytes -= _size(first, dropped)

    def forget(self) -> None:
        """Drop everything: the store cannot tell its version. Thread-safe."""
        with self._turn:
            self.mark = None
            self._forget(0.0)

    def counted(self, status: int) -> None:
        """Count a response that did not go through a router."""
        (self._count if status == 200 else self._unchanged).inc()

    def _forget(self, ends_in: float) -> None:
        self._answers.clear()
        self._bytes = 0
        self._until = self._clock() + min(KEEP_SECONDS, ends_in)


def _size(key: Key, answer: CachedAnswer) -> int:
    return sum(map(len, key)) + len(answer.body)

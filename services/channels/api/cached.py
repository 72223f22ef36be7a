"""Values computed from a channel's store, cached in memory until the store changes."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Made = TypeVar("Made")


class CachedUntilChanged(Generic[Made]):
    """Caches the result of `make` for as long as the cursor stays the same."""

    def __init__(self, cursor: Callable[[], str], make: Callable[[], Made]) -> None:
        self._cursor, self._make = cursor, make
        self._turn = threading.Lock()
        self._made: tuple[str, Made] | None = None

    def get(self) -> Made:
        """Return the current value. Concurrent callers wait for one computation instead of repeating it."""
        with self._turn:
            cursor = self._cursor()
            if self._made is None or self._made[0] != cursor:
                self._made = cursor, self._make()
            return self._made[1]


class Paced(Generic[Made]):
    """Caches the result of `make` for some seconds, and longer where it is slow: it runs a hundredth of the time."""

    SHARE = 0.01

    def __init__(self, seconds: float, make: Callable[[], Made]) -> None:
        self._seconds, self._make = seconds, make
        self._turn = threading.Lock()
        self._made: tuple[float, Made] | None = None

    def get(self) -> Made:
        """Return the current value. Concurrent callers wait for one computation instead of repeating it."""
        with self._turn:
            began = time.monotonic()
            if self._made is None or began >= self._made[0]:
                made = self._make()
                ended = time.monotonic()
                self._made = max(began + self._seconds, ended + (ended - began) / self.SHARE), made
            return self._made[1]

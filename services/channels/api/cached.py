"""Values computed from a channel's store: kept until the store changes, for a while, or only for all who ask now."""

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

Made = TypeVar("Made")
Key = TypeVar("Key", bound=Hashable)


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


class SingleFlight(Generic[Key, Made]):
    """Callers who ask for the same key at the same time share one computation, and its error. Nothing is kept."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._going: dict[Key, Future[Made]] = {}

    def get(self, key: Key, make: Callable[[], Made]) -> Made:
        """Return what `make` returns, or wait for another caller's. Raises what `make` raises."""
        with self._turn:
            going = self._going.get(key)
            if going is None:
                mine = self._going[key] = Future[Made]()
        if going is not None:
            return going.result()
        try:
            mine.set_result(make())
        except BaseException as error:  # noqa: BLE001  # raised below, for every caller
            mine.set_exception(error)
        finally:
            with self._turn:
                del self._going[key]
        return mine.result()

"""What is worked out from a channel's store, kept in memory until the store has moved."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Kept(Generic[Made]):
    """What `make` gave last, for as long as the cursor stays the same."""

    def __init__(self, cursor: Callable[[], str], make: Callable[[], Made]) -> None:
        self._cursor, self._make = cursor, make
        self._turn = threading.Lock()
        self._made: tuple[str, Made] | None = None

    def get(self) -> Made:
        """The newest. Who comes while it is being made waits for it instead of making it too."""
        with self._turn:
            cursor = self._cursor()
            if self._made is None or self._made[0] != cursor:
                self._made = cursor, self._make()
            return self._made[1]

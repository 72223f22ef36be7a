"""Keeps the facts of a few periods in memory: reading them takes a second in a large county, and a page may not wait.

Older facts are shown at once, with their time, while newer ones are read. Before the first facts of a period are there,
a page says so and comes again by itself.
"""

import threading
import time
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor

from services.console.indicators.facts import Facts, Period, read
from services.console.upstream.services import Services
from shared.tokens.person import Person

FRESH_SECONDS = 60.0
MOST_PERIODS = 6
PATIENCE_SECONDS = 0.1


class FactsCache:
    """Facts by period. Thread-safe."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._turn = threading.Lock()
        self._reader = ThreadPoolExecutor(2, "indicators")
        self._made: OrderedDict[Period, tuple[float, Facts]] = OrderedDict()
        self._making: dict[Period, Future[Facts]] = {}

    def get(self, person: Person, period: Period) -> Facts:
        """Return the facts of a period. Those older than a minute are returned once more, and read anew meanwhile."""
        found = self._newest(person, period)
        return found.result() if isinstance(found, Future) else found

    def soon(self, person: Person, period: Period) -> Facts | None:
        """Return the same, but None if there are no facts yet and a page would have to wait for them."""
        found = self._newest(person, period)
        if not isinstance(found, Future):
            return found
        try:
            return found.result(PATIENCE_SECONDS)
        except TimeoutError:
            return None

    def _newest(self, person: Person, period: Period) -> "Facts | Future[Facts]":
        with self._turn:
            made = self._made.get(period)
            if made is not None and time.monotonic() - made[0] < FRESH_SECONDS:
                return made[1]
            making = self._making.get(period)
            if making is None:
                making = self._making[period] = self._reader.submit(self._read, person, period)
        return making if made is None else made[1]

    def _read(self, person: Person, period: Period) -> Facts:
        try:
            facts = read(self._services, person, period)
        finally:
            with self._turn:
                del self._making[period]
        with self._turn:
            # Facts with a gap are shown, and read again at the next look.
            self._made[period] = (time.monotonic() if not facts.problems else 0.0), facts
            self._made.move_to_end(period)
            while len(self._made) > MOST_PERIODS:
                self._made.popitem(last=False)
        return facts

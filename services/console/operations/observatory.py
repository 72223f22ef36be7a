"""Keeps the newest picture of the pipeline for all who look, and the rates between pictures.

A picture is made when somebody looks. An older one is shown at once while the next is made, so that a service that
does not answer never keeps a page waiting; the page says how old its picture is.
"""

import threading
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from contracts.topology import SOURCES
from services.console.operations.picture import Picture, drawn
from services.console.operations.readings import LEDGER, Reading, read_all
from services.console.upstream.services import Services
from shared.tokens.person import Person

FRESH_SECONDS = 2.0
PATIENCE_SECONDS = 0.12
"""How long a page waits for a newer picture when it has one already."""

RATE_SECONDS = 60.0
"""Rates are measured over the last minute of looking."""

OLDEST_SHOWN = 30.0
"""An older picture is not shown: the page waits for a new one."""


class Observatory:
    """One picture for all. Thread-safe."""

    def __init__(self, services: Services, channels: Mapping[str, str]) -> None:
        """`channels`: name → Chinese title, in the order in which pages show them."""
        self.channels = dict(channels)
        self._services = services
        self._readers = ThreadPoolExecutor(len(channels) + len(SOURCES) + 2, "readings")
        self._turn = threading.Lock()
        self._making: Future[Picture] | None = None
        self._made: tuple[float, Picture] | None = None
        self._past: deque[tuple[float, dict[str, int]]] = deque()
        self._maker = ThreadPoolExecutor(1, "picture")

    def picture(self, person: Person) -> Picture:
        """Return the newest picture, made for whoever asks first."""
        with self._turn:
            made, now = self._made, time.monotonic()
            if made is not None and now - made[0] < FRESH_SECONDS:
                return made[1]
            if self._making is None or self._making.done():
                self._making = self._maker.submit(self._make, person)
            making = self._making
        if made is None or now - made[0] > OLDEST_SHOWN:
            return making.result()
        try:
            return making.result(PATIENCE_SECONDS)
        except TimeoutError:
            return made[1]

    def close(self) -> None:
        """End the threads."""
        self._maker.shutdown(wait=False, cancel_futures=True)
        self._readers.shutdown(wait=False, cancel_futures=True)

    def _make(self, person: Person) -> Picture:
        readings = read_all(self._services, self.channels, person, self._readers)
        picture = drawn(readings, self.channels, self._rates(readings))
        with self._turn:
            self._made = time.monotonic(), picture
        return picture

    def _rates(self, readings: Mapping[str, Reading]) -> dict[str, float]:
        """Return entries a minute of each part that was read before, within the last minute."""
        now = time.monotonic()
        counts = dict(_counts(readings))
        self._past.append((now, counts))
        while self._past[0][0] < now - RATE_SECONDS:
            self._past.popleft()
        first, before = self._past[0]
        if now - first < FRESH_SECONDS:
            return {}
        minutes = (now - first) / 60
        return {name: (count - before[name]) / minutes for name, count in counts.items() if name in before}


def _counts(readings: Mapping[str, Reading]) -> list[tuple[str, int]]:
    found = []
    for name, reading in readings.items():
        if reading.problem:
            continue
        if name in SOURCES:
            found.append((name, sum(reading.facts["released"].values())))
        elif name == LEDGER or "position" in reading.facts:
            found.append((name, int(reading.facts["size" if name == LEDGER else "position"])))
    return found

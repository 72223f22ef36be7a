"""How fast the auditor asks: as fast as its turn needs, while nobody waits; never faster than it may.

The base rate is always allowed. To come round within the interval it may be raised, up to the peak. When answers take
far longer than they took at their best, somebody else needs the machine: the base rate counts for a while, and the
turn takes longer.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

CALM_SECONDS = 10.0
SLOW_TIMES, SLOW_SECONDS = 4.0, 0.02
"""So many times as long as at best, and so much longer: then the machine is busy."""

SMOOTH = 0.1
FORGET = 1.001
"""By how much what was the best grows with each answer, so that a machine that became slower is not busy for ever."""

Clock = Callable[[], float]


class Stopped(Exception):
    """We are asked to stop."""


class Pace:
    """When the next request may go out. Waiting ends with `Stopped` when `stop` is set. For one thread."""

    def __init__(self, rate: float, peak: float, stop: threading.Event, clock: Clock = time.monotonic) -> None:
        """`rate`, `peak`: requests a second; the peak counts where it is more."""
        self._rate, self._peak, self._stop, self._clock = rate, max(rate, peak), stop, clock
        self._wanted = rate
        self._next = self._calm_from = 0.0
        self._best: dict[str, float] = {}
        self._usual: dict[str, float] = {}

    def wait(self) -> None:
        """Until the next request may go out."""
        now = self._clock()
        self.rest(max(self._next - now, 0))
        self._next = max(now, self._next) + 1 / self.rate

    def rest(self, seconds: float) -> None:
        """Wait so long."""
        if self._stop.wait(seconds):
            raise Stopped

    @property
    def rate(self) -> float:
        """Requests a second, now."""
        return self._rate if self._clock() < self._calm_from else self._wanted

    def need(self, rate: float) -> None:
        """So many requests a second are needed; what is less than the base rate or more than the peak is not given."""
        self._wanted = min(max(rate, self._rate), self._peak)

    def took(self, what: str, seconds: float) -> None:
        """An answer of this kind took so long."""
        usual = self._usual[what] = self._usual.get(what, seconds) * (1 - SMOOTH) + seconds * SMOOTH
        best = self._best[what] = min(usual, self._best.get(what, usual) * FORGET)
        if usual > SLOW_TIMES * best + SLOW_SECONDS:
            self._calm_from = self._clock() + CALM_SECONDS


@dataclass
class Turn:
    """One turn of single looks, the same codes for every channel, in order."""

    codes: list[str] = field(default_factory=list)
    at: int = 0
    began: float = 0.0

    def is_done(self) -> bool:
        """Every code had its turn."""
        return self.at >= len(self.codes)

    def needs(self, questions: float, now: float, interval: float) -> float:
        """Requests a second for the rest of this turn to end within nine tenths of the interval, at `questions` a code.

        Late already, it needs as if a tenth were left.
        """
        left = max(self.began + 0.9 * interval - now, 0.1 * interval)
        return questions * (len(self.codes) - self.at) / left

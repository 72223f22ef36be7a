"""The rate of the auditor's requests: fast enough for its turn, and slower when others need the machine.

The base rate is always allowed. It is raised, up to the peak, to complete a turn within the interval. When answers take
much longer than at their best, the machine is busy: the base rate applies for a while, and the turn takes longer.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

CALM_SECONDS = 10.0
SLOW_TIMES, SLOW_SECONDS = 4.0, 0.02
"""The machine is busy when answers take SLOW_TIMES as long as at best, plus SLOW_SECONDS."""

SMOOTH = 0.1
FORGET = 1.001
"""The best time grows by this factor with each answer, so that a machine that became slower is not busy for ever."""

Clock = Callable[[], float]


class Stopped(Exception):
    """The auditor was told to stop."""


class RequestPace:
    """Decides when the next request may be sent. Waiting raises `Stopped` when `stop` is set. For one thread."""

    def __init__(self, rate: float, peak: float, stop: threading.Event, clock: Clock = time.monotonic) -> None:
        """`rate`, `peak`: requests per second; the higher of both is the peak."""
        self._rate, self._peak, self._stop, self._clock = rate, max(rate, peak), stop, clock
        self._wanted = rate
        self._next = self._calm_from = 0.0
        self._best: dict[str, float] = {}
        self._usual: dict[str, float] = {}

    def wait(self) -> None:
        """Wait until the next request may be sent. Raises `Stopped`."""
        now = self._clock()
        self.rest(max(self._next - now, 0))
        self._next = max(now, self._next) + 1 / self.rate

    def rest(self, seconds: float) -> None:
        """Wait for this time. Raises `Stopped`."""
        if self._stop.wait(seconds):
            raise Stopped

    @property
    def rate(self) -> float:
        """The current rate in requests per second."""
        return self._rate if self._clock() < self._calm_from else self._wanted

    def need(self, rate: float) -> None:
        """Set the needed rate in requests per second; it is limited to the base rate and the peak."""
        self._wanted = min(max(rate, self._rate), self._peak)

    def took(self, what: str, seconds: float) -> None:
        """Record how long an answer of this kind took."""
        usual = self._usual[what] = self._usual.get(what, seconds) * (1 - SMOOTH) + seconds * SMOOTH
        best = self._best[what] = min(usual, self._best.get(what, usual) * FORGET)
        if usual > SLOW_TIMES * best + SLOW_SECONDS:
            self._calm_from = self._clock() + CALM_SECONDS


@dataclass
class Turn:
    """One turn of single readings: the same codes for every channel, in order."""

    codes: list[str] = field(default_factory=list)
    at: int = 0
    began: float = 0.0

    def is_done(self) -> bool:
        """Return whether every code was read."""
        return self.at >= len(self.codes)

    def needs(self, questions: float, now: float, interval: float) -> float:
        """Return the requests per second with which this turn ends within nine tenths of the interval.

        `questions`: requests per code. A turn that is late is treated as if a tenth of the interval were left.
        """
        left = max(self.began + 0.9 * interval - now, 0.1 * interval)
        return questions * (len(self.codes) - self.at) / left

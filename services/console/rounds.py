"""The desk's work without a request: rounds, each in a thread of its own, that sleep until there is something to do.

A round says itself when it is to be made again. One that is woken by writes begins as soon as something was written to
the desk's store; its pause is how long a wake-up that was lost goes unnoticed. So an idle desk asks almost nothing, and
a service that does not answer holds up one round.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from shared import log
from shared.database.engine import Database

LEAST_SECONDS = 0.1
"""Between two rounds, however often one is woken."""

SLICE_SECONDS = 0.5
"""A thread that waits to be woken looks as often whether it is to stop."""

AGAIN_SECONDS = 1.0
"""After a round that failed, and while the other services have no address yet."""

_log = log.get("console")


@dataclass(frozen=True)
class Round:
    """`work` makes one round, and returns after how many seconds the next one is due."""

    name: str
    work: Callable[[], float]
    woken: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def on_writes(cls, name: str, db: Database, work: Callable[[], float]) -> "Round":
        """Return a round that is also made after each write to `db`."""
        made = cls(name, work)
        db.after_write.append(made.woken.set)
        return made

    def run(self, stop: threading.Event, reachable: Callable[[], bool]) -> None:
        """Make rounds until `stop` is set. An error is logged, and the next round may succeed."""
        pause = 0.0
        while not self._stopped_after(pause, stop):
            self.woken.clear()
            try:
                pause = self.work() if reachable() else AGAIN_SECONDS
            except Exception as error:  # noqa: BLE001  # the next round may succeed; the log reports it
                _log.warning("periodic task failed", work=self.name, reason=str(error) or type(error).__name__)
                pause = AGAIN_SECONDS

    def _stopped_after(self, pause: float, stop: threading.Event) -> bool:
        """Wait for the pause, or until this round is woken. Return whether it is to stop."""
        due = time.monotonic() + pause
        if stop.wait(min(pause, LEAST_SECONDS)):
            return True
        while (left := due - time.monotonic()) > 0 and not self.woken.wait(min(left, SLICE_SECONDS)):
            if stop.is_set():
                return True
        return stop.is_set()


def again_after(seconds: float, work: Callable[[], object]) -> Callable[[], float]:
    """Return a round of this work that is due every `seconds`."""

    def made() -> float:
        work()
        return seconds

    return made

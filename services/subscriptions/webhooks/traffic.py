"""What is under way of one queue, in memory: after a kill it is sent again."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from services.subscriptions.webhooks.message import Due, Lane, Message, Outcome, Queue

AT_ONCE = 4
"""Calls in one lane at a time."""

MOST_CALLS = 200
"""Calls of one queue at a time: however many webhooks are slow, hooks are called, and the other way round."""

D = TypeVar("D", bound=Due)


@dataclass
class Rate:
    """Allows so many calls per second; what was not used counts for one second."""

    left: float
    at: float = field(default_factory=time.monotonic)

    def allowed(self, per_second: int) -> int:
        """Return how many calls may begin now."""
        now = time.monotonic()
        self.left, self.at = min(self.left + (now - self.at) * per_second, per_second), now
        return int(self.left)


class Traffic(Generic[D]):
    """Bounds the calls of each lane. `note` and `found` run in one thread at a time, the rest in the event loop."""

    def __init__(self, queue: Queue[D]) -> None:
        self.queue = queue
        self._busy: Counter[str] = Counter()
        self._under_way: set[tuple[str, str]] = set()
        self._rates: dict[str, Rate] = {}
        self._done: list[Outcome[D]] = []
        self._noted: list[Outcome[D]] = []

    def note(self) -> None:
        """Store how calls went. What cannot be stored is stored at the next turn, or sent again by a successor."""
        done = list(self._done)
        if done:
            self.queue.note(done)
            del self._done[: len(done)]
            self._noted += done

    def found(self) -> list[tuple[D, Message]]:
        """Return what to send now.

        Of what was just noted the keys are free only after this turn, so that nothing is sent from an old reading.
        """
        found: list[tuple[D, Message]] = []
        for lane in self.queue.waiting():
            here = min(AT_ONCE - self._busy[lane.id], self._rate(lane), MOST_CALLS - len(self._under_way) - len(found))
            if here > 0:
                found += self._due(lane, here)
        return found

    def _due(self, lane: Lane, room: int) -> list[tuple[D, Message]]:
        # Those under way are still due in the store, so ask for as many more.
        rows = self.queue.due(lane, room + self._busy[lane.id])
        free = [one for one in rows if (lane.id, one.key) not in self._under_way][:room]
        return [(one, self.queue.message(one)) for one in free]

    def _rate(self, lane: Lane) -> int:
        return self._rates.setdefault(lane.id, Rate(lane.rate)).allowed(lane.rate)

    def released(self) -> int:
        """Free what was noted. Return how many calls that were."""
        for one in self._noted:
            self._busy[one.due.lane.id] -= 1
            self._under_way.discard((one.due.lane.id, one.due.key))
        count, self._noted = len(self._noted), []
        return count

    def begun(self, due: D) -> None:
        """Count a call that begins."""
        self._rates[due.lane.id].left -= 1
        self._busy[due.lane.id] += 1
        self._under_way.add((due.lane.id, due.key))

    def ended(self, outcome: Outcome[D]) -> None:
        """Take the outcome of a call, to be noted at the next turn."""
        self._done.append(outcome)

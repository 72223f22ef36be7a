"""The alarm for integrators' queues that nobody reads, that are full or gone, or that the feeder does not fill.

Metric and log line come within a minute. The watch is a thread with a connection of its own, so that it also sees a
feeder that hangs.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.base import format_time
from contracts.topology import INTEGRATOR_MESSAGES, integrator_queue
from services.subscriptions.amqp.broker import Broker
from services.subscriptions.model import SubscriptionState
from services.subscriptions.statements import BEHIND, QUEUES
from shared import log, metrics
from shared.database.engine import Database
from shared.errors import UpstreamDown
from shared.messaging.queue_depths import Depth

STILL = timedelta(seconds=30)
LOOK_SECONDS = 10.0
REMEDIES = {
    "unread": "the subscriber's program does not run: tell its office",
    "full": "the subscriber reads too slowly or not at all; events wait in the log, none is lost",
    "behind": "the feeder does not send: look at the broker and at the log line of its queue",
    "missing": "tongyuan subscription rotate-password ID makes queue and account anew",
    "left": "tongyuan subscription revoke ID also removes queue and account at the broker",
}
"""What can be wrong with a queue, and what to do about it."""

Trouble = tuple[str, str]
"""What is wrong, and with whose queue."""

_log = log.get("amqp")


@dataclass
class TroubleTimes:
    """Remembers since when something has been wrong. `still`: how long until it counts. `most`: as in `QueueFeeder`."""

    still: timedelta
    most: int
    _since: dict[Trouble, tuple[float, int]] = field(default_factory=dict)

    def lasting(self, found: Sequence[tuple[Any, Depth | None]], now: float) -> dict[Trouble, int]:
        """Return what has been wrong for long enough at `now` (seconds), with the messages in the queue.

        `found`: id, state and `queued` of each subscription, and the depth of its queue.
        """
        wrong = {(trouble, row.id): (row, depth) for row, depth in found for trouble in self._troubles(row, depth)}
        # A queue that is full again and again while its reader works is well: its mark moves.
        marks = {one: row.queued if one[0] == "full" else 0 for one, (row, _) in wrong.items()}
        self._since = {
            one: known if (known := self._since.get(one)) and known[1] == mark else (now, mark)
            for one, mark in marks.items()
        }
        lasting = [one for one, (since, _) in self._since.items() if now - since >= self.still.total_seconds()]
        return {one: depth.messages if (depth := wrong[one][1]) else 0 for one in lasting}

    def _troubles(self, row: Any, depth: Depth | None) -> Iterator[str]:
        if row.state == SubscriptionState.REVOKED:
            if depth is not None:
                yield "left"
            return
        if depth is None:
            if row.state == SubscriptionState.ACTIVE:
                yield "missing"
            return
        if depth.messages and not depth.consumers:
            yield "unread"
        if depth.is_full(self.most):
            yield "full"


class QueueWatch:
    """Looks at all queues. For `still` and `most` see `TroubleTimes`."""

    def __init__(self, db: Database, broker: Broker, still: timedelta = STILL, most: int = INTEGRATOR_MESSAGES) -> None:
        self._db, self._still, self._times = db, still, TroubleTimes(still, most)
        self._depths = broker.depths("watch")
        self._told: set[Trouble] = set()

    def look(self) -> None:
        """Set the metrics; log each trouble once when it has lasted, and once when it is over."""
        before = format_time(datetime.now(UTC) - self._still)
        lasting = {("behind", row.id): 0 for row in self._db.fetch(BEHIND, before=before)}
        waiting = 0
        try:
            found = [(row, self._depths.depth(integrator_queue(row.id))) for row in self._db.fetch(QUEUES)]
            waiting = sum(depth.messages for _, depth in found if depth is not None)
            lasting |= self._times.lasting(found, time.monotonic())
        except UpstreamDown as error:
            # What the broker does not say now stays as it was; what is due for long is told by `behind`.
            _log.warning("queues of integrators are not watched", reason=str(error))
            lasting |= {one: 0 for one in self._told if one[0] != "behind"}
        metrics.amqp_waiting.set(waiting)
        for trouble in REMEDIES:
            metrics.amqp_queues.labels(trouble).set(sum(one[0] == trouble for one in lasting))
        for trouble, subscription in sorted(lasting.keys() - self._told):
            remedy = REMEDIES[trouble].replace("ID", subscription)
            messages = lasting[trouble, subscription]
            _log.error(f"a queue is {trouble}", subscription=subscription, messages=messages, remedy=remedy)
        for trouble, subscription in sorted(self._told - lasting.keys()):
            _log.info(f"a queue is no longer {trouble}", subscription=subscription)
        self._told = set(lasting)

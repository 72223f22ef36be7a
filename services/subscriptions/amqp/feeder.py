"""Fills the integrators' queues from the log: the events of the feed, by the same filters, in order of each key.

In crash order, for one event:

1. The log has it, the queue has not: the subscription's mark, `queued`, is before it. If we die, it is sent by whoever
   leads next.
2. It is sent and not confirmed, or confirmed and the mark not moved: if we die, it is sent again with the same
   `message_id`. No later version of its key was sent before it was confirmed, so whoever drops repeats sees each key in
   order.
3. The mark has moved: the broker has it on a majority of its disks.

A queue is filled up to a limit, and the log holds the rest. So a subscriber that is away for long loses nothing, and
its queue takes a bounded part of the broker's disk.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from contracts.base import format_time
from contracts.topology import INTEGRATOR_MESSAGES, integrator_queue
from services.subscriptions.amqp.broker import Broker, PumpedPublisher
from services.subscriptions.log.store import LogState, LogStore, wanted
from services.subscriptions.registry.filters import matches
from services.subscriptions.statements import FED, TO_FEED
from services.subscriptions.webhooks.payload import payload
from shared import log
from shared.errors import TongyuanError, Unconfirmed
from shared.messaging.delivery import Message
from shared.messaging.queue_depths import QueueDepths

READ_AT_ONCE = 1_000
SENT_AT_ONCE = 500
ROLE = "amqp"
POLL_SECONDS = 0.25
"""Asked rather than notified: a connection that listens is one more of the few that a process may have."""

REST_SECONDS = 2.0
FULL_SECONDS = 0.25
"""How long a full queue rests. A quarter of it is then sent in large runs, while the reader has the rest."""
EPOCH_HEADER = "epoch"
_log = log.get("amqp")


class QueueFeeder:
    """Fills all queues of one county. Of several processes one does it."""

    def __init__(
        self, store: LogStore, broker: Broker, most: int = INTEGRATOR_MESSAGES, rest: float = REST_SECONDS
    ) -> None:
        """`most`: messages that a queue is filled up to. `rest`: seconds after a failure."""
        self._store, self._db, self._broker = store, store.db, broker
        self._most, self._rest_seconds = most, rest
        self._rests: dict[str, float] = {}
        self._failing: set[str] = set()

    def run(self, stop: threading.Event) -> None:
        """Fill the queues until `stop` is set. If database or broker are down, retry."""
        listener = self._db.notifier.listener()
        publisher, depths = self._broker.publisher(), self._broker.depths("feeder")
        try:
            while not stop.is_set():
                try:
                    moved = listener.lead(ROLE) and self.turn(publisher, depths)
                except TongyuanError as error:
                    _log.warning("queues of integrators wait", reason=str(error))
                    moved = False
                    stop.wait(self._rest_seconds)
                publisher.pump()
                if not moved:
                    stop.wait(POLL_SECONDS)
        finally:
            publisher.close()
            depths.close()
            listener.close()

    def turn(self, publisher: PumpedPublisher, depths: QueueDepths) -> bool:
        """Send each subscription some of what it has not had. Return whether anything moved. Raises `UpstreamDown`."""
        moved = False
        for row in self._db.fetch(TO_FEED):
            if self._rests.get(row.id, 0.0) > time.monotonic():
                continue
            try:
                moved |= self._feed(row, publisher, depths)
                self._failing.discard(row.id)
            except Unconfirmed as error:
                # One queue that is full or gone holds up itself and no other.
                self._rest(row.id, self._rest_seconds)
                if row.id not in self._failing:
                    self._failing.add(row.id)
                    _log.error("a queue takes nothing", subscription=row.id, reason=str(error))
        return moved

    def _feed(self, row: Any, publisher: PumpedPublisher, depths: QueueDepths) -> bool:
        depth = depths.depth(integrator_queue(row.id))
        if depth is None:
            raise Unconfirmed(f"no queue {integrator_queue(row.id)}: tongyuan subscription rotate-password {row.id}")
        if depth.is_full(self._most):
            self._rest(row.id, min(FULL_SECONDS, self._rest_seconds))
            return False
        room = self._most - depth.messages
        state = self._store.state()
        events = self._store.events(row.queued, state.position, READ_AT_ONCE, row.id)
        filters = orjson.loads(row.filters)
        chosen = [one for one in events if one.only_for is not None or matches(filters, wanted(one))]
        end = events[-1].position if len(events) == READ_AT_ONCE else state.position
        if len(chosen) > room:
            chosen = chosen[:room]
            end = chosen[-1].position
        return self._send(row, chosen, end, state, publisher)

    def _send(self, row: Any, chosen: Sequence[Any], end: int, state: LogState, publisher: PumpedPublisher) -> bool:
        seen = row.queued
        for run in runs(chosen):
            publisher.publish([_message(row, one, state.epoch) for one in run])
            # If we die here, this run is sent again.
            if not self._mark(row.id, seen, run[-1].position, state.epoch):
                return True  # replayed, begun anew or taken over meanwhile: read the row again
            seen = run[-1].position
        if end > seen:
            self._mark(row.id, seen, end, state.epoch, sent=bool(chosen))
        return True

    def _mark(self, subscription: str, seen: int, upto: int, epoch: str, *, sent: bool = True) -> bool:
        """Move the mark, unless it was moved meanwhile. Return whether it was."""
        now = format_time(datetime.now(UTC)) if sent else None
        values = {"id": subscription, "seen": seen, "upto": upto, "epoch": epoch, "now": now}
        with self._db.write() as session:
            return session.connection().execute(FED, values).first() is not None

    def _rest(self, subscription: str, seconds: float) -> None:
        self._rests[subscription] = time.monotonic() + seconds


def runs(events: Sequence[Any], most: int = SENT_AT_ONCE) -> Iterator[Sequence[Any]]:
    """Cut events into runs in which no key comes twice. A run is sent when the one before is confirmed."""
    first, keys = 0, set[str]()
    for number, one in enumerate(events):
        if one.key in keys or number - first == most:
            yield events[first:number]
            first, keys = number, set()
        keys.add(one.key)
    if first < len(events):
        yield events[first:]


def _message(row: Any, event: Any, epoch: str) -> Message:
    body = payload(event.event, row.payload_limit)
    return Message(body, row.id, event.id, event.position, {EPOCH_HEADER: epoch})

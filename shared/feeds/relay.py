"""The relay sends a feed to the next hop in order; a row counts as sent only once the next hop has confirmed it.

If the relay is killed, it may send messages twice but never skips one: the cursor is stored after the confirm, at the
latest about a second later. After an error the publisher reconnects and the same batch is sent again.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

from shared import log, metrics
from shared.database.engine import Database
from shared.database.notifications import Listener
from shared.errors import TongyuanError, Unavailable
from shared.feeds.statements import CURSOR, SET_CURSOR
from shared.messaging.delivery import Message, Publisher

BATCH = 200
POLL_SECONDS = 0.5
HELD_SECONDS = 0.2
LOOK_SECONDS = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0


class Feed(Protocol):
    """A numbered log: 1, 2, 3 … without holes."""

    def messages(self, db: Database, after: int, limit: int) -> list[Message]:
        """Return the messages after `after`, in order, at most `limit`."""

    def waiting(self, db: Database, after: int) -> tuple[int, str | None]:
        """Return how many messages follow `after`, and since when the oldest waits (RFC 3339): one statement."""


def at_once() -> bool:
    """The next hop is ready whenever there is something to send."""
    return True


def run_together(relays: Sequence["Relay"], stop: threading.Event) -> None:
    """Relay until `stop` is set.

    The relays of one database take turns in one thread; an error pauses only one relay.
    """
    listener = relays[0].db.notifier.listener()
    while not stop.is_set():
        # A partial batch was the last one; whatever was released since has notified the listener.
        sent = max([relay.turn(listener) for relay in relays])
        pause = HELD_SECONDS if any(relay.held for relay in relays) else POLL_SECONDS
        if sent < BATCH and listener.wait(pause):
            for told in relays[0].db.after_notice:
                told()
    listener.close()
    for relay in relays:
        relay.close()


class Relay:
    """Moves one feed to one next hop. `name` is its cursor and, on PostgreSQL, the lock that lets only one lead.

    `idle(db, cursor)` returns a message to send when the feed is empty; each is sent until it is confirmed. While
    `is_ready()` is false nothing is sent, and the other relays of the thread go on.
    """

    def __init__(
        self,
        db: Database,
        feed: Feed,
        name: str,
        make_publisher: Callable[[], Publisher],
        *,
        idle: Callable[[Database, int], Message | None] = lambda _db, _cursor: None,
        is_ready: Callable[[], bool] = at_once,
    ) -> None:
        self.db, self.feed, self.name = db, feed, name
        self._make_publisher = make_publisher
        self._idle, self._is_ready = idle, is_ready
        self.held = False
        self._publisher: Publisher | None = None
        self._said = ""
        self._pause = FIRST_PAUSE
        self._not_before = 0.0
        # Check the lock and the queue length once a second; two relays leading for that long only cause duplicates.
        self._look_after = 0.0
        self._leading = False
        # Highest confirmed sequence, and how much of it is stored; None: read it from the database.
        self._confirmed: int | None = None
        self._written = 0
        self._log = log.get("relay")

    def run(self, stop: threading.Event) -> None:
        """Relay until `stop` is set; see `run_together`."""
        run_together([self], stop)

    def turn(self, listener: Listener) -> int:
        """Run one round. Return how many messages were sent. An error is logged and counted, and pauses this relay."""
        if time.monotonic() < self._not_before:
            return 0
        try:
            if time.monotonic() >= self._look_after:
                self._leading = self._leads(listener.lead(self.name))
                if self._leading:
                    self._write_down()
                self._measure()
                self._look_after = time.monotonic() + LOOK_SECONDS
            sent = self.step() if self._leading else 0
            self._pause = FIRST_PAUSE
        except TongyuanError as error:
            metrics.relay_failures.labels(self.db.service, self.name).inc()
            self._log.warning("messages not relayed", relay=self.name, reason=str(error), pause=round(self._pause, 1))
            self._not_before = time.monotonic() + self._pause * random.uniform(0.8, 1.2)  # noqa: S311  # jitter
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
            sent = 0
        return sent

    def step(self) -> int:
        """Send the next batch. Return how many messages were confirmed; 0 if there are none, or they are held.

        Raises `Unavailable` when they were not confirmed.
        """
        cursor = self.cursor()
        messages = self.feed.messages(self.db, cursor, BATCH)
        self.held = bool(messages) and not self._is_ready()
        if self.held:
            return 0
        if messages:
            # If we die in here, the cursor is still before this batch: the next relay sends all of it again.
            self._send(messages)
            # If we die here, the stored cursor is behind the confirm: the batch is sent twice and dropped as
            # duplicates.
            self._confirmed = messages[-1].sequence
            metrics.relayed.labels(self.db.service, self.name).inc(len(messages))
            return len(messages)
        self._write_down()
        extra = self._idle(self.db, cursor)
        if extra is not None and extra.message_id != self._said:
            self._send([extra])
            self._said = extra.message_id
        else:
            self._pump()
        return 0

    def cursor(self) -> int:
        """Return the highest sequence that the next hop has confirmed."""
        if self._confirmed is None:
            rows = self.db.fetch(CURSOR, lane=self.name)
            self._confirmed = self._written = rows[0].sequence if rows else 0
        return self._confirmed

    def close(self) -> None:
        """Store the cursor if the database answers, and close the publisher."""
        with suppress(TongyuanError):
            self._write_down()
        self._let_go()

    def _let_go(self) -> None:
        if self._publisher is not None:
            self._publisher.close()
            self._publisher = None

    def _send(self, messages: list[Message]) -> None:
        if self._publisher is None:
            self._publisher = self._make_publisher()
        try:
            self._publisher.publish(messages)
        except Exception as error:
            self._let_go()
            if isinstance(error, TongyuanError):
                raise
            raise Unavailable(f"publisher failed: {error!r}") from error

    def _write_down(self) -> None:
        """Store the cursor. Losing it only means sending again, so it need not be stored after every batch."""
        if self._confirmed is not None and self._confirmed != self._written:
            self.db.execute(SET_CURSOR, lane=self.name, sequence=self._confirmed)
            self._written = self._confirmed

    def _pump(self) -> None:
        pump = getattr(self._publisher, "pump", None)
        if pump is not None:
            pump()

    def _leads(self, leading: bool) -> bool:
        metrics.leading.labels(f"relay-{self.db.service}-{self.name}").set(leading)
        if not leading:
            self._let_go()
            self._confirmed = None
        return leading

    def _measure(self) -> None:
        depth, oldest = self.feed.waiting(self.db, self.cursor())
        if depth < 0:
            # The database was restored to an earlier state: read its cursor instead of using ours.
            self._confirmed = None
        age = (datetime.now(UTC) - datetime.fromisoformat(oldest)).total_seconds() if oldest else 0.0
        metrics.outbox_depth.labels(self.db.service, self.name).set(max(depth, 0))
        metrics.outbox_age.labels(self.db.service, self.name).set(max(age, 0.0))

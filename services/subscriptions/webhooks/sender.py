"""Calls the webhooks: fills their queues from the log, sends what is due, and notes how it went.

One process of several does it. Each webhook has a few calls at a time and a rate of its own, so a slow one delays no
other; each key of a webhook has one call at a time, so its versions arrive in order.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from services.subscriptions.keys import MasterKey
from services.subscriptions.log.store import LogStore
from services.subscriptions.webhooks.caller import CALL_SECONDS, Caller
from services.subscriptions.webhooks.queue import USUAL, DeliveryQueue, Due, Keeping, Outcome, Webhook
from shared import log
from shared.errors import TongyuanError
from shared.webhooks.addresses import AddressRules, Resolve, resolved
from shared.webhooks.schedule import RESTS

AT_ONCE = 4
"""Calls to one webhook at a time."""

MOST_CALLS = 200
ROLE = "webhooks"
TURN_SECONDS = 0.05
IDLE_SECONDS = 1.0
HOUSEKEEPING = timedelta(minutes=10)
_log = log.get("webhooks")


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


@dataclass(frozen=True)
class Calling:
    """How calls are made: `rests` after failures, `patience` for each, name resolution; and how long they are kept."""

    rules: AddressRules
    rests: Sequence[float] = RESTS
    patience: float = CALL_SECONDS
    resolve: Resolve = resolved
    keeping: Keeping = USUAL


class WebhookSender:
    """Sends the deliveries of one county's webhooks."""

    def __init__(self, store: LogStore, key: MasterKey, calling: Calling) -> None:
        self._db, self._key, self._calling = store.db, key, calling
        self.queue = DeliveryQueue(store, calling.rests, calling.keeping)
        self._busy: Counter[str] = Counter()
        self._under_way: set[tuple[str, str]] = set()
        self._rates: dict[str, Rate] = {}
        self._calls: set[asyncio.Task[Outcome]] = set()
        self._done: list[Outcome] = []
        self._pruned = datetime.min.replace(tzinfo=UTC)

    def run(self, stop: threading.Event) -> None:
        """Send what is due until `stop` is set. If the database is down, retry."""
        asyncio.run(self._run(stop))

    async def _run(self, stop: threading.Event) -> None:
        listener = self._db.notifier.listener()
        caller = Caller(self._calling.rules, self._calling.resolve, self._calling.patience)
        try:
            while not stop.is_set():
                try:
                    busy = await asyncio.to_thread(listener.lead, ROLE) and await self._turn(caller)
                except TongyuanError as error:
                    _log.warning("webhooks wait", reason=str(error))
                    busy = False
                if busy or self._calls:
                    await asyncio.sleep(TURN_SECONDS)
                else:
                    await asyncio.to_thread(listener.wait, IDLE_SECONDS)
            for call in self._calls:
                call.cancel()
            await asyncio.gather(*self._calls, return_exceptions=True)
        finally:
            await caller.close()
            listener.close()

    async def _turn(self, caller: Caller) -> bool:
        """Note what is done, then begin what is due. Return whether anything moved."""
        done, self._done = self._done, []
        try:
            found = await asyncio.to_thread(self._work, done)
        except TongyuanError:
            self._done = done + self._done  # not noted: noted at the next turn, or sent again by a successor
            raise
        for one in done:
            self._busy[one.due.webhook.id] -= 1
            self._under_way.discard((one.due.webhook.id, one.due.key))
        for due, generations in found:
            self._begin(caller, due, generations)
        return bool(done or found)

    def _work(self, done: Sequence[Outcome]) -> list[tuple[Due, Sequence[int]]]:
        if done:
            self.queue.note(done)
        now = datetime.now(UTC)
        if now - self._pruned > HOUSEKEEPING:
            self.queue.prune()
            self._pruned = now
        self.queue.fill()
        found: list[tuple[Due, Sequence[int]]] = []
        # Of what was just noted the keys are free only after this turn, so that nothing is sent from an old reading.
        for webhook in self.queue.waiting():
            room = min(
                AT_ONCE - self._busy[webhook.id], self._rate(webhook), MOST_CALLS - len(self._calls) - len(found)
            )
            if room > 0:
                found += self._due(webhook, room)
        return found

    def _due(self, webhook: Webhook, room: int) -> list[tuple[Due, Sequence[int]]]:
        # Those under way are still due in the store, so ask for as many more.
        rows = self.queue.due(webhook, room + self._busy[webhook.id])
        free = [one for one in rows if (webhook.id, one.key) not in self._under_way][:room]
        generations = self.queue.generations(webhook.id) if free else ()
        return [(one, generations) for one in free]

    def _rate(self, webhook: Webhook) -> int:
        return self._rates.setdefault(webhook.id, Rate(webhook.rate)).allowed(webhook.rate)

    def _begin(self, caller: Caller, due: Due, generations: Sequence[int]) -> None:
        self._rates[due.webhook.id].left -= 1
        self._busy[due.webhook.id] += 1
        self._under_way.add((due.webhook.id, due.key))
        keys = [self._key.signing(due.webhook.id, one) for one in generations]
        call = asyncio.create_task(caller.call(due, keys))
        self._calls.add(call)
        call.add_done_callback(self._ended)

    def _ended(self, call: "asyncio.Task[Outcome]") -> None:
        self._calls.discard(call)
        if not call.cancelled():
            self._done.append(call.result())

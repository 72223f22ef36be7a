"""Makes all calls of the county: sends what is due to webhooks and to hooks of cases, and notes how it went.

One process of several does it. Each webhook, and each host of hooks, has a few calls at a time and a rate of its own,
so a slow one delays no other; each key of a webhook has one call at a time, so its versions arrive in order.
"""

import asyncio
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from services.subscriptions.case_hooks.queue import HookQueue
from services.subscriptions.webhooks.caller import Caller
from services.subscriptions.webhooks.message import Message
from services.subscriptions.webhooks.queue import DeliveryQueue
from services.subscriptions.webhooks.traffic import Traffic
from shared import log
from shared.database.engine import Database
from shared.errors import TongyuanError
from shared.webhooks.addresses import Resolve

ROLE = "webhooks"
TURN_SECONDS = 0.05
IDLE_SECONDS = 1.0
HOUSEKEEPING = timedelta(minutes=10)
_log = log.get("webhooks")


class WebhookSender:
    """Sends the deliveries of one county's webhooks and the news of its hooks."""

    def __init__(self, db: Database, queue: DeliveryQueue, hooks: HookQueue, resolve: Resolve) -> None:
        self._db, self.queue, self._resolve = db, queue, resolve
        self._sides: Sequence[Traffic[Any]] = (Traffic(queue), Traffic(hooks))
        self._calls: set[asyncio.Task[Any]] = set()
        self._pruned = datetime.min.replace(tzinfo=UTC)

    def run(self, stop: threading.Event) -> None:
        """Send what is due until `stop` is set. If the database is down, retry."""
        asyncio.run(self._run(stop))

    async def _run(self, stop: threading.Event) -> None:
        listener = self._db.notifier.listener()
        caller = Caller(self._resolve)
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
        found = await asyncio.to_thread(self._work)
        done = sum(side.released() for side in self._sides)
        for side, due, message in found:
            side.begun(due)
            call = asyncio.create_task(caller.call(due, message))
            self._calls.add(call)
            call.add_done_callback(partial(self._ended, side))
        return bool(done or found)

    def _work(self) -> list[tuple[Traffic[Any], Any, Message]]:
        for side in self._sides:
            side.note()
        now = datetime.now(UTC)
        if now - self._pruned > HOUSEKEEPING:
            for side in self._sides:
                side.queue.prune()
            self._pruned = now
        self.queue.fill()
        return [(side, due, message) for side in self._sides for due, message in side.found()]

    def _ended(self, side: Traffic[Any], call: "asyncio.Task[Any]") -> None:
        self._calls.discard(call)
        if not call.cancelled():
            side.ended(call.result())

"""`/v1/stream`: the feed as server-sent events. Each event's `id` is a cursor, so a reader resumes where it was.

A reader that cannot be resumed gets the event `reset` with the reason, and is sent to the snapshot. The key is checked
again before every batch, so a revoked one ends the stream at once. A reader that does not read is cut off.
"""

import asyncio
import time
from dataclasses import dataclass

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Receive, Scope, Send

from services.subscriptions.feed.cursors import StartOver
from services.subscriptions.feed.hub import Hub
from services.subscriptions.feed.reading import FeedReader, Page
from services.subscriptions.registry.access import SubscriberDoor
from shared import metrics
from shared.errors import TongyuanError
from shared.web.edge import safe_headers
from shared.web.event_stream import STREAM_HEADERS, encode

BATCH = 100
BATCH_BYTES = 256 * 1024
SEND_TIMEOUT = 5.0
HEARTBEAT = 15.0
CHECK_SECONDS = 2.0
NAME = "subscriptions"
SNAPSHOT = "snapshot"


@dataclass
class FeedStream:
    """The ASGI app of all readers' streams."""

    door: SubscriberDoor
    reader: FeedReader
    hub: Hub
    clients: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one reader. Raises the errors of a wrong key or cursor before the response is started."""
        key, cursor = _asked(scope)
        # Raises before the response begins, so that a wrong key is a 401 like everywhere.
        subscriber = await run_in_threadpool(self.door.subscriber, key, "feed")
        reset: StartOver | None = None
        try:
            place = await run_in_threadpool(self.reader.place, subscriber.subscription, cursor)
        except StartOver as error:
            reset, place = error, 0
        headers = [*STREAM_HEADERS, *safe_headers(STREAM_HEADERS, scope)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if reset is not None:
            told = orjson.dumps({"reason": reset.reason, "snapshot": SNAPSHOT}).decode()
            await send({"type": "http.response.body", "body": encode("reset", told)})
            return
        await self._follow(key, place, receive, send)

    async def _follow(self, key: str, place: int, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_left(receive))
        self._count(1)
        try:
            await self._events(key, place, gone, send)
            await send({"type": "http.response.body", "body": b""})
        except (OSError, TimeoutError):
            metrics.stream_evictions.labels(NAME).inc()
        finally:
            self._count(-1)
            gone.cancel()

    async def _events(self, key: str, place: int, gone: "asyncio.Future[None]", send: Send) -> None:
        hello, sent = True, time.monotonic()
        while not gone.done() and not self.hub.ended:
            news = self.hub.expect()
            try:
                page = await run_in_threadpool(self._page, key, place)
            except TongyuanError:
                # Revoked, or the log was begun anew: the reader comes back and is told by status or `reset`.
                self.hub.leave(news)
                return
            data = b"".join(encode("event", text, cursor) for text, cursor in page.events)
            if (hello and not page.more) or time.monotonic() - sent > HEARTBEAT:
                data += encode("sync", f'{{"position":{page.position}}}', page.cursor)
                hello = False
            if data:
                async with asyncio.timeout(SEND_TIMEOUT):
                    await send({"type": "http.response.body", "body": data, "more_body": True})
                sent = time.monotonic()
            place = page.position
            if not page.more:
                await asyncio.wait([news, gone], timeout=CHECK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            self.hub.leave(news)

    def _page(self, key: str, place: int) -> Page:
        subscriber = self.door.subscriber(key, "feed")
        return self.reader.page(subscriber.subscription, place, BATCH, BATCH_BYTES)

    def _count(self, change: int) -> None:
        self.clients += change
        metrics.stream_clients.labels(NAME).set(self.clients)


def _asked(scope: Scope) -> tuple[str, str]:
    """Return the header `Authorization` and the cursor: of the header `Last-Event-ID`, or of the query."""
    headers = dict(scope["headers"])
    query = dict(part.split("=", 1) for part in scope["query_string"].decode("latin-1").split("&") if "=" in part)
    cursor = headers.get(b"last-event-id", b"").decode("latin-1") or query.get("cursor", "")
    return headers.get(b"authorization", b"").decode("latin-1"), cursor[:200]


async def _left(receive: Receive) -> None:
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()

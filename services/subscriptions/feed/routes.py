"""`/v1/feed` and `/v1/snapshot`, for subscribers with a key."""

import asyncio
import time
from collections.abc import Callable
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from contracts.base import Json
from services.subscriptions.feed.cursors import StartOver
from services.subscriptions.feed.hub import Hub
from services.subscriptions.feed.reading import FeedReader, Page
from services.subscriptions.registry.access import ReadsAs, Subscriber, SubscriberDoor
from shared.web.admission import List
from shared.web.edge import After, problem

LONGEST_WAIT = 25
NO_STORE = {"Cache-Control": "no-store"}
Cursor = Annotated[str, Query(max_length=200, description="`cursor` of the previous page; empty: from the beginning.")]
Limit = Annotated[int, Query(ge=1, le=1000)]
Wait = Annotated[int, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for an event if there is none.")]
GONE: Any = {410: {"description": "The cursor cannot be continued; `reason` and `snapshot` say where to start"}}


def feed_router(door: SubscriberDoor, reader: FeedReader, hub: Hub) -> APIRouter:
    """Return the routes of subscribers."""
    router = APIRouter(prefix="/v1", tags=["feed"])
    may_read: Any = Depends(ReadsAs(door, "feed"))

    @router.get("/feed", dependencies=[List], responses=GONE, summary="Read the events after a cursor, or wait for one")
    async def feed(
        request: Request, subscriber: Subscriber = may_read, cursor: Cursor = "", limit: Limit = 100, wait: Wait = 0
    ) -> Response:
        """`events` are CloudEvents. Store `cursor` when they are processed; `more` false: you are up to date."""
        place = await run_in_threadpool(reader.place, subscriber.subscription, cursor)

        def read() -> Page:
            # The key may have been revoked while its reader waited.
            counting = door.subscriber(request.headers["authorization"], "feed")
            return reader.page(counting.subscription, place, limit)

        page = await _page_or_wait(hub, read, wait)
        return _answer(page, {"more": page.more})

    @router.get(
        "/snapshot",
        dependencies=[List],
        responses=GONE,
        summary="Read the newest event of every key, to start or start over",
    )
    def snapshot(
        subscriber: Subscriber = may_read, after: After = "", cursor: Cursor = "", limit: Limit = 100
    ) -> Response:
        """Send `next` as `after`, and the first page's `cursor`, until `next` is null; go on with the feed."""
        page, following = reader.snapshot(subscriber.subscription, after, limit, cursor)
        return _answer(page, {"next": following})

    @router.get("/subscription", summary="Read what you have subscribed to, and its state")
    def own(response: Response, subscriber: Subscriber = may_read) -> Json:
        response.headers.update(NO_STORE)
        row = subscriber.subscription
        shown = row.model_dump(exclude={"filters", "contact", "created_at", "changed_at", "revision"})
        return {**shown, "filters": orjson.loads(row.filters), "scopes": sorted(subscriber.scopes)}

    return router


async def _page_or_wait(hub: Hub, read: Callable[[], Page], wait: int) -> Page:
    """Return the first page that is not empty, or the one at the end of the waiting."""
    ends = time.monotonic() + wait
    while True:
        news = hub.expect()
        try:
            page = await run_in_threadpool(read)
            left = ends - time.monotonic()
            if page.events or page.more or left <= 0 or hub.ended:
                return page
            await asyncio.wait([news], timeout=left)
        finally:
            hub.leave(news)


def _answer(page: Page, more: Json) -> Response:
    """Join the events as they are stored: they are JSON already."""
    events = ",".join(text for text, _ in page.events)
    rest = orjson.dumps({"cursor": page.cursor, "position": page.position, **more}).decode()
    return Response(f'{{"events":[{events}],{rest[1:]}', media_type="application/json", headers=NO_STORE)


async def start_over(_request: Request, error: StartOver) -> Response:
    """Answer a cursor that cannot be continued: where to start, and never "you missed nothing"."""
    return problem(410, error.title, str(error), reason=error.reason, snapshot="snapshot")

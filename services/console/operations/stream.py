"""The live picture: server-sent events with the part of a page that changes, until session or reader ends it."""

import asyncio
from collections.abc import AsyncIterator, Callable

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from services.console.accounts.sign_in import SignIn
from services.console.operations.room import Reader, Room
from services.console.pages.frame import templates
from shared.errors import TooManyRequests
from shared.tokens.person import Person
from shared.web.event_stream import encode

TICK_SECONDS = 2.0
MOST_STREAMS = 40
"""Open streams of a process. Each renders a page part every two seconds."""

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def stream_routes(room: Room) -> APIRouter:
    """Return the route. It is named like the channels' streams, so that admission counts it as one."""
    routes = APIRouter()
    streams = _Streams(room)

    @routes.get("/v1/stream", tags=["operations"], summary="Follow the pipeline: server-sent events", responses=EVENTS)
    def stream(request: Request, person: Reader, channel: str = "") -> Response:
        """Event `part` with JSON `{html}`, when it has changed; `end` when the session is over. At most 40 at once."""
        if channel:
            room.require(channel)
        streams.require_place()
        return StreamingResponse(streams.events(request, person, channel), headers=HEADERS, media_type=SSE)

    return routes


SSE = "text/event-stream"
EVENTS: dict[int | str, dict[str, object]] = {200: {"description": "Events", "content": {SSE: {}}}}


class _Streams:
    """The open streams of this process."""

    def __init__(self, room: Room) -> None:
        self._room, self._open = room, 0

    def require_place(self) -> None:
        """Raise `TooManyRequests` when all places are taken."""
        if self._open >= MOST_STREAMS:
            raise TooManyRequests("too many live pages are open", int(TICK_SECONDS))

    async def events(self, request: Request, person: Person, channel: str) -> AsyncIterator[bytes]:
        """Yield events until the session is over; the server ends it when the reader has left."""
        before = ""
        is_over = _session_check(request)
        self._open += 1
        try:
            while True:
                if await run_in_threadpool(is_over):
                    yield encode("end", "{}")
                    return
                html = await run_in_threadpool(part, self._room, person, channel)
                yield encode("part", orjson.dumps({"html": html}).decode()) if html != before else b": alive\n\n"
                before = html
                await asyncio.sleep(TICK_SECONDS)
        finally:
            self._open -= 1


def part(room: Room, person: Person, channel: str) -> str:
    """Return the part of the page that changes: the whole picture, or one channel's state."""
    picture = room.observatory.picture(person)
    template = "_channel.html" if channel else "_pipeline.html"
    one = picture.channel(channel) if channel else None
    return templates().get_template(template).render(picture=picture, part=one, jobs=room.jobs.newest())


def _session_check(request: Request) -> Callable[[], bool]:
    """Return whether the session is over, without counting as a use of it: an open page must not keep it alive."""
    signed_in = request.state.signed_in
    sign_in: SignIn = request.app.state.sign_ins
    if signed_in is None:  # an API token: it was checked when the stream began
        return lambda: False
    return lambda: all(row.token_hash != signed_in.token_hash for row in sign_in.sessions.of(signed_in.person.name))

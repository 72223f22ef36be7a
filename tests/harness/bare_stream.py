"""A minimal page with one event stream and one text that changes: what the browser itself costs."""

import asyncio
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

PAGE = """<!doctype html><html lang="zh"><title>bare</title><main id="main"></main><script>
new EventSource("/stream").onmessage = (event) => { document.getElementById("main").textContent = event.data }
</script></html>"""

_screens: set[asyncio.Queue[str]] = set()


async def _page(_request: Request) -> Response:
    return HTMLResponse(PAGE)


async def _stream(_request: Request) -> Response:
    queue: asyncio.Queue[str] = asyncio.Queue()
    _screens.add(queue)

    async def events() -> AsyncIterator[str]:
        yield "data: \n\n"
        while True:
            yield f"data: {await queue.get()}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


async def _say(request: Request) -> Response:
    for queue in _screens:
        queue.put_nowait((await request.body()).decode())
    return Response(status_code=204)


app = Starlette(routes=[Route("/", _page), Route("/stream", _stream), Route("/say", _say, methods=["POST"])])

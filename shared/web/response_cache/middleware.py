"""The ASGI app in front of all others of a channel's process: a response that many request is made once.

Plain ASGI, because at these rates a router costs more than the response. `sharing` defines which responses are shared;
every other request is passed to the app unchanged.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import TongyuanError
from shared.web.edge import OF_OPERATORS, STREAM
from shared.web.response_cache.answer import CachedAnswer, captured
from shared.web.response_cache.cache import Key, ResponseCache, StoreVersion
from shared.web.response_cache.sharing import asked, of_everybody, of_one


@dataclass(frozen=True, slots=True)
class CachedService:
    """One service: its cache, and which of its paths (without its name) are shareable."""

    page: ResponseCache
    is_shareable: Callable[[str], bool]


class ResponseCacheMiddleware:
    """The ASGI app around all others of a process. `services`: by the first part of the path.

    `streams`: apps of event streams, by path; they stay open for hours, and every layer around one costs memory.
    """

    def __init__(
        self, app: ASGIApp, services: Mapping[str, CachedService], streams: Mapping[str, ASGIApp] | None = None
    ) -> None:
        self._app = app
        self._services = {f"/{name}/".encode(): served for name, served in services.items()}
        self._streams = {f"/{name}{STREAM}": stream for name, stream in (streams or {}).items()}
        self._making: dict[Key, asyncio.Future[CachedAnswer | None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        served = self._served(scope)
        if served is None:
            await self._behind(scope)(scope, receive, send)
            return
        page, request = served.page, asked(scope)
        answer = page.find(request.key) if request.key is not None else None
        if answer is not None:
            page.counted(await answer.send(send, request.known, request.accepted))
            return
        if not served.is_shareable(_within(scope)):
            await self._passed(page, scope, receive, send)
            return
        if request.key is None:
            answer = await self._made(page, None, of_one(scope), receive)
        else:
            answer = await self._made_once(page, request.key, scope, receive)
        await answer.send(send, request.known, request.accepted)

    def _behind(self, scope: Scope) -> ASGIApp:
        if scope["type"] != "http" or scope["method"] != "GET":
            return self._app
        return self._streams.get(scope["path"], self._app)

    def _served(self, scope: Scope) -> CachedService | None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"].endswith((STREAM, *OF_OPERATORS)):
            return None
        path: bytes = scope["raw_path"]
        return self._services.get(path[: path.find(b"/", 1) + 1])

    async def _passed(self, page: ResponseCache, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the app's response to its reader as it comes; it is neither cached nor shared."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                await _look(page)
            await send(message)

        await self._app(scope, receive, sending)

    async def _made_once(self, page: ResponseCache, key: Key, scope: Scope, receive: Receive) -> CachedAnswer:
        """Let one of several simultaneous requests make the response; the others wait for it.

        If the response may not be shared, or making it fails, each waiting request is passed to the app by itself.
        """
        making = self._making.get(key)
        if making is not None:
            shared = await asyncio.shield(making)
            return shared if shared is not None else await self._made(page, None, of_one(scope), receive)
        making = self._making[key] = asyncio.get_running_loop().create_future()
        shared = None
        try:
            answer = await self._made(page, key, of_everybody(scope), receive)
            shared = answer if answer.may_be_shared else None
        finally:
            del self._making[key]
            making.set_result(shared)
        return answer if shared is not None else await self._own(page, answer, scope, receive)

    async def _own(self, page: ResponseCache, answer: CachedAnswer, scope: Scope, receive: Receive) -> CachedAnswer:
        """Make a response again for its own reader if it depends on headers that were removed."""
        return await self._made(page, None, of_one(scope), receive) if answer.varies else answer

    async def _made(self, page: ResponseCache, key: Key | None, scope: Scope, receive: Receive) -> CachedAnswer:
        """Make a response; cache it under `key` if allowed."""
        seen = page.mark
        answer = await captured(self._app, scope, receive)
        found = await _look(page)
        if found is not None and key is not None and answer.may_be_kept:
            page.keep(key, answer, found[0], seen, found[1])
        return answer


async def _look(page: ResponseCache) -> tuple[StoreVersion, float] | None:
    """Read the store's mark before a response is sent: a reader told of a change must never find older data later.

    Returns None, after dropping the cache, when the store cannot tell its mark.
    """
    try:
        mark, ends_in = await run_in_threadpool(page.look)
    except TongyuanError:
        page.forget()
        return None
    page.turn(mark, ends_in)
    return mark, ends_in


def _within(scope: Scope) -> str:
    """Return the path without the service's name."""
    path: str = scope["path"]
    return path[path.find("/", 1) :]

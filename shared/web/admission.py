"""Admission of every request of a process: it gets a share of the bytes, or a place among the streams."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fastapi import Depends, HTTPException, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import metrics
from shared.errors import Unavailable
from shared.web.body_sizes import LARGEST, MOST
from shared.web.callers import known_address, place_of
from shared.web.edge import OF_OPERATORS, STREAM
from shared.web.limits import Limits
from shared.web.memory_budget import Pool
from shared.web.server.refusal import RETRY_SECONDS, WHY, send_problem

REQUEST_BYTES = 65_536
"""Bytes reserved per request, whatever it asks for: its head, the app's state, the kernel's send buffer."""

LIST_BYTES = 16 * 2**20
"""Bytes reserved while a response of `shared.web.list_size` is made: rows, texts and the whole are in memory together,
with a margin. Making more than four at once is not faster, because the others wait for the interpreter.
Measured by `tests/faults/test_budgets.py`.
"""

CHUNK = 65_536
"""Bytes sent at a time. The next chunk is sent when the client has taken this one."""

SHARE = "tongyuan.share"


class Admission:
    """The outermost ASGI app of a process."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._pools = Pools(limits)
        self._streams = Streams(limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A supervisor's probe must be answered, above all when there is no room.
        if scope["type"] != "http" or scope["path"].endswith(OF_OPERATORS):
            await self._app(scope, receive, send)
        elif scope["path"].endswith(STREAM) and scope["method"] == "GET":
            await self._stream(scope, receive, send)
        else:
            await self._request(scope, receive, send)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        share = RequestShare(self._pools, scope)
        try:
            with self._streams.place(scope["client"][0] if scope.get("client") else ""):
                await self._app(scope, receive, share.sending(send))
        except NoPlace as error:
            metrics.http_cut.labels(f"streams-{error.status}").inc()
            await send_problem(error.status, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        share = RequestShare(self._pools, scope)
        try:
            await share.come_in()
        except Unavailable:
            await send_problem(503, send)
            return
        scope[SHARE] = share
        try:
            await self._app(scope, share.receiving(receive), share.sending(send))
        finally:
            share.close()


class Pools:
    """The pools of a process: a quarter for requests, half for lists, and room for one import of maximum size."""

    def __init__(self, limits: Limits) -> None:
        most, patience = limits.bytes_in_flight, limits.patience_seconds
        self.requests = Pool("requests", most // 4, patience)
        self.bodies = Pool("bodies", max(most // 4, LARGEST + MOST), patience)
        self.lists = Pool("lists", most // 2, patience)


class RequestShare:
    """What one request holds of the pools."""

    __slots__ = ("_body", "_cut", "_making", "_pools", "_request")

    def __init__(self, pools: Pools, scope: Scope) -> None:
        self._pools = pools
        self._request = self._body = self._making = 0
        connection = scope.get("extensions", {}).get("tongyuan.connection")
        self._cut: Callable[[str], None] | None = connection.cut if connection else None

    async def come_in(self) -> None:
        """Reserve the bytes of a request. Raises `Unavailable`, like every reservation."""
        await self._pools.requests.take(REQUEST_BYTES)
        self._request = REQUEST_BYTES

    async def make_list(self) -> None:
        """Reserve room for making a list; it is released when the response is made."""
        await self._pools.lists.take(LIST_BYTES)
        self._making += LIST_BYTES

    def close(self) -> None:
        self._pools.requests.give(self._request)
        self._pools.bodies.give(self._body)
        self._made()
        self._request = self._body = 0

    def receiving(self, receive: Receive) -> Receive:
        """Count a body as it arrives. FastAPI turns any other exception while it reads one into a 400."""

        async def counted() -> Message:
            with self._waited_for(self._pools.requests, self._pools.bodies):
                message = await receive()
            if body := message.get("body"):
                try:
                    await self._pools.bodies.take(len(body))
                except Unavailable:
                    raise HTTPException(503, WHY[503], {"Retry-After": str(RETRY_SECONDS)}) from None
                self._body += len(body)
            return message

        return counted

    def sending(self, send: Send) -> Send:
        """Send a large body in chunks; each waits until the client has taken the previous one."""

        async def chunked(message: Message) -> None:
            body = message.get("body", b"")
            if len(body) <= CHUNK:
                with self._waited_for(self._pools.requests):
                    await send(message)
                return
            self._pools.lists.hold(body)
            self._made()
            try:
                more, view = message.get("more_body", False), memoryview(body)
                for start in range(0, len(body), CHUNK):
                    part = {**message, "body": view[start : start + CHUNK]}
                    with self._waited_for(self._pools.requests, self._pools.lists):
                        await send({**part, "more_body": more or start + CHUNK < len(body)})
            finally:
                self._pools.lists.release(body)

        return chunked

    @contextmanager
    def _waited_for(self, *pools: Pool) -> Iterator[None]:
        for pool in pools if self._cut else ():
            pool.idle(self, self._stalled)
        try:
            yield
        finally:
            for pool in pools:
                pool.busy(self)

    def _stalled(self) -> None:
        if self._cut is not None:
            self._cut("stalled")

    def _made(self) -> None:
        self._pools.lists.give(self._making)
        self._making = 0


class NoPlace(Exception):
    """No stream is available for this client now."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(WHY[status])


class Streams:
    """Counts open streams, in total and per caller."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._by_place: Counter[str] = Counter()

    @contextmanager
    def place(self, address: str) -> Iterator[None]:
        """Hold one stream. Raises `NoPlace`: 429 for a caller that has too many, 503 when all are taken."""
        who = place_of(address)
        if self._by_place[who] >= self._limits.streams_per_address and not self._is_listed(address):
            raise NoPlace(429)
        if self._by_place.total() >= self._limits.streams:
            raise NoPlace(503)
        self._by_place[who] += 1
        try:
            yield
        finally:
            self._by_place[who] -= 1
            if not self._by_place[who]:
                del self._by_place[who]

    def _is_listed(self, address: str) -> bool:
        known = known_address(address)
        return known is not None and any(known in network for network in self._limits.stream_networks)


async def _room_for_a_list(request: Request) -> None:
    share: RequestShare | None = request.scope.get(SHARE)
    if share is not None:
        await share.make_list()


List = Depends(_room_for_a_list)
"""Dependency of every route that answers with a page of `shared.web.list_size`. Raises `Unavailable`."""

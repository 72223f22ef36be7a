"""Server-sent events for many screens: one shared log of encoded frames and one cursor per client, no queue per client.

A client that does not read is disconnected after a few seconds and returns with its cursor; it never delays others. A
client that returns with an id still in the ring gets what it missed from memory; otherwise `open_stream` decides.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Protocol
from weakref import WeakSet

from starlette.types import Receive, Scope, Send

from shared import metrics
from shared.web.edge import safe_headers
from shared.web.list_size import taken

RING = 2048
RING_BYTES = 8 * 2**20
"""Most bytes in one channel's log. A client that has missed more reads `/changes`."""

JOINED_BYTES = 65_536
"""Most bytes sent at a time to a client that is catching up."""

SEND_TIMEOUT = 5.0
HEARTBEAT = 15.0
STREAM_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
_STREAMS: "WeakSet[Ending]" = WeakSet()


class Ending(Protocol):
    """What has open responses that a process which stops must end."""

    def end(self) -> None:
        """End every response. In the event loop."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One event as bytes. `number`: the change that it reports, or after which it was sent; it never decreases."""

    number: int
    data: bytes


def encode(event: str, data: str, event_id: str | None = None) -> bytes:
    """Encode one event in the wire format. `data` must be one line."""
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {event}\ndata: {data}\n\n".encode()


class Stream:
    """The log that all clients of a channel share. Frames are added from any thread, served in the event loop."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._frames: deque[Frame] = deque()
        self._bytes = self._added = 0
        # The chunk nearly every client needs next: first place, place after it, bytes.
        self._joined = (-1, -1, b"")
        self._counted = 0
        self._clients: set[_Client] = set()
        self._turn = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watching = False
        self._ending = False
        end_with_process(self)

    @property
    def has_clients(self) -> bool:
        """Whether any client listens; without one, changes need not be encoded."""
        return self._counted > 0

    def add(self, frames: list[Frame]) -> None:
        """Append frames in order of their numbers and wake every client."""
        with self._turn:
            self._frames.extend(frames)
            self._added += len(frames)
            self._bytes += sum(len(frame.data) for frame in frames)
            while len(self._frames) > RING or self._bytes > RING_BYTES:
                self._bytes -= len(self._frames.popleft().data)
            loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake)

    @contextmanager
    def listener(self) -> Iterator[None]:
        """Count a client before it asks for the channel's position: later frames must be in the log."""
        self._counted += 1
        metrics.stream_clients.labels(self.name).set(self._counted)
        try:
            yield
        finally:
            self._counted -= 1
            metrics.stream_clients.labels(self.name).set(self._counted)

    async def serve(self, send: Send, receive: Receive, hello: bytes, number: int) -> None:
        """Serve one client until it leaves or stops reading: first `hello`, then every frame after change `number`.

        The response must have been started.
        """
        client = _Client()
        self._join(client)
        leaving = asyncio.ensure_future(_left(receive, client))
        try:
            await client.give(send, hello)
            place = self._place_after(number)
            while not client.left and not self._ending:
                news = client.expect()  # before reading: what arrives in between resolves this future
                data, place = self._bytes_since(place)
                if data is None:
                    break
                if data:
                    await client.give(send, data)
                elif client.silent_for(HEARTBEAT):
                    await client.give(send, b": alive\n\n")
                else:
                    await news
            if not client.left:
                await send({"type": "http.response.body", "body": b""})
        except asyncio.CancelledError:
            if not client.stuck:
                raise
            metrics.stream_evictions.labels(self.name).inc()
        except OSError:
            metrics.stream_evictions.labels(self.name).inc()
        finally:
            self._clients.discard(client)
            leaving.cancel()

    def end(self) -> None:
        """End every response, for a process that stops: the clients come back with their cursors. In the event loop."""
        self._ending = True
        for client in tuple(self._clients):
            client.end()

    def _place_after(self, number: int) -> int:
        """Return the place in the log after every frame up to change `number`."""
        with self._turn:
            ahead = 0
            for frame in reversed(self._frames):
                if frame.number <= number:
                    break
                ahead += 1
            return self._added - ahead

    def _bytes_since(self, place: int) -> tuple[bytes | None, int]:
        """Return the next chunk after a place, and the place after it.

        The chunk is None when the client has fallen behind the ring.
        """
        with self._turn:
            if place == self._added:
                return b"", place
            if self._joined[0] != place or (self._joined[1] < self._added and len(self._joined[2]) < JOINED_BYTES):
                missed = self._added - place
                if missed > len(self._frames):
                    return None, place
                data = [frame.data for frame in islice(reversed(self._frames), missed)][::-1]
                count = taken([len(one) for one in data], JOINED_BYTES)
                self._joined = (place, place + count, b"".join(data[:count]))
            return self._joined[2], self._joined[1]

    def _join(self, client: "_Client") -> None:
        loop = asyncio.get_running_loop()
        with self._turn:
            self._loop = loop
        self._clients.add(client)
        if not self._watching:
            self._watching = True
            loop.call_soon(self._watch)

    def _wake(self) -> None:
        for client in self._clients:
            client.wake()

    def _watch(self) -> None:
        """One timer for all clients: disconnect those that do not read, send a heartbeat to the silent ones."""
        self._watching = bool(self._clients)
        for client in self._clients:
            if client.sending_for(SEND_TIMEOUT):
                client.cut()
            elif client.silent_for(HEARTBEAT):
                client.wake()
        if self._watching:
            asyncio.get_running_loop().call_later(min(1.0, SEND_TIMEOUT / 3), self._watch)


class _Client:
    """One open stream. A timer, a queue or a lock for each would cost more than the stream itself."""

    __slots__ = ("_news", "_sending", "_sent", "_task", "left", "stuck")

    def __init__(self) -> None:
        self.left = self.stuck = False
        self._task = asyncio.current_task()
        self._news: asyncio.Future[None] | None = None
        self._sending = False
        self._sent = time.monotonic()

    def expect(self) -> asyncio.Future[None]:
        """Return a future that is resolved at the next frame."""
        if self._news is None or self._news.done():
            self._news = asyncio.get_running_loop().create_future()
        return self._news

    def wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def give(self, send: Send, data: bytes) -> None:
        """Send bytes; `sending_for` tells how long the send has been pending."""
        self._sending, self._sent = True, time.monotonic()
        await send({"type": "http.response.body", "body": data, "more_body": True})
        self._sending = False

    def sending_for(self, seconds: float) -> bool:
        return self._sending and time.monotonic() - self._sent > seconds

    def silent_for(self, seconds: float) -> bool:
        return not self._sending and time.monotonic() - self._sent > seconds

    def end(self) -> None:
        """Wake the client, or cancel its pending send."""
        if self._sending:
            self.cut()
        else:
            self.wake()

    def cut(self) -> None:
        """Cancel the pending send; the client returns with its cursor."""
        self.stuck = True
        if self._task is not None:
            self._task.cancel()


def end_with_process(ending: Ending) -> None:
    """Have the responses ended when the process stops; `ending` is not kept alive."""
    _STREAMS.add(ending)


def end_all() -> None:
    """End the responses of every stream in this process, see `Stream.end`."""
    for stream in tuple(_STREAMS):
        stream.end()


class StreamApp:
    """The ASGI app at `/v1/stream`. `open_stream(last_id)` returns the hello bytes and the cursor to continue from."""

    def __init__(self, stream: Stream, open_stream: Callable[[str], Awaitable[tuple[bytes, int]]]) -> None:
        self._stream, self._open = stream, open_stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._stream.listener():
            hello, cursor = await self._open(_last_id(scope))
            await send({"type": "http.response.start", "status": 200, "headers": _headers(scope)})
            await self._stream.serve(send, receive, hello, cursor)


# Separate functions, so that their temporary data are not kept for as long as the stream is open.
def _last_id(scope: Scope) -> str:
    headers = dict(scope["headers"])
    query = dict(part.split("=", 1) for part in scope["query_string"].decode("latin-1").split("&") if "=" in part)
    last_id: str = headers.get(b"last-event-id", b"").decode("latin-1") or query.get("last_event_id", "")
    return last_id[:64]


def _headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    return [*STREAM_HEADERS, *safe_headers(STREAM_HEADERS, scope)]


async def _left(receive: Receive, client: _Client) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    client.left = True
    client.wake()

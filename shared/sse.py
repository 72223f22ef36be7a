"""Server-sent events for many screens: one shared log of ready-made bytes, one cursor a client, no queue a client.

A client that does not read is cut after a few seconds and comes back with its cursor; it never delays another. A
client that comes back with an id still in the ring gets what it missed from memory; else `recover` says what to send.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from starlette.types import Receive, Scope, Send

from shared import metrics
from shared.http import safe_headers

RING = 2048
SEND_TIMEOUT = 5.0
HEARTBEAT = 15.0
STREAM_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


@dataclass(frozen=True, slots=True)
class Frame:
    """One event as bytes. `number` is the change that it tells of, or after which it was sent; it never falls."""

    number: int
    data: bytes


def encode(event: str, data: str, event_id: str | None = None) -> bytes:
    """One event in the wire format. `data` must be one line."""
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {event}\ndata: {data}\n\n".encode()


class Stream:
    """The log that all clients of one channel share. Frames are added from any thread, served in the event loop."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._frames: deque[Frame] = deque(maxlen=RING)
        self._added = 0
        # What nearly every client gets next: from a place up to a number of frames, as bytes.
        self._joined = (-1, -1, b"")
        self._counted = 0
        self._clients: set[_Client] = set()
        self._turn = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watching = False

    @property
    def has_clients(self) -> bool:
        """Whether anybody listens; without, changes need not be encoded."""
        return self._counted > 0

    def add(self, frames: list[Frame]) -> None:
        """Append frames in order of their numbers; wakes every client."""
        with self._turn:
            self._frames.extend(frames)
            self._added += len(frames)
            loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake)

    @contextmanager
    def listener(self) -> Iterator[None]:
        """Count a client, from before it asks where the channel is: what comes later must be in the log."""
        self._counted += 1
        metrics.stream_clients.labels(self.name).set(self._counted)
        try:
            yield
        finally:
            self._counted -= 1
            metrics.stream_clients.labels(self.name).set(self._counted)

    async def serve(self, send: Send, receive: Receive, hello: bytes, number: int) -> None:
        """One client until it leaves or stops reading. `hello` goes first, then every frame after change `number`.

        The answer must have been started.
        """
        client = _Client()
        self._join(client)
        leaving = asyncio.ensure_future(_left(receive, client))
        try:
            await client.give(send, hello)
            place = self._place_after(number)
            while not client.left:
                news = client.expect()  # before reading: what arrives in between rings this very bell
                data, place = self._bytes_since(place)
                if data is None:
                    break
                if data:
                    await client.give(send, data)
                elif client.silent_for(HEARTBEAT):
                    await client.give(send, b": alive\n\n")
                else:
                    await news
        except asyncio.CancelledError:
            if not client.stuck:
                raise
            metrics.stream_evictions.labels(self.name).inc()
        except OSError:
            metrics.stream_evictions.labels(self.name).inc()
        finally:
            self._clients.discard(client)
            leaving.cancel()

    def _place_after(self, number: int) -> int:
        """Place in the log behind every frame up to change `number`."""
        with self._turn:
            ahead = 0
            for frame in reversed(self._frames):
                if frame.number <= number:
                    break
                ahead += 1
            return self._added - ahead

    def _bytes_since(self, place: int) -> tuple[bytes | None, int]:
        """What comes after a place, and the place after that; None when the client fell off the end of the ring."""
        with self._turn:
            if place == self._added:
                return b"", place
            if self._joined[:2] != (place, self._added):
                missed = self._added - place
                if missed > len(self._frames):
                    return None, place
                frames = list(islice(reversed(self._frames), missed))[::-1]
                self._joined = (place, self._added, b"".join(frame.data for frame in frames))
            return self._joined[2], self._added

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
        """One clock for all: who does not take what is sent is cut, who has heard nothing for long is greeted."""
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
        """The bell of the next news."""
        if self._news is None or self._news.done():
            self._news = asyncio.get_running_loop().create_future()
        return self._news

    def wake(self) -> None:
        """Ring it."""
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def give(self, send: Send, data: bytes) -> None:
        """Send; `sending_for` tells for how long it has not been taken."""
        self._sending, self._sent = True, time.monotonic()
        await send({"type": "http.response.body", "body": data, "more_body": True})
        self._sending = False

    def sending_for(self, seconds: float) -> bool:
        return self._sending and time.monotonic() - self._sent > seconds

    def silent_for(self, seconds: float) -> bool:
        return not self._sending and time.monotonic() - self._sent > seconds

    def cut(self) -> None:
        """End it in the middle of a send; it comes back with its cursor."""
        self.stuck = True
        if self._task is not None:
            self._task.cancel()


class StreamApp:
    """The ASGI app at `/v1/stream`. `open_stream(last_id)` gives the hello bytes and the cursor to go on from."""

    def __init__(self, stream: Stream, open_stream: Callable[[str], Awaitable[tuple[bytes, int]]]) -> None:
        self._stream, self._open = stream, open_stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        with self._stream.listener():
            hello, cursor = await self._open(_last_id(scope))
            await send({"type": "http.response.start", "status": 200, "headers": _headers(scope)})
            await self._stream.serve(send, receive, hello, cursor)


# What is worked out once at the start must not lie in memory for as long as the stream is open.
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

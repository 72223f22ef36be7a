"""Server-sent events for many screens: one shared log of ready-made bytes, one cursor a client, no queue a client.

A client that does not read is cut after a few seconds and comes back with its cursor; it never delays another. A
client that comes back with an id still in the ring gets what it missed from memory; else `recover` says what to send.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from starlette.types import Receive, Scope, Send

from shared import metrics

RING = 2048
SEND_TIMEOUT = 5.0
HEARTBEAT = 15.0


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
        self._clients = 0
        self._turn = threading.Lock()
        self._changed: asyncio.Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def has_clients(self) -> bool:
        """Whether anybody listens; without, changes need not be encoded."""
        return self._clients > 0

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
        self._clients += 1
        metrics.stream_clients.labels(self.name).set(self._clients)
        try:
            yield
        finally:
            self._clients -= 1
            metrics.stream_clients.labels(self.name).set(self._clients)

    async def serve(self, send: Send, receive: Receive, hello: bytes, number: int) -> None:
        """One client until it leaves or stops reading. `hello` goes first, then every frame after change `number`."""
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await _start(send)
            await self._send(send, hello)
            place = self._place_after(number)
            while not leaving.done():
                changed = self._listening()  # before reading: what arrives in between rings this very bell
                frames = self._since(place)
                if frames is None:
                    break
                if frames:
                    await self._send(send, b"".join(frame.data for frame in frames))
                    place += len(frames)
                else:
                    await self._wait(changed, leaving, send)
        except (TimeoutError, OSError):
            metrics.stream_evictions.labels(self.name).inc()
        finally:
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

    def _since(self, place: int) -> list[Frame] | None:
        """Frames from a place on; None when the client fell off the end of the ring and must come back."""
        with self._turn:
            missed = self._added - place
            if missed > len(self._frames):
                return None
            return list(islice(reversed(self._frames), missed))[::-1]

    async def _wait(self, changed: asyncio.Future[None], leaving: asyncio.Future[None], send: Send) -> None:
        done, _ = await asyncio.wait({changed, leaving}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            await self._send(send, b": alive\n\n")

    async def _send(self, send: Send, data: bytes) -> None:
        async with asyncio.timeout(SEND_TIMEOUT):
            await send({"type": "http.response.body", "body": data, "more_body": True})

    def _listening(self) -> asyncio.Future[None]:
        if self._changed is None:
            loop = asyncio.get_running_loop()
            self._changed = loop.create_future()
            with self._turn:
                self._loop = loop
        return self._changed

    def _wake(self) -> None:
        if self._changed is not None:
            self._changed.set_result(None)
            self._changed = None


class StreamApp:
    """The ASGI app at `/v1/stream`. `open_stream(last_id)` gives the hello bytes and the cursor to go on from."""

    def __init__(self, stream: Stream, open_stream: Callable[[str], Awaitable[tuple[bytes, int]]]) -> None:
        self._stream, self._open = stream, open_stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        headers = dict(scope["headers"])
        query = dict(part.split("=", 1) for part in scope["query_string"].decode("latin-1").split("&") if "=" in part)
        last_id = headers.get(b"last-event-id", b"").decode("latin-1") or query.get("last_event_id", "")
        with self._stream.listener():
            hello, cursor = await self._open(last_id[:64])
            await self._stream.serve(send, receive, hello, cursor)


async def _start(send: Send) -> None:
    headers = [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

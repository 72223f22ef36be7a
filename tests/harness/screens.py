"""A client of an event stream at ASGI level: it reads, stops reading, and reconnects."""

import asyncio
import threading
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any, Self

import orjson
from starlette.types import ASGIApp, Message

from tests.harness.rabbitmq import wait_until


@dataclass(frozen=True)
class Heard:
    """One event."""

    event: str
    data: Any
    id: str | None


class Screen:
    """Open while in `with`; `stick` makes it stop reading, as on a stuck network."""

    def __init__(self, app: ASGIApp, path: str, last_id: str | None = None) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.heard: list[Heard] = []
        self.ended = threading.Event()
        self._reading = asyncio.Event()
        self._reading.set()
        self._app, self._rest = app, b""
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "scheme": "http",
            "query_string": b"",
            "headers": [(b"last-event-id", last_id.encode())] if last_id else [],
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
        }
        self._leaving = asyncio.Event()

    def __enter__(self) -> Self:
        self._stream = asyncio.run_coroutine_threadsafe(self._run(), _loop())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        _loop().call_soon_threadsafe(self._leaving.set)
        _loop().call_soon_threadsafe(self._reading.set)
        assert self.ended.wait(60), "the stream did not notice that its screen has left"
        self._stream.result()

    def wait_for(self, event: str, count: int = 1) -> list[Heard]:
        """Return the first `count` events of this name, as soon as they have arrived."""
        wait_until(lambda: len(self.of(event)) >= count, f"no {event}: {self.heard}")
        return self.of(event)[:count]

    def stick(self) -> None:
        """Stop reading until the end."""
        _loop().call_soon_threadsafe(self._reading.clear)

    def of(self, event: str) -> list[Heard]:
        """Return the events of this name."""
        return [heard for heard in list(self.heard) if heard.event == event]

    async def _run(self) -> None:
        try:
            await self._app(self._scope, self._receive, self._send)
        finally:
            self.ended.set()

    async def _receive(self) -> Message:
        await self._leaving.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        await self._reading.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        *whole, self._rest = (self._rest + message.get("body", b"")).split(b"\n\n")
        self.heard += [_parsed(text.decode()) for text in whole if not text.startswith(b":")]


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return one event loop for all screens, as in a server."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop


def _parsed(text: str) -> Heard:
    fields = dict(line.split(": ", 1) for line in text.split("\n"))
    return Heard(fields["event"], orjson.loads(fields["data"]), fields.get("id"))

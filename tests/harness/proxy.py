"""A TCP proxy on loopback as a network that a test can make slow, silent, one-way or broken.

with Proxy(rabbit_port) as network:
    publisher = AmqpPublisher(f"amqp://…@127.0.0.1:{network.port}/…")
    network.freeze()      # connections stay open, nothing arrives
    network.resume()      # now it arrives, in order: TCP loses nothing of a living connection
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal, Self

Way = Literal["up", "down"]
"""`up`: from client to server; `down`: the answers."""

BOTH: tuple[Way, Way] = ("up", "down")
RESET = struct.pack("ii", 1, 0)
CHUNK = 4096


class Proxy:
    """Forwards its `port` (of the address `host`) to `target` on this machine. One proxy is one cable.

    All methods may be called at any time from any thread, and have taken effect when they return.
    """

    def __init__(self, target: int, host: str = "127.0.0.1") -> None:
        self.port = 0
        self._host = host
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._open = {way: asyncio.Event() for way in BOTH}
        self._delay = 0.0
        self._rate: float | None = None
        self._budget: int | None = None
        self._refusing = False
        self._location = ""
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, self._host, 0), self._loop
        ).result(10)
        self.port = int(self._server.sockets[0].getsockname()[1])
        self.resume()
        return self

    def __exit__(self, *_error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def connections(self) -> int:
        """Number of open connections."""
        return len(self._writers) // 2

    def slow(self, delay: float = 0.0, rate: float | None = None) -> None:
        """Delay every piece by `delay` seconds each way, and pass at most `rate` bytes a second."""
        self._do(lambda: self._be_slow(delay, rate))

    def freeze(self, *ways: Way) -> None:
        """Pass nothing in these directions, by default both, without any notice. New connections are half-open."""
        self._do(lambda: self._close_gates(ways or BOTH))

    def drop(self) -> None:
        """Reset every open connection; new ones pass."""
        self._do(self._reset_all)

    def drop_after(self, count: int) -> None:
        """Reset everything, once, after `count` more bytes went up, so in the middle of a frame."""
        self._do(lambda: self._allow(count))

    def cut(self) -> None:
        """Reset every open connection, and every new one at once."""
        self._do(self._cut)

    def divert(self, location: str) -> None:
        """Reset every open connection, and redirect every request to `location`, as a network's login page does."""
        self._do(lambda: self._redirect_to(location))

    def resume(self) -> None:
        """Restore the network. Frozen data now arrives."""
        self._do(self._heal)

    def _do(self, action: Callable[[], Any]) -> None:
        done = threading.Event()
        self._loop.call_soon_threadsafe(action)
        self._loop.call_soon_threadsafe(done.set)
        assert done.wait(10), "the proxy's loop does not turn"

    def _be_slow(self, delay: float, rate: float | None) -> None:
        self._delay, self._rate = delay, rate

    def _close_gates(self, ways: tuple[Way, ...]) -> None:
        for way in ways:
            self._open[way].clear()

    def _allow(self, count: int) -> None:
        self._budget = count

    def _cut(self) -> None:
        self._refusing = True
        self._reset_all()

    def _redirect_to(self, location: str) -> None:
        self._location = location
        self._reset_all()

    def _heal(self) -> None:
        self._refusing, self._budget, self._location = False, None, ""
        self._be_slow(0.0, None)
        for way in BOTH:
            self._open[way].set()

    def _reset_all(self) -> None:
        for writer in list(self._writers):
            _reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            _reset(writer)
            return
        if self._location:
            await self._redirect(reader, writer)
            return
        try:
            upstream, up = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            _reset(writer)
            return
        pair = {writer, up}
        self._writers |= pair
        itself = asyncio.current_task()
        assert itself is not None
        self._serving.add(itself)
        itself.add_done_callback(self._serving.discard)
        pumps = [asyncio.ensure_future(self._pump(reader, up, "up")),
                 asyncio.ensure_future(self._pump(upstream, writer, "down"))]  # fmt: skip
        self._tasks.update(pumps)
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*pumps)
        self._tasks.difference_update(pumps)
        self._writers -= pair
        for each in pair:
            each.close()

    async def _redirect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 302 Found\r\nLocation: {self._location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            writer.write(head.encode())
            await writer.drain()
        writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
        """Forward until this direction ends; a broken connection breaks both directions."""
        try:
            while data := await reader.read(CHUNK):
                await self._open[way].wait()
                await asyncio.sleep(self._delay + (len(data) / self._rate if self._rate else 0.0))
                data, spent = self._within_budget(data, way)
                writer.write(data)
                await writer.drain()
                if spent:
                    self._reset_all()
            await self._open[way].wait()
            if not writer.is_closing():
                writer.write_eof()
        except OSError:
            _reset(writer)

    def _within_budget(self, data: bytes, way: Way) -> tuple[bytes, bool]:
        if self._budget is None or way == "down":
            return data, False
        data, self._budget = data[: self._budget], self._budget - len(data)
        if self._budget > 0:
            return data, False
        self._budget = None
        return data, True

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        self._reset_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a TCP reset, so that the peer gets an error instead of an end."""
    sock = writer.get_extra_info("socket")
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()

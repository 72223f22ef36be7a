"""One HTTP connection of uvicorn, with limits that uvicorn itself leaves to a proxy, which need not be there.

uvicorn with httptools accepts a head of any size, takes any time for head and body, and resets the connection of a
client that it refuses while the client still sends. Here every phase is limited in bytes and seconds:
`shared.web.limits`.
"""

import asyncio
import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared import metrics
from shared.web.callers import plain
from shared.web.error_pages import ErrorPage, wants_html
from shared.web.server.open_connections import Connections
from shared.web.server.outgoing import Outgoing, Taking
from shared.web.server.refusal import raw_problem

PIECE = 16_384
"""Bytes parsed at a time; the limits are checked after each piece."""

FRAMING = 8
"""Most bytes on the wire per byte of a chunked body, beside the first 64 KiB."""


class Awaits(Enum):
    """What the client has to send next."""

    HEAD = auto()
    BODY = auto()
    NOTHING = auto()
    """The response is ours to send."""
    NEXT = auto()
    """Another request, or none."""
    END = auto()
    """It was refused: what it still sends is read and discarded until it closes the connection."""


class Connection(HttpToolsProtocol):
    """uvicorn's `asyncio.Protocol`, and a `Watched`. Use from the event loop's thread only.

    Whatever a client sends costs bounded memory and bounded time.
    """

    def __init__(
        self, connections: Connections, page: Callable[[str, int], ErrorPage] | None = None, **uvicorn: Any
    ) -> None:
        """`page` makes the page of a path for a browser whose request is refused before any app sees it."""
        super().__init__(**uvicorn)
        self._page = page
        self._all, self._limits = connections, connections.limits
        self._awaits, self._since = Awaits.HEAD, time.monotonic()
        self._head = self._fields = self._body = self._before = self._line = self._drained = 0
        self._refusal: int | None = None
        self._taking = Taking(self._limits)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        self._plain = transport
        self._out = Outgoing(transport, self._close)
        super().connection_made(cast(asyncio.Transport, self._out))
        if self.client is not None:
            self.client = plain(self.client[0]), self.client[1]
        if not self._all.admit(self):
            self._awaits = Awaits.END
            transport.write(raw_problem(503))
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.leave(self)
        self._awaits = Awaits.END
        self._out.closing = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if len(data) <= PIECE and self._awaits is not Awaits.END:
            self._parse(data)
            return
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            if self._awaits is Awaits.END:
                self._drain(len(piece))
            else:
                self._parse(piece)

    def eof_received(self) -> None:
        """The client sends no more, and uvicorn closes."""

    def shutdown(self) -> None:
        """Called by uvicorn when the process ends."""
        if self._awaits is Awaits.END:
            self._plain.abort()
        else:
            super().shutdown()

    # Incoming data.

    def _parse(self, piece: bytes) -> None:
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            pass  # The protocol asked for is not supported; answer the request like any other.
        except httptools.HttpParserError:
            self._refusal = self._refusal or 400
        if self._awaits is Awaits.HEAD:
            self._head += len(piece)
            if self._head > self._limits.head:
                self._refusal = self._refusal or 431
        elif self._awaits is Awaits.BODY:
            self._line += len(piece)
            if self._line > FRAMING * self._body + 4 * PIECE:
                self._refusal = self._refusal or 400
        if self._refusal is not None:
            self._end(self._refusal)

    def on_message_begin(self) -> None:
        """Reset the counters at the first byte of a request."""
        # Most of the piece in which it begins may belong to the request before.
        self._head = 0 if self._awaits in (Awaits.HEAD, Awaits.NEXT) else -PIECE
        self._fields = self._body = self._before = self._line = self._drained = 0
        if self._awaits is not Awaits.HEAD:
            self._awaits, self._since = Awaits.HEAD, time.monotonic()
        super().on_message_begin()
        self.scope["extensions"] = {"tongyuan.connection": cast(Any, self)}

    def on_url(self, url: bytes) -> None:
        """Called for each part of the URL."""
        super().on_url(url)
        if len(self.url) > self._limits.request_line:
            self._refusal = self._refusal or 414

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called for each header field. Trailer fields after a body are counted but not stored."""
        self._fields += 1
        if self._fields > self._limits.fields:
            self._refusal = self._refusal or 431
        elif self._awaits is Awaits.HEAD:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Call the app as soon as the head is complete."""
        if self._refusal is not None or len(self.pipeline) >= self._limits.pipelined:
            self._refusal = self._refusal or 400
            return
        self._awaits, self._since = Awaits.BODY, time.monotonic()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Called for each part of a body. What a refused body still brings is limited and discarded."""
        self._body += len(body)
        if self.cycle.response_complete:
            self._drain(len(body))
        elif self._refusal is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Called when the request is complete."""
        if self._refusal is None:
            super().on_message_complete()
            done = self.cycle.response_complete
            self._awaits, self._since = (Awaits.NEXT if done else Awaits.NOTHING), time.monotonic()

    # Outgoing data.

    def on_response_complete(self) -> None:
        """Called when the response is written."""
        if self._awaits is Awaits.NOTHING and not self.pipeline:
            self._awaits, self._since = Awaits.NEXT, time.monotonic()
        elif self._awaits is Awaits.BODY:
            self._since = time.monotonic()
        super().on_response_complete()

    def _close(self) -> None:
        """Close once the client has sent everything: a reset could make it lose the response."""
        if self._awaits is Awaits.BODY:
            self._linger()
        elif self._awaits is not Awaits.END:
            self._plain.close()

    def _end(self, status: int) -> None:
        """Refuse the request. If a response has been started already, cut the connection: no other can be sent."""
        if self._awaits is Awaits.END:
            return
        cycle: Any = self.cycle
        answered = cycle is None or cycle.response_complete
        if not answered and (self._awaits is not Awaits.BODY or cycle.response_started):
            self.cut(str(status))
            return
        metrics.http_cut.labels(str(status)).inc()
        self._out.write(raw_problem(status, self._page_of(status)))
        if not answered:
            self._tell_app()
        self._linger()

    def _page_of(self, status: int) -> ErrorPage | None:
        """Return the page for a client that has said before the refusal that it wants HTML."""
        accepted = next((value for name, value in self.headers if name == b"accept"), b"")
        if self._page is None or not wants_html(accepted):
            return None
        return self._page(self.url.partition(b"?")[0].decode("latin-1"), status)

    def _linger(self) -> None:
        self._awaits, self._since = Awaits.END, time.monotonic()
        self._out.closing = True
        self.flow.resume_reading()
        if self._plain.can_write_eof() and not self._plain.is_closing():
            self._plain.write_eof()

    def _tell_app(self) -> None:
        """Tell an app that is reading the body that its client is gone; what it still sends is dropped."""
        self.cycle.disconnected = True
        self.cycle.message_event.set()

    def _drain(self, size: int) -> None:
        self._drained += size
        # A body is read on, because its sender may be honest; of a head nothing more is needed.
        if self._drained > (self._limits.head if self._refusal else self._limits.drain):
            self.cut("drain")

    # Time limits.

    @property
    def waiting_since(self) -> float | None:
        return None if self._awaits is Awaits.NOTHING else self._since

    def cut(self, reason: str) -> None:
        """Close at once; unsent data are lost."""
        metrics.http_cut.labels(reason).inc()
        self._awaits = Awaits.END
        self._plain.abort()

    def look(self, now: float) -> None:
        """Close it if it has taken too long, without a response, as nginx does."""
        waited, limits = now - self._since, self._limits
        if self._taking.too_slow(self._out, now):
            self.cut("reader")
        elif self._awaits is Awaits.END and waited > limits.drain_seconds:
            self.cut("drain")
        elif self._awaits is Awaits.NEXT and waited > limits.idle_seconds:
            self._plain.close()
        elif self._awaits is Awaits.HEAD and waited > limits.head_seconds:
            self.cut("head")
        elif self._awaits is Awaits.BODY:
            self._look_at_body(now, waited)

    def _look_at_body(self, now: float, waited: float) -> None:
        limits = self._limits
        too_little = waited > limits.grace_seconds and self._body - self._before < limits.least_rate * waited
        if self.cycle.response_complete:
            if waited > limits.drain_seconds:
                self.cut("drain")
        elif self.flow.read_paused:
            self._since, self._before = now, self._body  # We are the side that does not read.
        elif too_little or waited > limits.body_seconds:
            self.cut("body")

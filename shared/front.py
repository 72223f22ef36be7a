"""Answers that many ask for are made once: kept in memory, encoded, until the store they were made from has moved.

Plain ASGI, in front of everything else of the process, because at these rates a router costs more than the answer. What
is kept belongs to one `Mark` of the store. Whoever sees a newer mark (the stream's feeder, or an answer that was
made after a change) turns the page for all, and before telling anybody: so no reader of this process sees an older
version after a newer one, and none finds old news when an event has told it to look.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import metrics
from shared.encoding import encode, wanted
from shared.errors import TongyuanError

KEEP_SECONDS = 1.0
"""Longest life of an answer, whatever the store says: an answer may say how late it is, or whether a window is open."""

MOST_BYTES = 64 * 1024 * 1024
STREAM = "/v1/stream"


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Where a store is. Of the same `epoch` a higher change, or a later head, is newer; of another, anything is."""

    epoch: str
    change: int
    head: str = ""

    def is_news_to(self, other: "Mark | None") -> bool:
        """Whether who has seen `other` must look again."""
        return other is None or self.epoch != other.epoch or (self.change, self.head) > (other.change, other.head)


class Page:
    """Answers of one store, all made at the same mark. `look` reads the mark and the seconds until something ends."""

    def __init__(self, service: str, look: Callable[[], tuple[Mark, float]]) -> None:
        self.look = look
        self.mark: Mark | None = None
        self._answers: OrderedDict[bytes, Answer] = OrderedDict()
        self._bytes = 0
        self._until = 0.0
        self._turn = Lock()
        self._count = metrics.http_requests.labels(service, "GET", "200")
        self._unchanged = metrics.http_requests.labels(service, "GET", "304")

    def turn(self, mark: Mark, ends_in: float = KEEP_SECONDS) -> None:
        """Forget every answer if this is news. From any thread."""
        with self._turn:
            if mark.is_news_to(self.mark):
                self.mark = mark
                self._forget(ends_in)

    def find(self, key: bytes) -> "Answer | None":
        """The kept answer, if it may still be given."""
        if time.monotonic() >= self._until:
            return None
        return self._answers.get(key)

    def keep(self, key: bytes, answer: "Answer", mark: Mark, seen: Mark | None, ends_in: float) -> None:
        """Keep what was made while the store stood still: the mark before (`seen`) and after (`mark`) is the same."""
        self.turn(mark, ends_in)
        with self._turn:
            if mark != seen or mark != self.mark:
                return
            if time.monotonic() >= self._until:
                self._forget(ends_in)
            self._until = min(self._until, time.monotonic() + ends_in)
            if key not in self._answers:
                self._answers[key] = answer
                self._bytes += len(key) + len(answer.body)
            while self._bytes > MOST_BYTES:
                first, dropped = self._answers.popitem(last=False)
                self._bytes -= len(first) + len(dropped.body)

    def forget(self) -> None:
        """Keep nothing: the store cannot say where it is. From any thread."""
        with self._turn:
            self.mark = None
            self._forget(0.0)

    def counted(self, status: int) -> None:
        """Count an answer that no router has seen."""
        (self._count if status == 200 else self._unchanged).inc()

    def _forget(self, ends_in: float) -> None:
        self._answers.clear()
        self._bytes = 0
        self._until = time.monotonic() + min(KEEP_SECONDS, ends_in)


@dataclass(slots=True)
class Answer:
    """One answer, ready to be sent again: the headers that do not depend on the encoding, and the body as made."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    etag: bytes | None
    encodings: dict[str, bytes]

    @classmethod
    def of(cls, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> "Answer":
        """From what the app behind sent."""
        found = {name.lower(): value for name, value in headers}
        rest = [(name, value) for name, value in headers if name.lower() not in (b"content-length", b"etag")]
        return cls(status, rest, body, found.get(b"etag"), {})

    @property
    def may_be_kept(self) -> bool:
        """Only what names its version, and does not forbid it."""
        return self.status == 200 and self.etag is not None and (b"cache-control", b"no-store") not in self.headers

    async def send(self, send: Send, known: bytes, accepted: bytes) -> int:
        """Send it as this reader wants it; the status that was sent. `known` is the reader's If-None-Match."""
        encoding = wanted(accepted, self.body, dict(self.headers).get(b"content-type", b"")) if self.etag else ""
        tag = _tagged(self.etag, encoding) if self.etag else None
        headers = [*self.headers, (b"vary", b"accept-encoding")]
        if tag is not None:
            headers.append((b"etag", tag))
            if self.status == 200 and _knows(known, self.etag or b""):
                headers = [(name, value) for name, value in headers if name.lower() != b"content-type"]
                await send({"type": "http.response.start", "status": 304, "headers": headers})
                await send({"type": "http.response.body", "body": b""})
                return 304
        body = self.body
        if encoding:
            body = await self._encoded(encoding)
            headers.append((b"content-encoding", encoding.encode()))
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return self.status

    async def _encoded(self, encoding: str) -> bytes:
        found = self.encodings.get(encoding)
        if found is None:
            found = self.encodings[encoding] = await run_in_threadpool(encode, encoding, self.body)
        return found


def _tagged(etag: bytes, encoding: str) -> bytes:
    """A strong tag names bytes, so each encoding has its own."""
    return etag[:-1] + b"+" + encoding.encode() + b'"' if encoding else etag


def _knows(known: bytes, etag: bytes) -> bool:
    if not known:
        return False
    tags = [tag.strip().removeprefix(b"W/") for tag in known.split(b",")]
    return b"*" in tags or any(tag == etag or tag.startswith(etag[:-1] + b"+") for tag in tags)


class Front:
    """The ASGI app around all others of a process. `pages`: by the first part of the path, whose answers are kept.

    `streams`: apps of event streams, likewise; they are open for hours, and every layer around one costs memory.
    """

    def __init__(self, app: ASGIApp, pages: Mapping[str, Page], streams: Mapping[str, ASGIApp] | None = None) -> None:
        self._app = app
        self._pages = {f"/{name}/".encode(): page for name, page in pages.items()}
        self._streams = {f"/{name}{STREAM}": stream for name, stream in (streams or {}).items()}
        self._making: dict[bytes, asyncio.Future[Answer]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        page = self._page(scope)
        if page is None:
            await self._behind(scope)(scope, receive, send)
            return
        known = accepted = host = b""
        for name, value in scope["headers"]:
            if name == b"if-none-match":
                known = value
            elif name == b"accept-encoding":
                accepted = value
            elif name == b"host":
                host = value
            elif name == b"authorization":
                await self._app(scope, receive, send)
                return
        # Scheme and host too: a page may name its own address, and nobody shall choose it for another reader.
        key = b" ".join((scope["scheme"].encode(), host, scope["raw_path"], scope["query_string"]))
        answer = page.find(key)
        if answer is None:
            answer = await self._made_once(page, key, scope, receive)
            await answer.send(send, known, accepted)
        else:
            page.counted(await answer.send(send, known, accepted))

    def _behind(self, scope: Scope) -> ASGIApp:
        if scope["type"] != "http" or scope["method"] != "GET":
            return self._app
        return self._streams.get(scope["path"], self._app)

    def _page(self, scope: Scope) -> Page | None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"].endswith(STREAM):
            return None
        path: bytes = scope["raw_path"]
        return self._pages.get(path[: path.find(b"/", 1) + 1])

    async def _made_once(self, page: Page, key: bytes, scope: Scope, receive: Receive) -> Answer:
        """When many ask at once for what is not there, one of them makes it and the others wait."""
        making = self._making.get(key)
        if making is not None:
            return await asyncio.shield(making)
        making = self._making[key] = asyncio.get_running_loop().create_future()
        try:
            answer = await self._made(page, key, scope, receive)
        except BaseException as error:
            making.set_exception(error)
            making.exception()  # seen: nobody else may be waiting
            raise
        finally:
            del self._making[key]
        making.set_result(answer)
        return answer

    async def _made(self, page: Page, key: bytes, scope: Scope, receive: Receive) -> Answer:
        seen = page.mark
        kept_back = (b"if-none-match", b"accept-encoding")
        plain = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] not in kept_back]}
        answer = await _captured(self._app, plain, receive)
        # Before it is sent, whatever it is: who has read of a change must find nothing older afterwards.
        try:
            mark, ends_in = await run_in_threadpool(page.look)
        except TongyuanError:
            page.forget()
            return answer
        if answer.may_be_kept:
            page.keep(key, answer, mark, seen, ends_in)
        else:
            page.turn(mark, ends_in)
        return answer


async def _captured(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    start: Message = {}
    parts: list[bytes] = []

    async def take(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, take)
    return Answer.of(start["status"], list(start["headers"]), b"".join(parts))

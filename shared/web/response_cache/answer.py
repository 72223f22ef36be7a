"""One response of the app, captured whole, and sent to each reader in the encoding that it accepts."""

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.web.encoding import encode, wanted
from shared.web.response_cache.sharing import INVISIBLE

PERSONAL = frozenset({b"no-store", b"private"})


@dataclass(slots=True)
class CachedAnswer:
    """A response that can be sent again: headers that do not depend on the encoding, and the unencoded body."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    etag: bytes | None
    encodings: dict[str, bytes]

    @classmethod
    def of(cls, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> "CachedAnswer":
        """Build it from what the app sent."""
        found = {name.lower(): value for name, value in headers}
        rest = [(name, value) for name, value in headers if name.lower() not in (b"content-length", b"etag")]
        return cls(status, rest, body, found.get(b"etag"), {})

    @property
    def may_be_kept(self) -> bool:
        """Whether it may be cached: a shareable 200 with an ETag."""
        return self.status == 200 and self.etag is not None and self.may_be_shared

    @property
    def may_be_shared(self) -> bool:
        """Whether other readers with the same request may get it: nothing marks it as personal."""
        return not self.varies and not any(_is_personal(name.lower(), value.lower()) for name, value in self.headers)

    @property
    def varies(self) -> bool:
        """Whether it depends on request headers that were removed (RFC 9111, 4.1).

        Readers that share send no other headers.
        """
        named = (value.lower().split(b",") for name, value in self.headers if name.lower() == b"vary")
        return any(part.strip() in (b"*", *INVISIBLE) for parts in named for part in parts)

    async def send(self, send: Send, known: bytes, accepted: bytes) -> int:
        """Send it in the reader's encoding and return the status sent. `known` is the reader's If-None-Match."""
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
    """Return the ETag of an encoding: a strong tag identifies bytes, so each encoding has its own."""
    return etag[:-1] + b"+" + encoding.encode() + b'"' if encoding else etag


def _knows(known: bytes, etag: bytes) -> bool:
    if not known:
        return False
    tags = [tag.strip().removeprefix(b"W/") for tag in known.split(b",")]
    return b"*" in tags or any(tag == etag or tag.startswith(etag[:-1] + b"+") for tag in tags)


def _is_personal(name: bytes, value: bytes) -> bool:
    """RFC 9111, 5.2.2.5 and 5.2.2.7; a response that sets a cookie is personal, whatever else it says."""
    if name == b"cache-control":
        return not PERSONAL.isdisjoint(part.partition(b"=")[0].strip() for part in value.split(b","))
    return name == b"set-cookie"


async def captured(app: ASGIApp, scope: Scope, receive: Receive) -> CachedAnswer:
    """Return the app's response to this request."""
    start: Message = {}
    parts: list[bytes] = []

    async def take(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, take)
    return CachedAnswer.of(start["status"], list(start["headers"]), b"".join(parts))

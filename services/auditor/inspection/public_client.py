"""Read a channel as the public does: no token, no cache, one request at a time, at a limited rate."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import orjson

from contracts.base import Json
from services.auditor.inspection.pacing import RequestPace
from services.auditor.inspection.page_markup import seen
from shared.errors import TongyuanError, UpstreamDown

LARGEST = 64 * 2**20
PAGE = 500
GONE = (httpx.codes.NOT_FOUND, httpx.codes.GONE)
AWAY = (
    httpx.codes.TOO_MANY_REQUESTS,
    httpx.codes.BAD_GATEWAY,
    httpx.codes.SERVICE_UNAVAILABLE,
    httpx.codes.GATEWAY_TIMEOUT,
)
FRESH = {"Cache-Control": "no-cache", "Pragma": "no-cache", "User-Agent": "tongyuan-auditor"}


class UnexpectedAnswer(TongyuanError):
    """An unexpected answer at this address: e.g. an error page with status 200, a redirect, or no JSON."""


class PublicClient:
    """One channel as the public reads it.

    Raises `UpstreamDown` when it does not answer, `UnexpectedAnswer` for a wrong answer.
    """

    def __init__(self, name: str, http: httpx.Client, pace: RequestPace) -> None:
        self.name, self._http, self._pace = name, http, pace
        self._http.headers.update(FRESH)

    def document(self, key: str) -> tuple[Json | None, str]:
        """Return a document at its own address and its strong ETag; None if it is not found or gone."""
        kind, _, code = key.partition(":")
        status, headers, body = self._read(f"v1/{kind}s/{code}")
        if status in GONE:
            return None, ""
        return _json(status, headers, body), _strong(headers)

    def page(self, code: str) -> Json | None:
        """Return what an item's page shows, see `page_markup.seen`; None if it is not found or gone."""
        status, headers, body = self._read(f"items/{code}")
        if status in GONE:
            return None
        _require(status, headers, "text/html")
        return seen(body.decode("utf-8", "replace"))

    def source(self) -> Json:
        """Return the channel's position and digests."""
        return _shaped(self._get("v1/source"), position=int, digests=dict)

    def changes(self, most: int) -> Iterator[Json]:
        """Yield every public document with its key. `most`: an answer with more documents is treated as endless."""
        yield from self._pages("v1/changes", "changes", "since", "cursor", most, key=str, document=(dict, type(None)))

    def items(self, most: int) -> Iterator[Json]:
        """Yield the short form of every item."""
        yield from self._pages("v1/items", "items", "after", "next", most, code=str)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _pages(self, path: str, rows: str, asked: str, told: str, most: int, **shape: Any) -> Iterator[Json]:
        cursor, read = {"since": "0", "after": ""}[asked], 0
        while True:
            answer = _shaped(self._get(path, **{asked: cursor, "limit": PAGE}), **{rows: list})
            for row in answer[rows]:
                yield _shaped(row, **shape)
            read += len(answer[rows])
            following = answer.get(told)
            if not answer.get("more", following is not None) or not answer[rows]:
                return
            if read > most or not isinstance(following, str) or following == cursor:
                raise UnexpectedAnswer(f"{path}: the list is endless")
            cursor = following

    def _get(self, path: str, **params: Any) -> Json:
        return _json(*self._read(path, **params))

    def _read(self, path: str, **params: Any) -> tuple[int, httpx.Headers, bytes]:
        self._pace.wait()
        began = time.monotonic()
        try:
            with self._http.stream("GET", f"/{self.name}/{path}", params=params) as answer:
                if answer.status_code in AWAY:
                    raise UpstreamDown(f"{self.name}: status {answer.status_code}")
                body = bytearray()
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > LARGEST:
                        raise UnexpectedAnswer(f"{path}: more than {LARGEST} bytes")
                if not params:
                    self._pace.took(f"{self.name} {path.partition('/')[0]}", time.monotonic() - began)
                return answer.status_code, answer.headers, bytes(body)
        except httpx.HTTPError as error:
            raise UpstreamDown(f"{self.name}: {type(error).__name__}") from error


def _strong(headers: httpx.Headers) -> str:
    """Return the strong ETag of the document itself; a compressed answer adds a plus and the coding's name to it."""
    tag: str = headers.get("etag", "")
    coding = headers.get("content-encoding", "")
    if tag.startswith("W/"):
        return ""
    return tag.strip('"').removesuffix(f"+{coding}" if coding else "")


def _require(status: int, headers: httpx.Headers, media_type: str) -> None:
    if status != httpx.codes.OK:
        raise UnexpectedAnswer(f"status {status}")
    given = headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != media_type:
        raise UnexpectedAnswer(f"{given or 'nothing'} instead of {media_type}")


def _json(status: int, headers: httpx.Headers, body: bytes) -> Json:
    _require(status, headers, "application/json")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise UnexpectedAnswer("declared as JSON, but is not valid JSON") from None
    return _shaped(value)


def _shaped(value: Any, **fields: Any) -> Json:
    """Return `value` if it is an object with these fields of these types. Raises `UnexpectedAnswer`."""
    if not isinstance(value, dict):
        raise UnexpectedAnswer("not a JSON object")
    for name, kind in fields.items():
        if not isinstance(value.get(name), kind):
            raise UnexpectedAnswer(f"not a {name}")
    return value

"""Responses of the server itself, when no app was called."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import orjson
from starlette.types import Send

from shared.web.error_pages import ErrorPage, page_headers

WHY = {
    400: "this is not an HTTP request",
    414: "the URL is too long",
    429: "too many streams are open from this address",
    431: "the header fields are too many or too large",
    503: "the service has no room for this now; try again",
}
RETRY_SECONDS = 2
HEADERS = {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}


def raw_problem(status: int, page: ErrorPage | None = None) -> bytes:
    """Return an RFC 9457 response, or this page, as bytes; it closes the connection."""
    body, headers = _problem(status)
    if page is not None:
        body = page.html
        headers = _decoded(page_headers(page, _encoded(headers)))
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "connection: close", "", ""]).encode() + body


async def send_problem(status: int, send: Send) -> None:
    """Send the same through ASGI; it closes the connection, too, to free its place."""
    body, headers = _problem(status)
    await send(
        {"type": "http.response.start", "status": status, "headers": _encoded({**headers, "connection": "close"})}
    )
    await send({"type": "http.response.body", "body": body})


def _problem(status: int) -> tuple[bytes, dict[str, str]]:
    title = HTTPStatus(status).phrase
    body = orjson.dumps({"type": "about:blank", "title": title, "status": status, "detail": WHY[status]})
    again = {"retry-after": str(RETRY_SECONDS)} if status in (429, 503) else {}
    return body, {**HEADERS, **again, "content-length": str(len(body))}


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def _decoded(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in headers}

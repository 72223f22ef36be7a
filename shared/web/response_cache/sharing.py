"""Which responses may be shared between readers: the routes, and the requests to them.

A route is shared only if it is marked `shareable`. Its endpoint then sees only what is in the cache key: scheme, URL
and the `VISIBLE` headers; `INVISIBLE` headers are removed first. A request with any other header (Authorization,
Cookie, a secret, an unknown one) is answered individually.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import compile_path
from starlette.types import Scope

VISIBLE = (b"host",)
"""Request headers that a shared response may depend on; each is part of the key. Add a header here to depend on it."""

PACKING = (b"accept-encoding", b"if-none-match")
"""Handled for each reader from the one cached response, see `CachedAnswer.send`."""

INVISIBLE = frozenset(
    name.encode()
    for name in (
        *("accept", "accept-language", "cache-control", "connection", "dnt", "forwarded", "from", "if-modified-since"),
        *("keep-alive", "pragma", "priority", "purpose", "referer", "save-data", "sec-ch-ua", "sec-ch-ua-mobile"),
        *("sec-ch-ua-platform", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "sec-fetch-user", "sec-gpc"),
        *("sec-purpose", "te", "traceparent", "tracestate", "upgrade-insecure-requests", "user-agent", "via"),
        *("x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-real-ip", "x-request-id"),
    )
)
"""Headers that browsers and gateways send with every request and that no shared route needs."""

MARK = "tongyuan_shareable"
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def shareable(endpoint: Endpoint) -> Endpoint:
    """Decorator, below the route's own: responses to GET are public and depend only on the request.

    The endpoint changes nothing and reads no address, cookie or token.
    """
    setattr(endpoint, MARK, True)
    return endpoint


def shareable_addresses(api: FastAPI) -> Callable[[str], bool]:
    """Return a function: whether the route that answers GET of a path (without the service's name) is shareable."""
    routes = [
        (compile_path(context.path)[0], getattr(context.original_route, "endpoint", None))
        for context in iter_route_contexts(api.routes)
        if context.path and "GET" in (context.methods or {"GET"})
    ]

    def is_shareable(path: str) -> bool:
        return next((hasattr(endpoint, MARK) for pattern, endpoint in routes if pattern.match(path)), False)

    return is_shareable


@dataclass(frozen=True, slots=True)
class CacheRequest:
    """One GET. `key` None: the response belongs to this reader alone."""

    key: tuple[bytes, ...] | None
    known: bytes
    accepted: bytes


def asked(scope: Scope) -> CacheRequest:
    """Return the cache key of a request and the reader's encodings and ETags."""
    known = accepted = b""
    visible: list[bytes | None] = [None] * len(VISIBLE)
    alone = False
    for name, value in scope["headers"]:
        if name in INVISIBLE:
            continue
        if name in VISIBLE:
            place = VISIBLE.index(name)
            # If it is sent twice, each reader of the header may choose another one.
            alone |= visible[place] is not None
            visible[place] = value
        elif name == b"if-none-match":
            known = known + b"," + value if known else value
        elif name == b"accept-encoding":
            accepted = accepted + b"," + value if accepted else value
        else:
            alone = True
    if alone:
        return CacheRequest(None, known, accepted)
    said = [b"-" if value is None else b"+" + value for value in visible]
    return CacheRequest((scope["scheme"].encode(), *said, scope["raw_path"], scope["query_string"]), known, accepted)


def of_everybody(scope: Scope) -> Scope:
    """Return the request without what distinguishes readers."""
    return {**scope, "client": None, "headers": [pair for pair in scope["headers"] if pair[0] in VISIBLE]}


def of_one(scope: Scope) -> Scope:
    """Return the request without conditions and encodings, to be answered in full."""
    headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
    return {**scope, "headers": [pair for pair in headers if pair[0] not in PACKING]}

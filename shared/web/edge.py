"""The HTTP edge of every service: problem details (RFC 9457), bearer tokens, conditional requests, health, metrics."""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Path, Query, Request, Response
from fastapi.exceptions import HTTPException as FastApiException
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import log, metrics, trace
from shared.config import Settings
from shared.errors import Forbidden, Invalid, Refused, TongyuanError, TooManyRequests, Violation
from shared.text.strict_json import parse_json
from shared.web.body_sizes import BodySize, most_bytes
from shared.web.http_semantics import head_as_get, relative_location

PROBLEM_TYPE = "application/problem+json"
FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}|[0-9]{1,6}")
LARGE_BODY = 65_536
MAX_NUMBER = 2**53 - 1
OF_OPERATORS = ("/healthz", "/readyz", "/metrics")
"""Endpoints of every service for operators: they reveal nothing stored, and are exempt from admission and caching."""

STREAM = "/v1/stream"
"""The one endpoint of a channel whose response does not end."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

Number = Annotated[int, Field(ge=0, le=MAX_NUMBER)]
"""A position, sequence or size in a URL: at most 2^53 − 1, which JSON readers and databases hold exactly."""

NAME = r"^[0-9A-Za-z_:-]{0,128}$"
After = Annotated[str, Query(pattern=NAME, description="Last key or code of the previous page.")]
Key = Annotated[str, Path(pattern=NAME, description="Ledger key, such as `item:<实施编码>`.")]


def make_api(
    service: str,
    title: str,
    settings: Settings,
    ready: Callable[[], dict[str, Any]],
    bodies: Sequence[BodySize] = (),
) -> FastAPI:
    """Return a FastAPI app with what every service has. `ready` returns facts for /readyz, or raises `Unavailable`.

    `bodies`: of its manifest; all other bodies may have `MOST` bytes.
    """
    api = FastAPI(title=title, version="1", docs_url=None, redoc_url=None)
    api.state.settings = settings
    api.add_exception_handler(TongyuanError, _on_error)  # type: ignore[arg-type]  # starlette types the base class only
    api.add_exception_handler(RequestValidationError, _on_validation)  # type: ignore[arg-type]  # likewise
    api.add_exception_handler(HTTPException, on_http)  # type: ignore[arg-type]  # likewise

    @api.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:  # not in a thread: it must answer even when every thread is busy
        return {"status": "alive", "service": service}

    @api.get("/readyz", include_in_schema=False)
    def readyz() -> dict[str, Any]:
        county = getattr(api.state, "county", None)
        return {"status": "ready", "service": service, "county": county and county.as_json(), **ready()}

    @api.get("/metrics", include_in_schema=False)
    def all_metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    api.add_middleware(Edge, service=service, bodies=bodies)
    return api


class Edge:
    """Outermost layer, plain ASGI: limits the body, opens the trace, measures the response, adds safe headers."""

    def __init__(self, app: ASGIApp, service: str, bodies: Sequence[BodySize] = ()) -> None:
        self.app, self.service, self._bodies = app, service, bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        # Below a mount the path still has the mount's own part.
        limit = most_bytes(self._bodies, scope["path"].removeprefix(scope.get("root_path", "")))
        started = time.perf_counter()
        status = 500

        answering = False
        app_scope, app_receive, app_send = (
            head_as_get(scope, receive, send) if scope["method"] == "HEAD" else (scope, receive, send)
        )

        async def sending(message: Message) -> None:
            nonlocal status, answering
            if message["type"] == "http.response.start":
                status, answering = message["status"], True
                sent = relative_location(message["headers"], scope)
                message["headers"] = [*sent, *safe_headers(sent, scope)]
            await app_send(message)

        with trace.act(headers.get(b"traceparent", b"").decode("latin-1")):
            try:
                await self.app(app_scope, _bounded(app_receive, headers, limit), sending)
            except ClientDisconnect:  # the client left while sending its body: there is nobody to answer
                status = 499
            except Exception as error:  # here and not in an outer layer, so that the log line belongs to the trace
                log.get("http").error("bug", error=type(error).__name__, exc_info=error)
                if answering:
                    raise
                await problem(500, "Internal error", "The service failed; the log has the details.")(
                    scope, receive, sending
                )
            finally:
                method = scope["method"] if scope["method"] in METHODS else "other"
                metrics.http_requests.labels(self.service, method, status).inc()
                metrics.http_duration.labels(self.service).observe(time.perf_counter() - started)


CREATED: dict[int | str, dict[str, Any]] = {
    201: {"description": "Created", "content": {"application/json": {"schema": {}}}}
}
"""For `responses` of a route that may also create what it names."""

SAFE_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
NOTHING_ACTIVE = (
    b"content-security-policy",
    b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
)
TLS_ONLY = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


def safe_headers(sent: Iterable[tuple[bytes, bytes]], scope: Scope) -> Iterator[tuple[bytes, bytes]]:
    """Yield the headers that every response carries unless it has `sent` them; pages send their own content policy."""
    said = {name.lower() for name, _ in sent}
    ours = [*SAFE_HEADERS, NOTHING_ACTIVE, *([TLS_ONLY] if scope.get("scheme") == "https" else [])]
    yield from (header for header in ours if header[0] not in said)


def _bounded(receive: Receive, headers: dict[bytes, bytes], limit: int) -> Receive:
    declared = headers.get(b"content-length", b"0")
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        if declared.isdigit() and int(declared) > limit:
            raise _too_large(limit)
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise _too_large(limit)
        return message

    return bounded


def _too_large(limit: int) -> FastApiException:
    """Return FastAPI's own exception, because it turns any other error while it reads a body into a 400."""
    return FastApiException(413, f"the body is too large: this endpoint accepts {limit} bytes")


async def if_match(value: Annotated[str | None, Header(alias="If-Match")] = None) -> int | None:
    """Dependency: the revision in `If-Match: "7"`; None without the header or for `*`.

    Raises `Invalid` for anything else.
    """
    if value is None or value == "*":
        return None
    # An edition's tag may be followed by the version in force: a planned version takes effect without a new revision.
    text = value.strip().removeprefix("W/").strip('"').partition("-")[0]
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Invalid(Violation("If-Match", "etag", 'must be the ETag of a draft, such as "3"', value[:40]))
    return int(text)


IfMatch = Annotated[int | None, Depends(if_match)]


async def json_body(request: Request) -> Any:
    """The body as JSON. Raises `Invalid` for what is not JSON, too deep, or has a lone surrogate."""
    raw = await request.body()
    return parse_json(raw) if len(raw) < LARGE_BODY else await run_in_threadpool(parse_json, raw)


Content = Annotated[Any, Depends(json_body)]
"""A body that the endpoint validates itself, after the caller's credentials."""


def takes(model: type[BaseModel]) -> dict[str, Any]:
    """Return `openapi_extra` for an endpoint whose `Content` is this model."""
    return {"requestBody": {"content": {"application/json": {"schema": model.model_json_schema()}}}}


def etag_response(
    request: Request,
    body: bytes,
    etag: str,
    *,
    media_type: str = "application/json",
    cache: str = "no-cache",
    headers: dict[str, str] | None = None,
) -> Response:
    """Return 200 with a strong ETag, or 304 when the client already has it."""
    quoted = f'"{etag}"'
    more = {"ETag": quoted, "Cache-Control": cache, **(headers or {})}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if quoted in known or "*" in known:
        return Response(status_code=304, headers=more)
    return Response(body, media_type=media_type, headers=more)


def problem(status: int, title: str, detail: str, **more: Any) -> JSONResponse:
    """Return an RFC 9457 response. `detail` must be safe to show to anybody."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    # Without this a cache may keep a 404 or 410 as long as it likes, although the item may be released meanwhile.
    return JSONResponse(body, status_code=status, media_type=PROBLEM_TYPE, headers={"Cache-Control": "no-store"})


async def _on_error(request: Request, error: TongyuanError) -> Response:
    more: dict[str, Any] = {}
    if isinstance(error, Invalid):
        more["errors"] = [
            {"field": v.field, "rule": v.rule, "message": v.message, **({"value": v.value} if v.value else {})}
            for v in error.violations
        ]
    detail = str(error) if isinstance(error, Refused) else "The service cannot do this right now; try again."
    if error.status >= 500:
        log.get("http").error("unavailable", reason=str(error))
    answer = problem(error.status, error.title, detail, **more)
    if isinstance(error, TooManyRequests):
        answer.headers["Retry-After"] = str(error.retry_after)
    if error.status == 503:
        answer.headers["Retry-After"] = "2"
    if isinstance(error, Forbidden):
        _note_refused(request)
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _note_refused(request: Request) -> None:
    """Log a request without the right token, with the route's pattern: the URL itself may contain a case number."""
    route = getattr(request.scope.get("route"), "path", "")
    address = request.client.host if request.client else ""
    log.get("http").warning("refused", method=request.method, route=route, address=address)


async def _on_validation(_request: Request, error: RequestValidationError) -> Response:
    return problem(422, Invalid.title, "The request breaks a rule; see errors.", errors=violations(error.errors()))


def violations(errors: Any) -> list[dict[str, str]]:
    """Return Pydantic's errors as field, rule and message, without the input."""
    return [
        {
            "field": ".".join(_named(part) for part in e["loc"] if part not in ("body", "query", "path")) or "body",
            "rule": e["type"],
            "message": e["msg"],
        }
        for e in errors
    ]


def _named(part: str | int) -> str:
    """Return a part of a field's name. An object's keys are input, too, and might be a person's name or number."""
    return str(part) if FIELD_NAME.fullmatch(str(part)) else "…"


async def on_http(_request: Request, error: HTTPException) -> Response:
    """Return Starlette's own errors, such as 405 for another method, as problem details."""
    answer = problem(error.status_code, HTTPStatus(error.status_code).phrase, str(error.detail))
    answer.headers.update(error.headers or {})
    return answer

"""The HTTP app of a channel: /<channel>/v1/ with documents, search, look-up, changes and stream; and its pages."""

from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, FastAPI, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.routing import Route

from services.channels.api import openapi, operators, queries, response_models, sync
from services.channels.api.case_lookup import Lookup, LookupRequest
from services.channels.api.facet_parameters import Chosen
from services.channels.api.facet_parameters import counts as counts_of
from services.channels.api.live_stream import Live
from services.channels.api.reader_feedback import FeedbackBox
from services.channels.api.succession import Succession, Successors
from services.channels.core.channel import Channel
from services.channels.files import routes as file_routes
from services.channels.files.store import FileStore
from services.channels.pages import preview
from services.channels.pages.read_model import ReadModel
from services.channels.pages.routes import pages_of
from services.channels.recovery import http as recovery_http
from services.channels.search.index import SearchIndex
from services.channels.trust import cosigning
from shared.audit.http import audit_router
from shared.config import Settings
from shared.errors import NotFound
from shared.web.admission import List
from shared.web.edge import STREAM, After, etag_response, make_api, problem
from shared.web.event_stream import StreamApp
from shared.web.response_cache import shareable

CodePath = Annotated[str, Path(pattern=r"^[0-9A-Za-z_-]{1,64}$", description="实施编码 (31) or 业务办理项编码 (33)")]
Limit = Annotated[int, Query(ge=1, le=500)]

CACHE = "public, max-age=0, must-revalidate"
NO_STORE = {"Cache-Control": "no-store"}
GONE = openapi.problem_answer(
    "It was shown before and is no longer in force. `successors`: ledger keys of what follows, if it was succeeded"
)
UNKNOWN = openapi.problem_answer("This channel does not show it")
ONE: Any = {**openapi.CONDITIONAL, "responses": {304: openapi.UNCHANGED, 404: UNKNOWN, 410: GONE}}


def make(channel: Channel, settings: Settings, index: SearchIndex, live: Live, files: FileStore) -> FastAPI:
    """Build the ASGI app of one channel."""
    db = channel.db
    name = channel.adapter.name

    def ready() -> dict[str, Any]:
        with db.read() as session:
            return {"position": queries.freshness(session)["position"]}

    api = make_api(name, f"Tongyuan {name}", settings, ready)
    api.add_exception_handler(queries.StartOver, sync.start_over)  # type: ignore[arg-type]  # starlette types the base class only
    lookup = Lookup(db, name, settings)
    shelf = ReadModel(channel, index, lookup, FeedbackBox(db, name, settings))
    api.include_router(_lists(channel, index, shelf))
    api.include_router(_documents(channel))
    api.include_router(file_routes.router(db, files))
    api.include_router(sync.router(channel))
    api.include_router(_case(lookup))
    api.include_router(operators.entries(channel))
    api.include_router(cosigning.router(db, name, settings))
    api.include_router(operators.proofs(channel))
    api.include_router(recovery_http.router_of(channel))
    api.include_router(audit_router(channel.db))
    api.include_router(operators.searches(shelf.unanswered))
    if find_spec(f"services.channels.{name}.api"):
        api.include_router(import_module(f"services.channels.{name}.api").router(db, shelf, live))
    api.include_router(preview.router(channel.adapter, shelf, settings))
    api.include_router(pages_of(name, shelf, settings.county))
    api.router.routes.append(Route(STREAM, StreamApp(live.stream, live.open), methods=["GET"]))
    return api


def _lists(channel: Channel, index: SearchIndex, shelf: ReadModel) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["documents"])
    db, summary = channel.db, channel.adapter.summary

    @router.get(
        "/items",
        dependencies=[List],
        summary="List items in order of their codes, optionally filtered by `facets`",
        response_model=response_models.ItemPage,
        **openapi.CONDITIONAL,
    )
    @shareable
    def items(request: Request, chosen: Chosen, after: After = "", limit: Limit = 100) -> Response:
        with db.read() as session:
            if chosen.pairs():
                codes = shelf.codes(chosen, after, limit)
            else:
                codes = queries.codes(session, "item", after, limit)
            found = list(map(summary, queries.each_by_keys(session, [f"item:{code}" for code in codes])))
            mark = queries.freshness(session)
        last = codes[-1] if len(codes) == limit else None
        body = orjson.dumps({"items": found, "next": last})
        return etag_response(request, body, mark["cursor"], cache=CACHE)

    @router.get(
        "/search",
        summary="Search items by everyday names: Chinese words, pinyin or initials",
        response_model=response_models.Found,
    )
    @shareable
    def search(
        chosen: Chosen,
        q: Annotated[str, Query(max_length=200)],
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        counts: Annotated[bool, Query(description="Add the counts of each facet value")] = False,
    ) -> Response:
        """`facets` narrow what was found. With `counts`, `total` is the number of matches, at most the 300 best."""
        shelf.answerable(chosen)
        narrowed = counts or bool(chosen.pairs())
        listing = shelf.search(q, chosen, 0, limit) if narrowed else None
        with db.read() as session:
            keys = [f"item:{one['code']}" for one in listing.items] if listing else index.find(session, q, limit)
            found = list(map(summary, queries.each_by_keys(session, keys)))
        if not keys and not listing:
            shelf.unanswered.add(q)
        more = {"total": listing.total, "facets": counts_of(listing)} if listing and counts else {}
        return openapi.as_json({"query": q, "items": found, **more})

    return router


def _documents(channel: Channel) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["documents"])
    db, kinds = channel.db, openapi.Kinds(channel.adapter.name)
    succession = Succession(db)

    @router.get("/items/{code}", summary="Read one item", response_model=kinds.item, **ONE)
    @shareable
    def item(request: Request, code: CodePath) -> Response:
        return one(request, "item", code)

    @router.get("/guides/{code}", summary="Read the guide of an item", response_model=kinds.guide, **ONE)
    @shareable
    def guide(request: Request, code: CodePath) -> Response:
        return one(request, "guide", code)

    def one(request: Request, kind: str, code: str) -> Response:
        with db.read() as session:
            served = queries.document(session, kind, code)
            withdrawn = served is None and queries.gone(session, kind, code)
        if served is not None:
            return etag_response(request, served.content, served.etag, cache=CACHE)
        if withdrawn:
            return _gone(channel.adapter.name, kind, code, succession.of(f"{kind}:{code}"))
        raise NotFound(f"this channel shows no {kind} {code}")

    return router


def _gone(channel: str, kind: str, code: str, successors: Successors) -> Response:
    """Return 410, with whoever follows: their keys, and their addresses as links (RFC 5829)."""
    detail = f"{kind} {code} is no longer in force"
    if not successors.keys:
        return problem(410, "Gone", detail)
    answer = problem(410, "Gone", f"{detail}; see successors", successors=list(successors.keys), note=successors.note)
    addresses = (f"/{channel}/v1/{key.replace(':', 's/', 1)}" for key in successors.keys)
    answer.headers["Link"] = ", ".join(f'<{address}>; rel="successor-version"' for address in addresses)
    return answer


def _case(lookup: Lookup) -> APIRouter:
    router = APIRouter(prefix="/v1/applications", tags=["applications"])

    @router.post(
        "/lookup",
        summary="Look up the progress of a case by its number and query code",
        response_model=response_models.CaseDocument,
        responses={
            404: openapi.problem_answer(
                "No case matches; the response is the same for a wrong number and a wrong code"
            ),
            429: openapi.problem_answer("Too many look-ups; see Retry-After"),
        },
    )
    async def find(request: Request, wanted: LookupRequest) -> Response:
        address = request.client.host if request.client else "unknown"
        content = await run_in_threadpool(lookup.find, wanted, address)
        return Response(content, media_type="application/json", headers=NO_STORE)

    return router

"""HTTP of a channel: /<channel>/v1/items, /guides, /search, /applications/lookup, /changes, /stream, /source, pages."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, FastAPI, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.routing import Route

from services.channels import answers, cosigning, describing, queries, sync, witness
from services.channels.choosing import Chosen
from services.channels.choosing import counts as counts_of
from services.channels.commands import Channel
from services.channels.drill import Drill, drilled
from services.channels.feedback import Box
from services.channels.lineage import AnchoredChannel, lineage
from services.channels.live import Live
from services.channels.lookup import Lookup, LookupRequest
from services.channels.operate import drop_parked, replay_parked
from services.channels.pages import pages_of
from services.channels.rebuild import Rebuild
from services.channels.repair import Wanted, repair
from services.channels.search import SearchIndex
from services.channels.shelf import Shelf
from shared.config import Settings
from shared.errors import NotFound
from shared.http import Admin, After, Key, Number, Service, etag_response, make_api, problem
from shared.sse import StreamApp

CodePath = Annotated[str, Path(pattern=r"^[0-9A-Za-z_-]{1,64}$", description="实施编码 (31) or 业务办理项编码 (33)")]
Limit = Annotated[int, Query(ge=1, le=500)]

CACHE = "public, max-age=0, must-revalidate"
NO_STORE = {"Cache-Control": "no-store"}
GONE = describing.problem_answer("It was shown once and is not in force any more")
UNKNOWN = describing.problem_answer("There is no such thing here")
ONE: Any = {**describing.CONDITIONAL, "responses": {304: describing.UNCHANGED, 404: UNKNOWN, 410: GONE}}


class Lines(StreamingResponse):
    """One JSON object a line: a step each, the last one `done` or `failed`."""

    media_type = "application/x-ndjson"


def make(channel: AnchoredChannel, settings: Settings, index: SearchIndex, live: Live) -> FastAPI:
    """The ASGI app of one channel."""
    db = channel.db
    name = channel.adapter.name

    def ready() -> dict[str, Any]:
        with db.read() as session:
            return {"position": queries.freshness(session)["position"]}

    api = make_api(name, f"Tongyuan {name}", settings, ready)
    api.add_exception_handler(queries.StartOver, sync.start_over)  # type: ignore[arg-type]  # starlette types the base class only
    lookup = Lookup(db, name, settings)
    shelf = Shelf(channel, index, lookup, Box(db, name, settings))
    api.include_router(_lists(channel, index, shelf))
    api.include_router(_documents(channel))
    api.include_router(sync.router(channel))
    api.include_router(_case(lookup))
    api.include_router(_operators(channel))
    api.include_router(cosigning.router(db, name, settings))
    api.include_router(_proofs(channel))
    if find_spec(f"services.channels.{name}.api"):
        api.include_router(import_module(f"services.channels.{name}.api").router(db, shelf, live))
    api.include_router(pages_of(name, shelf, settings.county))
    api.router.routes.append(Route("/v1/stream", StreamApp(live.stream, live.open), methods=["GET"]))
    return api


def _lists(channel: AnchoredChannel, index: SearchIndex, shelf: Shelf) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["documents"])
    db, summary = channel.db, channel.adapter.summary

    @router.get(
        "/items",
        summary="Items in order of their codes; `facets` choose some",
        response_model=answers.ItemPage,
        **describing.CONDITIONAL,
    )
    def items(request: Request, chosen: Chosen, after: After = "", limit: Limit = 100) -> Response:
        with db.read() as session:
            if chosen.pairs():
                codes = shelf.codes(chosen, after, limit)
                documents = queries.by_keys(session, [f"item:{code}" for code in codes])
            else:
                documents = queries.page(session, "item", after, limit)
                codes = [document["code"] for document in documents]
            mark = queries.freshness(session)
        last = codes[-1] if len(codes) == limit else None
        body = orjson.dumps({"items": [summary(document) for document in documents], "next": last})
        return etag_response(request, body, mark["cursor"], cache=CACHE)

    @router.get(
        "/search",
        summary="Items by what people call them; Chinese words, pinyin or initials",
        response_model=answers.Found,
    )
    def search(
        chosen: Chosen,
        q: Annotated[str, Query(max_length=200)],
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        counts: Annotated[bool, Query(description="Also say what else can be chosen, with numbers")] = False,
    ) -> Response:
        """`facets` choose some of what was found. `total` of at most 300 that answer best; it comes with `counts`."""
        shelf.answerable(chosen)
        narrowed = counts or bool(chosen.pairs())
        listing = shelf.search(q, chosen, 0, limit) if narrowed else None
        with db.read() as session:
            keys = [f"item:{one['code']}" for one in listing.items] if listing else index.find(session, q, limit)
            found = queries.by_keys(session, keys)
        more = {"total": listing.total, "facets": counts_of(listing)} if listing and counts else {}
        return describing.as_json({"query": q, "items": [summary(document) for document in found], **more})

    return router


def _documents(channel: Channel) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["documents"])
    db, kinds = channel.db, describing.Kinds(channel.adapter.name)

    @router.get("/items/{code}", summary="One item", response_model=kinds.item, **ONE)
    def item(request: Request, code: CodePath) -> Response:
        return one(request, "item", code)

    @router.get("/guides/{code}", summary="The guide of an item", response_model=kinds.guide, **ONE)
    def guide(request: Request, code: CodePath) -> Response:
        return one(request, "guide", code)

    def one(request: Request, kind: str, code: str) -> Response:
        with db.read() as session:
            served = queries.document(session, kind, code)
            withdrawn = served is None and queries.gone(session, kind, code)
        if served is not None:
            return etag_response(request, served.content, served.etag, cache=CACHE)
        if withdrawn:
            return problem(410, "Gone", f"{kind} {code} is not in force any more")
        raise NotFound(f"no {kind} {code} here")

    return router


def _case(lookup: Lookup) -> APIRouter:
    router = APIRouter(prefix="/v1/applications", tags=["applications"])

    @router.post(
        "/lookup",
        summary="A case's progress, by its number and query code",
        response_model=answers.CaseDocument,
        responses={
            404: describing.problem_answer("No case fits; the same for a wrong number and a wrong code"),
            429: describing.problem_answer("Too many look-ups; see Retry-After"),
        },
    )
    async def find(request: Request, wanted: LookupRequest) -> Response:
        address = request.client.host if request.client else "unknown"
        content = await run_in_threadpool(lookup.find, wanted, address)
        return Response(content, media_type="application/json", headers=NO_STORE)

    return router


def _operators(channel: Channel) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["operators"])

    @router.get(
        "/parked", dependencies=[Service], summary="Entries that could not be shown", response_model=answers.Parked
    )
    def parked() -> Response:
        with channel.db.read() as session:
            return describing.as_json({"parked": queries.parked(session)})

    @router.post(
        "/parked/{position}/replay",
        dependencies=[Admin],
        summary="Try a parked entry again",
        response_model=answers.Shown,
    )
    def replay(position: Number) -> Response:
        return describing.as_json({"shown": replay_parked(channel, position)})

    @router.delete(
        "/parked/{position}", dependencies=[Admin], summary="Give a parked entry up", response_model=answers.Dropped
    )
    def drop(position: Number) -> Response:
        return describing.as_json({"dropped": drop_parked(channel.db, position)})

    @router.get(
        "/trace/{key}", dependencies=[Service], summary="What this channel knows of a key", response_model=answers.Trace
    )
    def trace(key: Key) -> Response:
        with channel.db.read() as session:
            found = queries.trace(session, key)
        if found is None:
            raise NotFound(f"{channel.adapter.name} has nothing under this key")
        return describing.as_json(found)

    return router


def _proofs(channel: AnchoredChannel) -> APIRouter:
    """Whether the channel still follows its ledger, and whether it is what the ledger gives."""
    router = APIRouter(prefix="/v1", tags=["operators"])

    @router.get(
        "/lineage",
        dependencies=[Service],
        summary="The head that the ledger must continue; why it is halted",
        response_model=answers.Lineage,
    )
    def anchored() -> Response:
        with channel.db.read() as session:
            return describing.as_json(lineage(session))

    @router.get(
        "/witness",
        dependencies=[Service],
        summary="The ledger's keys it trusts; the head it refused last",
        response_model=answers.Witnessed,
    )
    def witnessed() -> Response:
        with channel.db.read() as session:
            return describing.as_json(witness.facts(session))

    @router.post(
        "/rebuild",
        dependencies=[Admin],
        summary="Build aside from the ledger and swap; one JSON line a step",
        response_class=Lines,
    )
    def rebuild(new_epoch: bool = False, full: bool = False) -> Lines:
        """`new_epoch`: take the ledger as it is now, even if it went back; every screen starts over.

        `full`: read every entry, also where a snapshot is quicker.
        """
        steps = Rebuild(channel, new_epoch=new_epoch, full=full).run
        return Lines(_lines(steps), headers=NO_STORE)

    @router.post(
        "/repair", dependencies=[Admin], summary="Some keys anew from the ledger", response_model=answers.Repaired
    )
    def mend(wanted: Wanted) -> Response:
        """`changed`: those that were not as the ledger has them. Nothing else is touched, however many there are."""
        return describing.as_json({"changed": repair(channel, wanted)})

    _drills(router, channel)
    return router


def _drills(router: APIRouter, channel: AnchoredChannel) -> None:
    @router.post(
        "/drill",
        dependencies=[Admin],
        summary="Build aside and compare, change nothing; one JSON line a step",
        response_class=Lines,
    )
    def drill() -> Lines:
        return Lines(_lines(Drill(channel).run), headers=NO_STORE)

    @router.get(
        "/drill",
        dependencies=[Service],
        summary="When the newest drill was, and what it found",
        response_model=answers.DrillReport,
    )
    def newest_drill() -> Response:
        with channel.db.read() as session:
            return describing.as_json(drilled(session))


def _lines(steps: Callable[[], Any]) -> Any:
    try:
        for step in steps():
            yield orjson.dumps(step.as_json()) + b"\n"
    except Exception as error:  # noqa: BLE001  # the status line is sent already: the reason goes into the stream
        yield orjson.dumps({"failed": f"{type(error).__name__}: {error}"}) + b"\n"

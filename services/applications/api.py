"""HTTP of applications: /applications/v1/applications, /calendars, /releases. For clerks; the public asks a channel."""

from datetime import timedelta
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from pydantic import BaseModel, Field, TypeAdapter

from contracts.base import Contract, Json
from contracts.publication import Lane
from services.applications import queries, retention, upkeep
from services.applications.commands import Applications
from services.applications.lifecycle import CaseState, State
from services.applications.model import SOURCE
from services.applications.opening import Opening, Receipt
from services.applications.private import parse, reading
from services.applications.reporting import EventReport, NotAllowed
from shared import log
from shared.case_ref import normalise_project_no
from shared.config import Settings
from shared.http import Admin, IfMatch, etag_response, json_body, make_api, problem
from shared.outbox import SourceFeed
from shared.retention import Compaction, Erasure
from shared.source_api import feed_router

Body = Annotated[Any, Depends(json_body)]
Reports = TypeAdapter(Annotated[list[EventReport], Field(min_length=1, max_length=100)])
_log = log.get("applications")


class Withdrawal(Contract):
    """`erase`: forget everything personal as well, for good."""

    erase: bool = False


def make(applications: Applications, settings: Settings) -> FastAPI:
    """The ASGI app."""
    db = applications.db

    def ready() -> Json:
        with reading(db) as session:
            return {"releases": {str(lane): SourceFeed(SOURCE, lane).head(session) for lane in Lane}}

    api = make_api(SOURCE, "Tongyuan applications", settings, ready)
    api.add_exception_handler(NotAllowed, _on_not_allowed)  # type: ignore[arg-type]  # starlette types the base class only
    api.include_router(_cases(applications))
    api.include_router(_changes(applications))
    api.include_router(_calendars(applications))
    api.include_router(_retention(applications))
    api.include_router(feed_router(db, SOURCE))
    return api


def _cases(applications: Applications) -> APIRouter:
    router = APIRouter(prefix="/v1/applications", tags=["applications"], dependencies=[Admin])

    @router.get("", summary="Cases in the order of their numbers, without anything else about persons")
    def page(
        after: Annotated[str, Query(max_length=50)] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        state: State | None = None,
        overdue: bool | None = None,
        opened: Annotated[bool | None, Query(alias="open")] = None,
    ) -> Response:
        with reading(applications.db) as session:
            rows = queries.page(session, after, limit, state=state, overdue=overdue, opened=opened)
        return _answer({"applications": rows})

    @router.post(
        "", summary="Open a case; its number and its query code are in the answer", openapi_extra=_takes(Opening)
    )
    def post(content: Body) -> Response:
        return _receipt(applications.open_case(content))

    @router.get("/{project_no}", summary="One case in full; its ETag is the revision")
    def read(request: Request, project_no: str) -> Response:
        with reading(applications.db) as session:
            now = applications.known(session)
            row, content = queries.case(session, normalise_project_no(project_no), now)
        _log.info("a case was read in full", key=row.key)
        return etag_response(request, orjson.dumps(content), str(row.revision), cache="no-store")

    @router.put(
        "/{project_no}", summary="Open a case, or replace what is kept about persons", openapi_extra=_takes(Opening)
    )
    def put(project_no: str, content: Body, revision: IfMatch) -> Response:
        return _receipt(applications.put_case(project_no, content, revision))

    return router


def _changes(applications: Applications) -> APIRouter:
    router = APIRouter(prefix="/v1/applications/{project_no}", tags=["applications"], dependencies=[Admin])

    @router.post("/events", summary="Report one event, or a list of them", openapi_extra=_takes(EventReport, many=True))
    def post_events(project_no: str, content: Body) -> Response:
        reports = parse(Reports, content if isinstance(content, list) else [content])
        return _progress(applications.report(project_no, reports))

    @router.post("/withdraw", summary="Take the case off every channel", openapi_extra=_takes(Withdrawal))
    def post_withdraw(project_no: str, content: Body) -> Response:
        return _answer(applications.withdraw(project_no, erase=parse(Withdrawal, content).erase))

    @router.post("/release", summary="Show a withdrawn case again")
    def post_release(project_no: str) -> Response:
        return _answer(applications.release(project_no))

    @router.post("/receipt", summary="A new query code for a lost receipt; the old one ends")
    def post_receipt(project_no: str) -> Response:
        return _receipt(applications.reissue(project_no))

    return router


def _calendars(applications: Applications) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["calendars"], dependencies=[Admin])

    @router.put("/calendars/{year}", summary="A year's holiday notice; moves the deadlines of all open cases")
    def put_calendar(year: int, notice: Body) -> Response:
        return _answer(applications.put_calendar(year, notice))

    @router.get("/calendars", summary="The holiday notices")
    def get_calendars() -> Response:
        return _answer({"calendars": upkeep.notices(applications.db)})

    @router.get("/counts", summary="How many cases are in which state, overdue, or waiting for being opened")
    def get_counts() -> Response:
        with reading(applications.db) as session:
            return _answer(queries.counts(session))

    return router


def _retention(applications: Applications) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["retention"], dependencies=[Admin])

    @router.post("/erasures", summary="Take a case off for good, by its ledger key, and erase every body of it")
    def post_erasure(wanted: Erasure) -> Response:
        return _answer(retention.erase_case(applications.db, applications.region, wanted.key))

    @router.post("/compactions", summary="Erase bodies of releases that a newer version took the place of")
    def post_compaction(wanted: Compaction) -> Response:
        days = timedelta(days=wanted.older_than_days)
        return _answer({"erased": retention.compact_cases(applications.db, days)})

    return router


def _answer(content: Json, status: int = 200, revision: int | None = None) -> Response:
    headers = {"Cache-Control": "no-store", **({} if revision is None else {"ETag": f'"{revision}"'})}
    return Response(orjson.dumps(content), status_code=status, media_type="application/json", headers=headers)


def _receipt(receipt: Receipt) -> Response:
    return _answer(receipt.view(), 201 if receipt.created else 200, receipt.revision)


def _progress(state: CaseState) -> Response:
    return _answer(queries.progress(state))


async def _on_not_allowed(_request: Request, error: NotAllowed) -> Response:
    return problem(error.status, error.title, str(error), allowed=error.allowed)


def _takes(model: type[BaseModel], *, many: bool = False) -> Json:
    """The body in the OpenAPI document; it is checked by hand, since an error must not repeat what was sent."""
    schema = model.model_json_schema()
    inner = _inlined(schema, schema.pop("$defs", {}))
    shape = {"oneOf": [inner, {"type": "array", "items": inner, "minItems": 1, "maxItems": 100}]} if many else inner
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": shape}}}}


def _inlined(schema: Any, definitions: Json) -> Any:
    """The schema without references: an operation's own body has no place for definitions."""
    if isinstance(schema, list):
        return [_inlined(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(part, definitions) for name, part in schema.items()}

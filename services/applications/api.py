"""HTTP API of applications for clerks: /applications/v1/applications, /calendars, /releases.

The public uses a channel.
"""

import math
from datetime import date, timedelta
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from pydantic import BaseModel, Field, TypeAdapter
from sqlalchemy.exc import SQLAlchemyError

from contracts.base import Contract, Json
from contracts.envelope.publication import Lane
from services.applications import figures, queries
from services.applications.commands import Applications
from services.applications.intake.editor_reports import EventNotAllowed, EventReport
from services.applications.lifecycle import timers
from services.applications.lifecycle.definitions import CaseState, CaseStatus
from services.applications.lifecycle.opening import Opening, Receipt
from services.applications.model import SOURCE
from services.applications.privacy import retention
from services.applications.privacy.error_guard import parse, reading
from shared import log, metrics
from shared.audit.http import audit_router
from shared.config import Settings
from shared.errors import TongyuanError
from shared.feeds.outbox import SourceFeed
from shared.publishing.http import feed_router, keys_router
from shared.publishing.recording_status import Noticing, nothing_to_notice, noticed
from shared.publishing.retention import Compaction, Erasure
from shared.security.case_ref import normalise_project_no
from shared.tokens.access import By, guard
from shared.tokens.rights import Right
from shared.web.edge import CREATED, IfMatch, etag_response, json_body, make_api, problem

Body = Annotated[Any, Depends(json_body)]
Reports = TypeAdapter(Annotated[list[EventReport], Field(min_length=1, max_length=100)])
_log = log.get("applications")


class Withdrawal(Contract):
    """`erase`: also erase everything personal, irrevocably."""

    erase: bool = False


def make(applications: Applications, settings: Settings, notice: Noticing = nothing_to_notice) -> FastAPI:
    """Return the ASGI app. `notice`: see `shared.publishing.notices.notice`."""
    db = applications.db

    def ready() -> Json:
        with reading(db) as session:
            return {"releases": {str(lane): SourceFeed(SOURCE, lane).head(session) for lane in Lane}}

    api = make_api(SOURCE, "Tongyuan applications", settings, ready)
    api.add_exception_handler(EventNotAllowed, _on_not_allowed)  # type: ignore[arg-type]  # starlette types the base class only
    api.include_router(_cases(applications, notice))
    api.include_router(_changes(applications, notice))
    api.include_router(_calendars(applications))
    api.include_router(_retention(applications, notice))
    api.include_router(_figures(applications))
    api.include_router(feed_router(db, SOURCE))
    api.include_router(keys_router(db))
    api.include_router(audit_router(db))
    metrics.calendar_missing.set_function(lambda: _provisional(applications))
    return api


def _provisional(applications: Applications) -> float:
    """Return the metric; NaN while the database is unavailable, because metrics must answer all the same."""
    try:
        with reading(applications.db) as session:
            return float(queries.provisional(session, applications.known(session))["cases"])
    except (TongyuanError, SQLAlchemyError):
        return math.nan


def _cases(applications: Applications, notice: Noticing) -> APIRouter:
    router = APIRouter(prefix="/v1/applications", tags=["applications"], dependencies=[guard(Right.WRITE)])

    @router.get("", summary="List cases by number, without personal data")
    def page(
        after: Annotated[str, Query(max_length=50)] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        state: CaseStatus | None = None,
        overdue: bool | None = None,
        opened: Annotated[bool | None, Query(alias="open")] = None,
    ) -> Response:
        with reading(applications.db) as session:
            rows = queries.page(session, after, limit, state=state, overdue=overdue, opened=opened)
        return _answer({"applications": rows})

    @router.post(
        "",
        status_code=201,
        summary="Open a case; the response contains its number and query code",
        openapi_extra=_takes(Opening),
    )
    def post(by: By, content: Body) -> Response:
        return _receipt(applications.open_case(by, content), notice)

    @router.get("/{project_no}", summary="Read one case in full; its ETag is the revision")
    def read(request: Request, project_no: str) -> Response:
        with reading(applications.db) as session:
            now = applications.known(session)
            row, content = queries.case(session, normalise_project_no(project_no), now)
        _log.info("case read in full", key=row.key)
        return etag_response(request, orjson.dumps(content), str(row.revision), cache="no-store")

    @router.put(
        "/{project_no}",
        responses=CREATED,
        summary="Open a case, or replace its personal data",
        openapi_extra=_takes(Opening),
    )
    def put(by: By, project_no: str, content: Body, revision: IfMatch) -> Response:
        return _receipt(applications.put_case(by, project_no, content, revision), notice)

    return router


def _changes(applications: Applications, notice: Noticing) -> APIRouter:
    router = APIRouter(prefix="/v1/applications/{project_no}", tags=["applications"], dependencies=[guard(Right.WRITE)])

    @router.post(
        "/events", summary="Report one event or a list of events", openapi_extra=_takes(EventReport, many=True)
    )
    def post_events(by: By, project_no: str, content: Body) -> Response:
        reports = parse(Reports, content if isinstance(content, list) else [content])
        return _progress(applications.report(by, project_no, reports), notice)

    @router.post("/withdraw", summary="Withdraw the case from every channel", openapi_extra=_takes(Withdrawal))
    def post_withdraw(by: By, project_no: str, content: Body) -> Response:
        done = applications.withdraw(by, project_no, erase=parse(Withdrawal, content).erase)
        return _answer({**done, **noticed(notice)})

    @router.post("/release", summary="Show a withdrawn case again")
    def post_release(by: By, project_no: str) -> Response:
        return _answer({**applications.release(by, project_no), **noticed(notice)})

    @router.post("/receipt", summary="Issue a new query code for a lost receipt; the old code stops working")
    def post_receipt(by: By, project_no: str) -> Response:
        return _receipt(applications.reissue(by, project_no), notice)

    return router


def _calendars(applications: Applications) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["calendars"], dependencies=[guard(Right.WRITE)])

    @router.put("/calendars/{year}", summary="Save a year's holiday notice; recomputes the deadlines of all open cases")
    def put_calendar(by: By, year: int, notice: Body) -> Response:
        return _answer(applications.put_calendar(by, year, notice))

    @router.get("/calendars", summary="List the holiday notices")
    def get_calendars() -> Response:
        return _answer({"calendars": timers.notices(applications.db)})

    @router.get("/counts", summary="Count cases by state, overdue cases and reports of cases that are not open yet")
    def get_counts() -> Response:
        with reading(applications.db) as session:
            return _answer(queries.counts(session, applications.known(session)))

    return router


def _figures(applications: Applications) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["figures"], dependencies=[guard(Right.WRITE)])

    @router.get(
        "/figures/cases",
        summary="Count by item: results in a period, late ones, those that promised no day, open and overdue cases",
    )
    def by_item(first: date, last: date) -> Response:
        """Days of Asia/Shanghai, both included."""
        with reading(applications.db) as session:
            return _answer({"items": figures.by_item(session, first, last)})

    @router.get(
        "/deadlines",
        summary="List cases under review by their promised day: those to come until a day, or those that have passed",
    )
    def deadlines(
        until: date,
        over: bool = False,
        unit: Annotated[str, Query(pattern=r"^([0-9A-Z]{18})?$", description="统一社会信用代码")] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> Response:
        with reading(applications.db) as session:
            return _answer(figures.due(session, over=over, until=until, unit=unit, limit=limit))

    return router


def _retention(applications: Applications, notice: Noticing) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["retention"], dependencies=[guard(Right.WRITE)])

    @router.post("/erasures", summary="Withdraw a case permanently, by its ledger key, and erase all its bodies")
    def post_erasure(by: By, wanted: Erasure) -> Response:
        done = retention.erase_case(applications.db, applications.region, by, wanted)
        return _answer({**done, **noticed(notice)})

    @router.post("/compactions", summary="Erase bodies of superseded releases")
    def post_compaction(by: By, wanted: Compaction) -> Response:
        days = timedelta(days=wanted.older_than_days)
        return _answer({"erased": retention.compact_cases(applications.db, by, days)})

    return router


def _answer(content: Json, status: int = 200, revision: int | None = None) -> Response:
    headers = {"Cache-Control": "no-store", **({} if revision is None else {"ETag": f'"{revision}"'})}
    return Response(orjson.dumps(content), status_code=status, media_type="application/json", headers=headers)


def _receipt(receipt: Receipt, notice: Noticing) -> Response:
    return _answer({**receipt.view(), **noticed(notice)}, 201 if receipt.created else 200, receipt.revision)


def _progress(state: CaseState, notice: Noticing) -> Response:
    return _answer({**queries.progress(state), **noticed(notice)})


async def _on_not_allowed(_request: Request, error: EventNotAllowed) -> Response:
    return problem(error.status, error.title, str(error), allowed=error.allowed)


def _takes(model: type[BaseModel], *, many: bool = False) -> Json:
    """Return the body for the OpenAPI document. The routes check it themselves: an error must not repeat its values."""
    schema = model.model_json_schema()
    inner = _inlined(schema, schema.pop("$defs", {}))
    shape = {"oneOf": [inner, {"type": "array", "items": inner, "minItems": 1, "maxItems": 100}]} if many else inner
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": shape}}}}


def _inlined(schema: Any, definitions: Json) -> Any:
    """Return the schema without references: an operation's own body has no place for definitions."""
    if isinstance(schema, list):
        return [_inlined(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(part, definitions) for name, part in schema.items()}

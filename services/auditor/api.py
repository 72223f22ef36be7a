"""HTTP API of the auditor for operators: /auditor/v1/findings, /report and /facts."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Response

from contracts.base import Json
from services.auditor import queries
from shared.config import Settings
from shared.database.engine import Database
from shared.tokens.access import guard
from shared.tokens.rights import Right
from shared.web.edge import Number, make_api

Facts = Callable[[], Json]
"""Returns the facts that released items and guides state more than once, see `services.operations.repeated_facts`."""


def make(db: Database, settings: Settings, facts: Facts) -> FastAPI:
    """Return the ASGI app."""

    def ready() -> dict[str, Any]:
        with db.read() as session:
            return {"position": queries.position(session)}

    api = make_api("auditor", "Tongyuan auditor", settings, ready)
    api.include_router(_record(db))
    api.include_router(_repeated(facts))
    return api


def _record(db: Database) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["audit"], dependencies=[guard(Right.INSPECT)])

    @router.get("/findings", summary="List findings, newest first, with differences by path")
    def findings(
        response: Response,
        only_open: Annotated[bool, Query(alias="open", description="Only findings that are not repaired.")] = False,
        before: Annotated[Number | None, Query(description="`id` of the last finding of the previous page.")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Json:
        response.headers["Cache-Control"] = "no-store"
        with db.read() as session:
            found = queries.findings(session, only_open=only_open, before=before, limit=limit)
        return {"findings": found}

    @router.get(
        "/report", summary="Read the audit's state: open findings, age of each pass, times to detection and repair"
    )
    def report(response: Response) -> Json:
        response.headers["Cache-Control"] = "no-store"
        with db.read() as session:
            return queries.report(session)

    return router


def _repeated(facts: Facts) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["audit"], dependencies=[guard(Right.INSPECT)])

    @router.get(
        "/facts", summary="List facts that released items and guides state in two ways, those that differ first"
    )
    def repeated(response: Response) -> Json:
        """Reads every released item and guide: some seconds for ten thousand."""
        response.headers["Cache-Control"] = "no-store"
        return facts()

    return router

"""The routes that every service with imports has under `/v1/imports`."""

from collections.abc import Callable
from typing import Annotated, TypeVar

import orjson
from fastapi import APIRouter, Query, Response

from contracts.base import Json
from shared.database.engine import Database
from shared.publishing.editions import ReleasingSource
from shared.publishing.import_undo import UndoOutcome, UndoRequest, undo_import
from shared.publishing.imports.answer import Outcome
from shared.publishing.imports.provenance import provenance_of
from shared.publishing.imports.request import ImportRequest
from shared.publishing.imports.statement import StatementStore
from shared.publishing.recording_status import Noticing
from shared.text.validation import parse
from shared.tokens.access import By, guard
from shared.tokens.person import Actor
from shared.tokens.rights import Right
from shared.web.edge import After, Content, Key, takes

Request = TypeVar("Request", bound=ImportRequest)
SourceName = Annotated[str, Query(pattern=r"^[\w.\-]{1,50}$", description="Name of an import source")]


def imports_router(
    db: Database,
    who: ReleasingSource,
    model: type[Request],
    command: Callable[[Actor, Request], Outcome],
    summary: str,
    notice: Noticing,
) -> APIRouter:
    """`POST /v1/imports`, its undo, and queries about earlier imports. `command` takes who imports, and a `model`.

    `notice` returns why what is released now does not take effect yet.
    """
    router = APIRouter(prefix="/v1/imports", tags=["imports"], dependencies=[guard(Right.WRITE)])

    @router.post("", openapi_extra=takes(model), summary=summary, response_model=Outcome)
    def post_import(by: By, content: Content) -> Response:
        request = parse(model, content)
        outcome = command(by, request)
        outcome.notice = notice() if outcome.publishes and not request.dry_run else None
        # Hundreds of entries: serialize them directly, without copying each field into a model first.
        return Response(orjson.dumps(outcome), media_type="application/json")

    @router.post(
        "/undo",
        openapi_extra=takes(UndoRequest),
        summary="Take one import back as one act; what was changed since is listed and stays",
    )
    def post_undo(by: By, content: Content) -> UndoOutcome:
        request = parse(UndoRequest, content)
        outcome = undo_import(db, who, by, request)
        outcome.notice = notice() if outcome.publishes and not request.dry_run else None
        return outcome

    @router.get("/codes", summary="List the released codes that an import source has stated to be in use, in order")
    def codes(source: SourceName, after: After = "", limit: Annotated[int, Query(ge=1, le=5000)] = 1000) -> Json:
        with db.read() as session:
            return {"codes": StatementStore(session, source).codes_in_use(after, limit)}

    @router.get("/provenance/{key}", summary="List the file and row from which each version of a key was imported")
    def provenance(key: Key) -> Json:
        with db.read() as session:
            return {"provenance": provenance_of(session, key)}

    return router

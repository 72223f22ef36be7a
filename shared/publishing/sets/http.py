"""`/v1/sets` of a source: prepare, complete and cancel its part of a set. Each may be repeated."""

from collections.abc import Callable

from fastapi import APIRouter
from sqlmodel import Session

from contracts.base import Json
from shared.database.engine import Database
from shared.publishing.editions import ReleasingSource
from shared.publishing.sets import commands
from shared.publishing.sets.requests import AnnounceRequest, CancelRequest, CompleteRequest, PrepareRequest
from shared.text.validation import parse
from shared.tokens.access import By, guard
from shared.tokens.rights import Right
from shared.web.edge import Content, takes


def sets_router(db: Database, who: ReleasingSource, check: Callable[[Session, str], object]) -> APIRouter:
    """Return the routes. `check` raises `Invalid` unless the draft of a code may be released."""
    router = APIRouter(prefix="/v1/sets", tags=["sets"], dependencies=[guard(Right.WRITE)])

    @router.post("/prepare", openapi_extra=takes(PrepareRequest), summary="Release the members of a set, not shown yet")
    def prepare(content: Content, by: By) -> Json:
        """Channels show them once the set is complete and its time has come: whole or not at all."""
        asked = parse(PrepareRequest, content)
        # One transaction: if the process dies before its commit, no member is released; after it, all are.
        with db.write() as session:
            return {"part_of": asked.part_of, "members": commands.prepare(session, who, by, asked, check)}

    @router.post(
        "/complete", openapi_extra=takes(CompleteRequest), summary="Complete a set that the ledger has recorded"
    )
    def complete(content: Content, by: By) -> Json:
        asked = parse(CompleteRequest, content)
        with db.write() as session:
            made = commands.complete(session, who, by, asked)
        return {"act": asked.part_of, "digest": made and made.digest, "already": made is None}

    @router.post(
        "/announce", openapi_extra=takes(AnnounceRequest), summary="Announce members of a complete set until its time"
    )
    def announce(content: Content, by: By) -> Json:
        asked = parse(AnnounceRequest, content)
        # One transaction: if the process dies before its commit, nothing is announced, and the desk asks again.
        with db.write() as session:
            return {"part_of": asked.part_of, "announced": commands.announce(session, who, by, asked)}

    @router.post(
        "/cancel", openapi_extra=takes(CancelRequest), summary="Take back members of a set that is not complete"
    )
    def cancel(content: Content, by: By) -> Json:
        asked = parse(CancelRequest, content)
        with db.write() as session:
            return {"part_of": asked.part_of, "cancelled": commands.cancel(session, who, by, asked)}

    return router

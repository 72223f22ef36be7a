"""`/v1/audit`: the audit log of one store, for auditors and operators."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from contracts.base import Json, Timestamp
from shared.audit.answers import AuditHead, AuditPage
from shared.audit.queries import AuditFilter, head, page
from shared.database.engine import Database
from shared.tokens.access import caller_of, guard
from shared.tokens.rights import Right
from shared.web.admission import List
from shared.web.edge import MAX_NUMBER

Before = Annotated[int | None, Query(ge=1, le=MAX_NUMBER, description="Number of the last row of the previous page.")]
Limit = Annotated[int, Query(ge=1, le=1000)]
Actor = Annotated[str | None, Query(max_length=64, description="Account of a person, or name of a machine.")]
Action = Annotated[str | None, Query(pattern=r"^[a-z_.-]{1,40}$")]
Object = Annotated[str | None, Query(max_length=160, description="Such as `item:<实施编码>`.")]
Address = Annotated[str | None, Query(max_length=64, description="From where the actor asked.")]
Since = Annotated[Timestamp | None, Query(alias="from", description="Rows of this moment and later.")]
Until = Annotated[Timestamp | None, Query(alias="to", description="Rows before this moment.")]


def _wanted(
    actor: Actor = None,
    action: Action = None,
    object: Object = None,  # noqa: A002  # the name of the parameter in the address
    since: Since = None,
    until: Until = None,
    address: Address = None,
) -> AuditFilter:
    return AuditFilter(actor, action, object, since, until, address)


Wanted = Annotated[AuditFilter, Depends(_wanted)]


def audit_router(db: Database) -> APIRouter:
    """The rows newest first, and the head of the chain.

    The ledger reads the head with its right to the feed, and signs it in its statements.
    """
    router = APIRouter(prefix="/v1/audit", tags=["audit"])

    @router.get(
        "",
        dependencies=[List, guard(Right.INSPECT)],
        summary="List who did what, newest first",
        response_model=AuditPage,
    )
    def rows(request: Request, wanted: Wanted, before: Before = None, limit: Limit = 100) -> Response:
        """Callers that may write drafts also get `changes`, the changed fields."""
        caller = caller_of(request)
        with_changes = caller is not None and Right.WRITE in caller.rights
        with db.read() as session:
            found = page(session, wanted, before, limit, with_changes=with_changes)
        following = found[-1]["sequence"] if len(found) == limit else None
        return Response(orjson.dumps({"rows": found, "next": following}), media_type="application/json")

    @router.get(
        "/head",
        dependencies=[guard(Right.FEED)],
        summary="Read number, time and hash of the newest row",
        response_model=AuditHead,
    )
    def newest() -> Json:
        with db.read() as session:
            return head(session)

    return router

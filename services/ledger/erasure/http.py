"""HTTP API of erasure, for operators. Who erased a body is shown to services only."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from contracts.base import Json
from services.ledger.erasure.retention import compact, erase, erasure_page
from shared.database.engine import Database
from shared.publishing.retention import Compaction, Erasure
from shared.tokens.access import By, guard
from shared.tokens.rights import Right
from shared.web.edge import Number


def router(db: Database) -> APIRouter:
    """Return the router of `/v1/erasures` and `/v1/compactions`."""
    made = APIRouter(prefix="/v1", tags=["retention"])

    @made.post("/erasures", dependencies=[guard(Right.OPERATE)], summary="Erase the bodies of a withdrawn case")
    def post_erasure(wanted: Erasure, by: By) -> Json:
        return {"erased": erase(db, wanted.key, wanted.reason, wanted.by, by)}

    @made.get(
        "/erasures",
        dependencies=[guard(Right.INSPECT)],
        summary="List erased bodies in order of position, with time, reason and person",
    )
    def get_erasures(after: Number = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 500) -> Json:
        with db.read() as session:
            return {"erasures": erasure_page(session, after, limit)}

    @made.post(
        "/compactions",
        dependencies=[guard(Right.OPERATE)],
        summary="Erase the bodies of superseded versions of cases",
    )
    def post_compaction(wanted: Compaction, by: By) -> Json:
        return {"erased": compact(db, timedelta(days=wanted.older_than_days), wanted.by, by)}

    return made

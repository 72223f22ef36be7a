"""HTTP of erasure: for operators; who erased what is told to services."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from contracts.base import Json
from services.ledger.retention import compact, erase, erasure_page
from shared.database import Database
from shared.http import Admin, Number, Service
from shared.retention import Compaction, Erasure


def router(db: Database) -> APIRouter:
    """`/v1/erasures`, `/v1/compactions`."""
    made = APIRouter(prefix="/v1", tags=["retention"])

    @made.post("/erasures", dependencies=[Admin], summary="Erase the bodies of a case that is shown no more")
    def post_erasure(wanted: Erasure) -> Json:
        return {"erased": erase(db, wanted.key, wanted.reason, wanted.by)}

    @made.get("/erasures", dependencies=[Service], summary="Erased bodies in order of position: when, why, by whom")
    def get_erasures(after: Number = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 500) -> Json:
        with db.read() as session:
            return {"erasures": erasure_page(session, after, limit)}

    @made.post("/compactions", dependencies=[Admin], summary="Erase bodies of cases' versions that were superseded")
    def post_compaction(wanted: Compaction) -> Json:
        return {"erased": compact(db, timedelta(days=wanted.older_than_days), wanted.by)}

    return made

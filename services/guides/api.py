"""HTTP API of guides: /guides/v1/guides, /files, /imports, /releases, /feedback."""

import math
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Path, Query
from sqlalchemy.exc import SQLAlchemyError

from contracts.base import Json
from contracts.envelope.publication import Lane
from services.guides.commands import Guides
from services.guides.feedback import Answer, FeedbackState, FeedbackStore
from services.guides.files.http import files_router
from services.guides.files.store import FileStore
from services.guides.manifest import MANIFEST
from services.guides.model import SOURCE
from shared import metrics
from shared.audit.http import audit_router
from shared.config import Settings
from shared.errors import TongyuanError
from shared.feeds.outbox import SourceFeed
from shared.publishing.http import edition_router, feed_router, keys_router
from shared.publishing.imports.http import imports_router
from shared.publishing.imports.request import ImportRequest
from shared.publishing.recording_status import Noticing, nothing_to_notice
from shared.publishing.reviews.http import reviews_router
from shared.publishing.sets.http import sets_router
from shared.text.validation import parse
from shared.tokens.access import By, guard
from shared.tokens.rights import Right
from shared.web.edge import Content, Number, make_api, takes

Id = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]


def make(guides: Guides, settings: Settings, notice: Noticing = nothing_to_notice) -> FastAPI:
    """Return the ASGI app. `notice`: see `shared.publishing.notices.notice`."""
    db, feedback = guides.db, FeedbackStore(guides.db)

    def ready() -> dict[str, Any]:
        with db.read() as session:
            return {"releases": {str(lane): SourceFeed(SOURCE, lane).head(session) for lane in Lane}}

    api = make_api(SOURCE, "Tongyuan guides", settings, ready, MANIFEST.bodies)
    api.include_router(
        edition_router(
            db,
            guides.who,
            prefix="/v1/guides",
            save=guides.save_guide,
            release=guides.release_guide,
            notice=notice,
        )
    )
    api.include_router(sets_router(db, guides.who, guides.checked_draft))
    api.include_router(reviews_router(guides.reviewing))
    api.include_router(feed_router(db, SOURCE))
    api.include_router(keys_router(db))
    api.include_router(audit_router(db))
    api.include_router(files_router(FileStore(db)))
    api.include_router(_feedback(feedback))
    metrics.feedback_open.set_function(lambda: _measured(feedback.count_open))
    metrics.feedback_waits.set_function(lambda: _measured(feedback.longest_wait))

    summary = "Release many guides at once; each entry states fields of `contracts.content.guides.Guide`"
    api.include_router(imports_router(db, guides.who, ImportRequest, guides.import_guides, summary, notice))
    return api


def _feedback(feedback: FeedbackStore) -> APIRouter:
    router = APIRouter(prefix="/v1/feedback", tags=["feedback"], dependencies=[guard(Right.WRITE)])

    @router.get("", summary="List readers' feedback about guides in order of arrival")
    def some(
        state: FeedbackState | None = None,
        code: Annotated[str | None, Query(pattern=r"^[0-9A-Z]{31,33}$")] = None,
        unit: Annotated[str | None, Query(pattern=r"^[0-9A-Z]{18}$", description="统一社会信用代码")] = None,
        after: Number = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Json:
        return feedback.page(state, code, after, limit, unit)

    @router.post(
        "/{feedback_id}/answer",
        openapi_extra=takes(Answer),
        summary="Answer feedback: record what was done about it",
    )
    def answer(by: By, feedback_id: Id, content: Content) -> Json:
        return feedback.answer(by, feedback_id, parse(Answer, content).answer)

    @router.post("/{feedback_id}/close", summary="Close feedback")
    def close(by: By, feedback_id: Id) -> Json:
        return feedback.close(by, feedback_id)

    return router


def _measured(value: Callable[[], float]) -> float:
    """Return a value for a metric; NaN while the database is unavailable, because metrics must answer all the same."""
    try:
        return float(value())
    except (TongyuanError, SQLAlchemyError):
        return math.nan

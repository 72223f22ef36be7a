"""HTTP of guides: /guides/v1/guides, /imports, /releases."""

from typing import Any

from fastapi import FastAPI

from contracts.publication import Lane
from services.guides.commands import Guides
from services.guides.model import SOURCE
from shared.config import Settings
from shared.http import Admin, Content, make_api, takes
from shared.importing import ImportRequest, Outcome
from shared.outbox import SourceFeed
from shared.source_api import edition_router, feed_router
from shared.validation import parse


def make(guides: Guides, settings: Settings) -> FastAPI:
    """The ASGI app."""
    db = guides.db

    def ready() -> dict[str, Any]:
        with db.read() as session:
            return {"releases": {str(lane): SourceFeed(SOURCE, lane).head(session) for lane in Lane}}

    api = make_api(SOURCE, "Tongyuan guides", settings, ready)
    api.include_router(
        edition_router(db, guides.who, prefix="/v1/guides", save=guides.save_guide, release=guides.release_guide)
    )
    api.include_router(feed_router(db, SOURCE))

    @api.post(
        "/v1/imports",
        dependencies=[Admin],
        openapi_extra=takes(ImportRequest),
        summary="Release many guides at once; rows are `contracts.guides.Guide`",
    )
    def post_import(content: Content) -> Outcome:
        return guides.import_guides(parse(ImportRequest, content))

    return api

"""HTTP API of catalog: /catalog/v1/items, /directory, /figures, /imports, /releases, /reviews, /sets."""

from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Response
from sqlmodel import col, select

from contracts.base import Json
from contracts.content.items import DirectoryRow
from contracts.envelope.publication import Lane
from services.catalog.commands import Catalog, ItemImport
from services.catalog.figures import figures
from services.catalog.manifest import MANIFEST
from services.catalog.model import SOURCE, DirectoryEntry, DirectoryOrigin
from shared.audit.http import audit_router
from shared.config import Settings
from shared.feeds.outbox import SourceFeed
from shared.publishing.http import edition_router, feed_router, keys_router
from shared.publishing.imports.http import imports_router
from shared.publishing.recording_status import Noticing, nothing_to_notice
from shared.publishing.reviews.http import reviews_router
from shared.publishing.sets.http import sets_router
from shared.tokens.access import By, guard
from shared.tokens.rights import Right
from shared.web.admission import List
from shared.web.edge import After, make_api


def make(catalog: Catalog, settings: Settings, notice: Noticing = nothing_to_notice) -> FastAPI:
    """Return the ASGI app. `notice`: see `shared.publishing.notices.notice`."""
    db = catalog.db

    def ready() -> dict[str, Any]:
        with db.read() as session:
            return {"releases": {str(lane): SourceFeed(SOURCE, lane).head(session) for lane in Lane}}

    api = make_api(SOURCE, "Tongyuan catalog", settings, ready, MANIFEST.bodies)
    api.include_router(
        edition_router(
            db,
            catalog.who,
            prefix="/v1/items",
            save=catalog.save_item,
            release=catalog.release_item,
            notice=notice,
        )
    )
    api.include_router(sets_router(db, catalog.who, catalog.checked_draft))
    api.include_router(reviews_router(catalog.reviewing))
    api.include_router(feed_router(db, SOURCE))
    api.include_router(keys_router(db))
    api.include_router(audit_router(db))
    summary = "Release many items at once; each entry states fields of `contracts.content.items.Item`"
    api.include_router(imports_router(db, catalog.who, ItemImport, catalog.import_items, summary, notice))
    api.include_router(_own_routes(catalog))
    api.include_router(_figures(catalog))
    return api


def _own_routes(catalog: Catalog) -> APIRouter:
    router = APIRouter(prefix="/v1", dependencies=[guard(Right.WRITE)])

    @router.put("/directory", summary="Add or replace rows of the catalogue (基本目录)")
    def put_directory(by: By, rows: list[DirectoryRow], merge: bool = False) -> Json:
        """`merge`: keep the levels that a row already allows."""
        return {"rows": catalog.save_directory(by, rows, merge=merge)}

    @router.get("/directory", summary="The 基本目录")
    def get_directory() -> Json:
        """`rows` were given and are used for check C-7; `guessed` were inferred from imported items."""
        query = select(DirectoryEntry.origin, DirectoryEntry.document).order_by(col(DirectoryEntry.catalog_code))
        with catalog.db.read() as session:
            found = [(origin, DirectoryRow.model_validate_json(document)) for origin, document in session.exec(query)]
        return {
            "rows": [row for origin, row in found if origin == DirectoryOrigin.GIVEN],
            "guessed": [row for origin, row in found if origin == DirectoryOrigin.GUESSED],
        }

    return router


def _figures(catalog: Catalog) -> APIRouter:
    router = APIRouter(prefix="/v1/figures", tags=["figures"], dependencies=[guard(Right.WRITE)])

    @router.get(
        "/items", dependencies=[List], summary="List what each shown item states about online service, visits and time"
    )
    def items(response: Response, after: After = "", limit: Annotated[int, Query(ge=1, le=1000)] = 500) -> Json:
        """Null: nobody has stated it. `next`: `after` of the next page; null on the last one."""
        response.headers["Cache-Control"] = "no-store"
        with catalog.db.read() as session:
            found, following = figures(session, catalog.who, after, limit)
        return {"items": found, "next": following}

    return router

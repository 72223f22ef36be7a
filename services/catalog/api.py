"""HTTP of catalog: /catalog/v1/items, /directory, /imports, /releases."""

from typing import Any

from fastapi import APIRouter, FastAPI
from sqlmodel import col, select

from contracts.base import Json
from contracts.catalog import DirectoryRow
from contracts.publication import Lane
from services.catalog.commands import Catalog, ItemImport
from services.catalog.model import SOURCE, DirectoryEntry
from shared.config import Settings
from shared.http import Admin, Content, make_api, takes
from shared.importing import Outcome
from shared.outbox import SourceFeed
from shared.source_api import edition_router, feed_router
from shared.validation import parse


def make(catalog: Catalog, settings: Settings) -> FastAPI:
    """The ASGI app."""
    db = catalog.db

    def ready() -> dict[str, Any]:
        with db.read() as session:
            return {"releases": {str(lane): SourceFeed(SOURCE, lane).head(session) for lane in Lane}}

    api = make_api(SOURCE, "Tongyuan catalog", settings, ready)
    api.include_router(
        edition_router(db, catalog.who, prefix="/v1/items", save=catalog.save_item, release=catalog.release_item)
    )
    api.include_router(feed_router(db, SOURCE))
    api.include_router(_own_routes(catalog))
    return api


def _own_routes(catalog: Catalog) -> APIRouter:
    router = APIRouter(prefix="/v1", dependencies=[Admin])

    @router.put("/directory", summary="Add or replace rows of the 基本目录")
    def put_directory(rows: list[DirectoryRow], merge: bool = False) -> Json:
        """`merge`: keep the levels that a row allows already."""
        return {"rows": catalog.save_directory(rows, merge=merge)}

    @router.get("/directory", summary="The 基本目录")
    def get_directory() -> Json:
        with catalog.db.read() as session:
            query = select(DirectoryEntry.document).order_by(col(DirectoryEntry.catalog_code))
            return {"rows": [DirectoryRow.model_validate_json(document) for document in session.exec(query)]}

    @router.post(
        "/imports",
        openapi_extra=takes(ItemImport),
        summary="Release many items at once; rows are `contracts.catalog.Item`",
    )
    def post_import(content: Content) -> Outcome:
        return catalog.import_items(parse(ItemImport, content))

    return router

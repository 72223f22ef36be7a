"""HTTP of the hall's screens under /kiosk/v1/: the finder, called ticket numbers, the register of screens."""

import hashlib

import orjson
from fastapi import APIRouter, Request, Response

from contracts.envelope.publication import Kind
from services.channels.api import openapi
from services.channels.api.cached import CachedUntilChanged
from services.channels.api.live_stream import Live
from services.channels.kiosk import hall, response_models, screens_api
from services.channels.kiosk.offline_manifest import OfflineManifest
from services.channels.kiosk.pages import PAGES
from services.channels.pages import ticket_calls
from services.channels.pages.reader import ChannelReader
from shared.database.engine import Database
from shared.tokens.access import guard
from shared.tokens.rights import Right
from shared.web.edge import etag_response
from shared.web.response_cache import shareable

MUST_ASK = "public, max-age=0, must-revalidate"


def router(db: Database, reader: ChannelReader, live: Live) -> APIRouter:
    """Return the kiosk's routes in addition to those that every channel has."""
    routes = APIRouter()
    for own in (_kept(reader), _board(db, live), screens_api.router(db, reader)):
        routes.include_router(own)
    return routes


def _kept(reader: ChannelReader) -> APIRouter:
    routes = APIRouter(prefix="/v1")
    finder = CachedUntilChanged(reader.released, lambda: orjson.dumps(hall.finder(reader.documents(Kind.ITEM))))
    catalogue = OfflineManifest(PAGES, reader)

    @routes.get(
        "/finder",
        tags=["documents"],
        summary="List the names of all items with pinyin, for search without a server",
        response_model=response_models.Finder,
        **openapi.CONDITIONAL,
    )
    @shareable
    def names(request: Request) -> Response:
        body = finder.get()
        return etag_response(request, body, hashlib.sha256(body).hexdigest()[:32], cache=MUST_ASK)

    @routes.get(
        "/catalogue",
        tags=["hall"],
        summary="Read the offline manifest: everything a screen stores to work without a network",
        response_model=response_models.Catalogue,
        **openapi.CONDITIONAL,
    )
    @shareable
    async def everything(request: Request) -> Response:
        """`entries`: address below /kiosk/ and SHA-256 of its answer. `ends`: until when a key's document is valid."""
        body = await catalogue.get(request)
        return etag_response(request, body, hashlib.sha256(body).hexdigest()[:32], cache=MUST_ASK)

    return routes


def _board(db: Database, live: Live) -> APIRouter:
    routes = APIRouter(prefix="/v1")

    @routes.get(
        "/board", tags=["hall"], summary="Read the ticket numbers called now", response_model=response_models.Board
    )
    def board() -> Response:
        answer = openapi.as_json(ticket_calls.get(db))
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @routes.put(
        "/board",
        tags=["operators"],
        dependencies=[guard(Right.BOARD)],
        summary="Set the ticket numbers called now",
        response_model=response_models.Board,
    )
    def call(calls: ticket_calls.Calls) -> Response:
        """For a queue system. Numbers only: anything that could name a person is refused. Expires after `minutes`."""
        held = ticket_calls.put(db, calls)
        live.tell("board", "{}")
        return openapi.as_json(held)

    return routes

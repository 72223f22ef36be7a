"""What only the hall's screens ask for under /kiosk/v1/: the finder, called ticket numbers, the screens' register."""

import hashlib

import orjson
from fastapi import APIRouter, Request, Response

from contracts.publication import Kind
from services.channels import called, describing
from services.channels.kept import Kept
from services.channels.kiosk import answers, hall, screens_api
from services.channels.kiosk.catalogue import Catalogue
from services.channels.kiosk.pages import PLACE
from services.channels.live import Live
from services.channels.reader import Reader
from shared.database import Database
from shared.http import Admin, etag_response

MUST_ASK = "public, max-age=0, must-revalidate"


def router(db: Database, reader: Reader, live: Live) -> APIRouter:
    """Routes of the kiosk beside those that every channel has."""
    routes = APIRouter()
    for own in (_kept(reader), _board(db, live), screens_api.router(db, reader)):
        routes.include_router(own)
    return routes


def _kept(reader: Reader) -> APIRouter:
    routes = APIRouter(prefix="/v1")
    finder = Kept(reader.released, lambda: orjson.dumps(hall.finder(reader.documents(Kind.ITEM))))
    catalogue = Catalogue(PLACE, reader)

    @routes.get(
        "/finder",
        tags=["documents"],
        summary="Names of all items with their pinyin, to search without a server",
        response_model=answers.Finder,
        **describing.CONDITIONAL,
    )
    def names(request: Request) -> Response:
        body = finder.get()
        return etag_response(request, body, hashlib.sha256(body).hexdigest()[:32], cache=MUST_ASK)

    @routes.get(
        "/catalogue",
        tags=["hall"],
        summary="All that a screen keeps to go on without a network",
        response_model=answers.Catalogue,
        **describing.CONDITIONAL,
    )
    async def everything(request: Request) -> Response:
        """`entries`: address below /kiosk/ and SHA-256 of its answer. `ends`: when a key's document stops to hold."""
        body = await catalogue.get(request)
        return etag_response(request, body, hashlib.sha256(body).hexdigest()[:32], cache=MUST_ASK)

    return routes


def _board(db: Database, live: Live) -> APIRouter:
    routes = APIRouter(prefix="/v1")

    @routes.get("/board", tags=["hall"], summary="Ticket numbers that are called now", response_model=answers.Board)
    def board() -> Response:
        answer = describing.as_json(called.get(db))
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @routes.put(
        "/board",
        tags=["operators"],
        dependencies=[Admin],
        summary="Say which ticket numbers are called now",
        response_model=answers.Board,
    )
    def call(calls: called.Calls) -> Response:
        """For a queue system. Numbers only: what could name a person is refused. Empty by itself after `minutes`."""
        held = called.put(db, calls)
        live.tell("board", "{}")
        return describing.as_json(held)

    return routes

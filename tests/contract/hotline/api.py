"""Count the calls for an item, under /hotline/v1/."""

from fastapi import APIRouter

from contracts.base import Json
from services.channels.api.app import CodePath
from services.channels.api.live_stream import Live
from services.channels.hotline.model import CallRow
from services.channels.pages.reader import ChannelReader
from shared.database.engine import Database


def router(db: Database, _reader: ChannelReader, _live: Live) -> APIRouter:
    """Return the routes that only this channel has."""
    routes = APIRouter(prefix="/v1/calls", tags=["documents"])

    @routes.post("/{code}", summary="Count a call")
    def count(code: CodePath) -> Json:
        with db.write() as session:
            row = session.get(CallRow, code) or CallRow(code=code)
            row.calls += 1
            session.add(row)
            return {"code": code, "calls": row.calls}

    return routes

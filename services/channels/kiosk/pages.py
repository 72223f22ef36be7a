"""Pages that only the kiosk has; templates/ and static/ hold the design, `services.channels.pages` the rest."""

from datetime import UTC, datetime
from typing import Literal

from fastapi import APIRouter, Request, Response

from contracts.base import format_time
from contracts.envelope.publication import Kind
from services.channels.api.cached import CachedUntilChanged, Paced
from services.channels.kiosk import hall
from services.channels.pages.reader import ChannelReader
from services.channels.pages.rendering import ChannelPages
from services.channels.pages.routes import Show
from shared.text.dates import BEIJING
from shared.web.response_cache import shareable

PAGES = ChannelPages(
    name="kiosk", title="政务服务大厅自助查询", promise="带什么、去哪个窗口、多久办好，一看就知道", page_size=12
)
WORKER_POLICY = "default-src 'none'; connect-src 'self'"
"""Policy of the service worker itself: it fetches from this origin only."""

MOST_NEWS = 5
COUNT_SECONDS = 10
"""Seconds for which a count of all cases is kept, at least: the wall screen reloads often."""


def more(reader: ChannelReader, show: Show) -> APIRouter:
    """Routes to an item without a keyboard, the hall's windows, and the wall board."""
    routes = APIRouter()
    windows = CachedUntilChanged(reader.released, lambda: _windows(reader))
    news = CachedUntilChanged(reader.cursor, lambda: reader.news(format_time(_today()), MOST_NEWS))
    cases = Paced(COUNT_SECONDS, lambda: reader.cases(_today().date()))

    @routes.get("/browse/{by}")
    @shareable
    def browse(request: Request, by: Literal["person", "business", "departments"]) -> Response:
        return show(request, "browse.html", by=by, facets=reader.facets())

    @routes.get("/windows")
    @shareable
    def all_windows(request: Request) -> Response:
        return show(request, "windows.html", buildings=windows.get())

    @routes.get("/worker.js")
    @shareable
    def worker() -> Response:
        """Not below static/: a service worker controls only addresses below its own folder."""
        headers = {"Content-Security-Policy": WORKER_POLICY, "Cache-Control": "no-cache"}
        return Response(PAGES.assets["worker.js"].content, media_type="text/javascript", headers=headers)

    @routes.get("/enrol")
    @shareable
    def enrol(request: Request) -> Response:
        return show(request, "enrol.html")

    @routes.get("/board")
    def board(request: Request) -> Response:
        facts = {
            "called": reader.called(),
            "cases": cases.get(),
            "news": news.get(),
            "buildings": windows.get()[:1],
        }
        return show(request, "board.html", private=True, **facts)

    return routes


def _windows(reader: ChannelReader) -> list[hall.Building]:
    shown = frozenset(item["code"] for item in reader.documents(Kind.ITEM))
    return hall.buildings(reader.documents(Kind.GUIDE), shown)


def _today() -> datetime:
    """Return midnight in China."""
    return datetime.now(UTC).astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)

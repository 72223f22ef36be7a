"""Pages of the channel: what only the hall has here, their look in templates/ and static/, the rest in
services.channels.pages.
"""

import time
from datetime import UTC, datetime
from typing import Literal

from fastapi import APIRouter, Request, Response

from contracts.base import format_time
from contracts.publication import Kind
from services.channels.kept import Kept
from services.channels.kiosk import hall
from services.channels.pages import READ, Show
from services.channels.reader import Reader
from services.channels.rendering import Place
from shared.dates import BEIJING

PLACE = Place(
    name="kiosk", title="政务服务大厅自助查询", promise="带什么、去哪个窗口、多久办好，一看就知道", page_size=12
)
WORKER_POLICY = "default-src 'none'; connect-src 'self'"
"""Of the service worker itself: it fetches from here, and nothing else."""

MOST_NEWS = 5
COUNTED_SECONDS = 10
"""For so long a count of all cases is shown again: the wall has many looks and the store has one second to spare."""


def more(reader: Reader, show: Show) -> APIRouter:
    """Ways to an item that do not need a keyboard, the hall's windows, and the board on its wall."""
    routes = APIRouter()
    windows = Kept(reader.released, lambda: _windows(reader))
    news = Kept(reader.cursor, lambda: reader.news(format_time(_today()), MOST_NEWS))
    cases = Kept(_now_and_then, lambda: reader.cases(_today().date()))

    @routes.api_route("/browse/{by}", methods=READ)
    def browse(request: Request, by: Literal["person", "business", "departments"]) -> Response:
        return show(request, "browse.html", by=by, facets=reader.facets())

    @routes.api_route("/windows", methods=READ)
    def all_windows(request: Request) -> Response:
        return show(request, "windows.html", buildings=windows.get())

    @routes.api_route("/worker.js", methods=READ)
    def worker() -> Response:
        """Not below static/: a service worker speaks for the addresses beside its own."""
        headers = {"Content-Security-Policy": WORKER_POLICY, "Cache-Control": "no-cache"}
        return Response(PLACE.assets["worker.js"].content, media_type="text/javascript", headers=headers)

    @routes.api_route("/enrol", methods=READ)
    def enrol(request: Request) -> Response:
        return show(request, "enrol.html")

    @routes.api_route("/board", methods=READ)
    def board(request: Request) -> Response:
        facts = {
            "called": reader.called(),
            "cases": cases.get(),
            "news": news.get(),
            "buildings": windows.get()[:1],
        }
        return show(request, "board.html", private=True, **facts)

    return routes


def _windows(reader: Reader) -> list[hall.Building]:
    shown = frozenset(item["code"] for item in reader.documents(Kind.ITEM))
    return hall.buildings(reader.documents(Kind.GUIDE), shown)


def _today() -> datetime:
    """Midnight in China."""
    return datetime.now(UTC).astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)


def _now_and_then() -> str:
    return str(int(time.monotonic()) // COUNTED_SECONDS)

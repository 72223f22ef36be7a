"""The pages that all channels share: home, lists, search, item with guide, case, and pages for 404 and 410.

They are rendered on the server and work without JavaScript. Addresses begin with the channel's name, where its app is
mounted.
"""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from contracts.base import Json
from services.channels.pages.listing import Browse
from services.channels.pages.reader import ChannelReader
from services.channels.pages.rendering import ChannelPages, error_page, page
from services.channels.search.facets import wanted
from shared.errors import Invalid, NotFound, TooManyRequests, Unavailable
from shared.web.assets import asset_response
from shared.web.error_pages import Renderer
from shared.web.response_cache import shareable

MOST_PAGES = 1_000
MOST_FOUND = 20
LONGEST_QUERY = 200
LARGEST_FORM = 4_096
MOST_FIELDS = 20

WRONG_PAIR = (
    "没有查到这个办件。请对照受理回执，核对办件编号和查询码；刚提交的申请请稍后再查。",
    "There is no such application. Please compare number and code with the receipt; a new one may take a moment.",
)
NOT_NOW = (
    "现在查不了，请稍后再试，或者到服务台咨询。",
    "Not possible right now. Please try again in a moment, or ask at the desk.",
)
LONGEST_TYPED = 50
TOO_MANY = (
    "查询次数太多了。请过几分钟再试，或者到服务台咨询。",
    "Too many tries. Please wait a few minutes, or ask at the desk.",
)


def pages_of(channel: str, reader: ChannelReader, county: str) -> APIRouter:
    """Return the pages of a channel. A `more` in its `pages.py` adds routes to those that all channels have."""
    module = import_module(f"services.channels.{channel}.pages")
    return router(module.PAGES, reader, county, getattr(module, "more", None))


def errors_of(channel: str, county: str) -> Renderer:
    """Return what renders a channel's error pages."""
    place = import_module(f"services.channels.{channel}.pages").PAGES
    return partial(error_page, place, county)


Show = Callable[..., Response]
More = Callable[[ChannelReader, Show], APIRouter]


def router(place: ChannelPages, reader: ChannelReader, county: str, more: More | None = None) -> APIRouter:
    """Return all pages of one channel. `county`: the name shown in the heading."""
    routes = APIRouter(include_in_schema=False)

    def show(request: Request, template: str, **values: Any) -> Response:
        return page(place, request, template, county=county, freshness=reader.freshness(), **values)

    if more is not None:
        routes.include_router(more(reader, show))
    routes.include_router(_browsing(place, reader, show))
    routes.include_router(_items(reader, show))
    routes.include_router(_cases(reader, show))
    routes.include_router(_static(place))
    return routes


def _browsing(place: ChannelPages, reader: ChannelReader, show: Show) -> APIRouter:
    routes = APIRouter()

    @routes.get("/")
    @shareable
    def home(request: Request) -> Response:
        return show(request, "home.html", facets=reader.facets())

    @routes.get("/items")
    @shareable
    def items(request: Request) -> Response:
        browse = browsed(request, "items", "")
        return show(request, "items.html", browse=browse, heading=browse.heading or "全部事项")

    @routes.get("/search")
    @shareable
    def search(request: Request, q: str = "") -> Response:
        browse = browsed(request, "search", q[:LONGEST_QUERY].strip())
        return show(request, "search.html", browse=browse, q=browse.q)

    def browsed(request: Request, path: str, q: str) -> Browse:
        """Parse the query leniently: parameters that are not valid choices are ignored."""
        chosen, _ = wanted(request.query_params.multi_items())
        number = _page_number(request.query_params.get("page", ""))
        size = MOST_FOUND if q else place.page_size
        offset = (number - 1) * size
        listing = reader.search(q, chosen, offset, size) if q else reader.items(chosen, offset, size)
        return Browse(f"/{place.name}/{path}", q, chosen, listing, number, size)

    return routes


def not_shown(reader: ChannelReader, show: Show, request: Request, code: str) -> Response:
    """Answer for an item that is not shown: 410 if it was shown once, else 404."""
    gone = reader.gone(code)
    return show(request, "gone.html", status=410 if gone else 404, gone=gone)


def _items(reader: ChannelReader, show: Show) -> APIRouter:
    routes = APIRouter()

    @routes.get("/items/{code}")
    @shareable
    def item(request: Request, code: str) -> Response:
        document = reader.item(code)
        if document is None:
            return not_shown(reader, show, request, code)
        return show(request, "item.html", item=document, guide=reader.guide(code))

    return routes


def _cases(reader: ChannelReader, show: Show) -> APIRouter:
    routes = APIRouter()

    @routes.get("/progress")
    @shareable
    def form(request: Request) -> Response:
        return show(request, "progress.html", case=None, problem=None, typed=_typed({}))

    @routes.post("/progress")
    async def look_up(request: Request) -> Response:
        fields = await _fields(request)
        return await run_in_threadpool(_case, request, fields)

    def _case(request: Request, fields: dict[str, str]) -> Response:
        address = request.client.host if request.client else "unknown"
        case: Json | None = None
        status, problem = 200, None
        try:
            case = reader.lookup(fields.get("project_no", ""), fields.get("query_code", ""), address)
        except (NotFound, Invalid):
            status, problem = 404, WRONG_PAIR
        except TooManyRequests:
            status, problem = 429, TOO_MANY
        except Unavailable:
            status, problem = 503, NOT_NOW
        item = reader.item(case["item_code"]) if case else None
        shown = {"case": case, "problem": problem, "item": item, "typed": _typed(fields)}
        return show(request, "progress.html", status=status, private=True, **shown)

    return routes


def _typed(fields: dict[str, str]) -> dict[str, str]:
    """Return what was typed into the form, as its fields may hold it."""
    return {name: fields.get(name, "")[:LONGEST_TYPED] for name in ("project_no", "query_code")}


def _static(place: ChannelPages) -> APIRouter:
    routes = APIRouter()

    @routes.get("/static/{name}")
    @shareable
    def static(name: str, v: str = "") -> Response:
        return asset_response(place.assets, name, v)

    return routes


def _page_number(text: str) -> int:
    """Return the page number of a query parameter; anything invalid is page 1."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 1
    return min(max(number, 1), MOST_PAGES)


async def _fields(request: Request) -> dict[str, str]:
    """Return the first value of each form field; empty if the form is too large."""
    return {name: values[0] for name, values in (await form_of(request, LARGEST_FORM)).items()}


async def form_of(request: Request, largest: int) -> dict[str, list[str]]:
    """Return every value of each form field; empty if larger than `largest` bytes, or not a form."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            return {}
    try:
        return parse_qs(body.decode("utf-8", "replace"), max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}

"""The app at `/` when one address serves the whole county: start page, health, metrics, pages of the demo."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from contracts.base import Json
from services.demo import content
from services.runtime.manifests import titles
from shared.config import Settings
from shared.errors import NotFound
from shared.web.assets import COMMON, Asset, asset_response, assets_of
from shared.web.edge import make_api

HERE = Path(__file__).parent
FORM_STYLE = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
"""The demo's forms contain their own styles."""

PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
ABOUT = {
    "web": "电脑上看全部事项和办事指南",
    "mobile": "手机上查事项和办件进度",
    "kiosk": "大厅的触摸屏",
    "portal": "政府网站的政务公开",
}
FOR_CHECKING = (
    ("/verify/", ("办事指南查验", "is a printed guide real?"), "纸上的指南现在还有效吗"),
    ("/ledger/v1/head", ("发布账本", "the ledger"), "任何人都能核对的签名"),
    ("/docs/", ("接口与事件", "interfaces and events"), "全部事件和接口，可查找，有示例"),
    ("/metrics", ("运行指标", "metrics"), "给监控系统"),
)


class ShownReceipt(Protocol):
    """The receipt of an applicant in the demo."""

    @property
    def project_no(self) -> str: ...

    @property
    def query_code(self) -> str: ...


Numbers = Callable[[], Mapping[str, int]]
"""Returns the ledger's number of entries (`ledger`), and how many of them each channel shows."""


def make_root(
    settings: Settings, numbers: Numbers, receipts: Callable[[], Sequence[ShownReceipt]] | None = None
) -> FastAPI:
    """Return the app at `/`. `receipts`: returns the receipts of the demo's cases; None without a demo."""
    api = make_api("root", "Tongyuan", settings, dict)

    @api.get("/", include_in_schema=False)
    def front() -> Response:
        return _page("start.html", settings, receipts is not None, numbers=numbers(), checking=FOR_CHECKING)

    @api.get("/numbers", include_in_schema=False)
    def live() -> Json:
        return dict(numbers())

    @api.get("/static/{name}", include_in_schema=False)
    def static(name: str, v: str = "") -> Response:
        return asset_response(assets(), name, v)

    @api.get("/robots.txt", include_in_schema=False)
    def robots() -> RedirectResponse:
        return RedirectResponse("/portal/robots.txt", 308)

    if receipts is not None:
        api.include_router(_demo(settings, receipts))
    return api


def _demo(settings: Settings, receipts: Callable[[], Sequence[ShownReceipt]]) -> APIRouter:
    router = APIRouter(prefix="/demo", include_in_schema=False)

    @router.get("/")
    def cases() -> Response:
        return _page("demo.html", settings, demo=True, receipts=receipts())

    @router.get("/forms/{name}")
    def form(name: str) -> HTMLResponse:
        found = content.forms().get(f"/demo/forms/{name}")
        if found is None:
            raise NotFound("no such form")
        return HTMLResponse(found.html, headers=FORM_STYLE)

    return router


def _page(template: str, settings: Settings, demo: bool, **values: Any) -> Response:
    channels = [(name, title, ABOUT.get(name, "")) for name, title in titles().items()]
    given = {"county": settings.county, "demo": demo, "channels": channels, **values}
    return HTMLResponse(templates().get_template(template).render(given), headers=PAGE_HEADERS)


@cache
def templates() -> Environment:
    """Return the template environment."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = lambda name: f"/static/{name}?v={assets()[name].version}"
    return environment


@cache
def assets() -> dict[str, Asset]:
    """Return the static files by name."""
    return assets_of((COMMON, HERE / "static"))

"""Renders the desk's pages: Jinja2 with autoescape, one base template, a strict content policy, nothing cached.

Each folder of the desk may have `templates/` and `static/`; their names must differ.
"""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from contracts.base import Json
from services.console.accounts.rights import own_path
from services.console.areas import AREAS
from shared.config import Settings
from shared.text.dates import BEIJING, moment_day
from shared.tokens.person import Person
from shared.web.assets import COMMON, Asset, asset_response, assets_of
from shared.web.error_pages import ErrorPage

CONSOLE = Path(__file__).parents[1]
HTML = "text/html; charset=utf-8"
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Own files only, nothing inline: what people type is shown here and must never run as a script."""

SEE_OTHER = 303

FRAMED = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox"
)
"""Policy of a preview: one file without scripts, that only the desk may frame."""


def page(
    request: Request, template: str, *, person: Person | None = None, status: int = 200, **values: Any
) -> Response:
    """Render a page. `person`: who is signed in; None on the pages of signing in."""
    settings: Settings = request.app.state.settings
    signed_in = getattr(request.state, "signed_in", None)
    here = own_path(request).strip("/")
    given: Json = {
        "county": settings.county,
        "person": person,
        "areas": [area for area in AREAS if person is not None and area.is_shown_to(person)],
        "here": here,
        "area": here.partition("/")[0],
        "csrf": signed_in.csrf if signed_in else "",
        "demo": request.app.state.demo,
    }
    body = templates().get_template(template).render({**given, **values})
    return Response(body, status, HEADERS, HTML)


HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "Cache-Control": "no-store",
    # Without a referrer the browser would send `Origin: null` with a form.
    "Referrer-Policy": "same-origin",
}


def see_other(path: str) -> Response:
    """Lead the browser to a page of the desk after a write, so that loading it again repeats nothing."""
    return Response(status_code=SEE_OTHER, headers={"Location": f"/console/{path}", "Cache-Control": "no-store"})


@cache
def templates() -> Environment:
    """Return the template environment."""
    environment = Environment(
        loader=FileSystemLoader(sorted(CONSOLE.glob("*/templates"))),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"minute": minute, "moment_day": moment_day}
    environment.globals |= {"static": static}
    return environment


@cache
def assets() -> dict[str, Asset]:
    """Return the static files by name."""
    return assets_of((COMMON, *sorted(CONSOLE.glob("*/static"))))


def static(name: str) -> str:
    """Return the address of a static file, which changes with its content."""
    return f"/console/static/{name}?v={assets()[name].version}"


def static_routes() -> APIRouter:
    """Return the route of the static files, which are everybody's."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/static/{name}")
    def file(name: str, v: str = "") -> Response:
        return asset_response(assets(), name, v)

    return routes


def minute(moment: str | datetime) -> str:
    """`2026-03-01T01:05:00.000000Z` → `2026-03-01 09:05`, Beijing time."""
    found = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{found.astimezone(BEIJING):%Y-%m-%d %H:%M}"


def error_page(county: str, status: int) -> ErrorPage:
    """Render the page of an error. It reads nothing from the store and shows nothing of the request."""
    title, advice = WORDS.get(status) or WORDS[500 if status >= SERVER_ERROR else 400]
    given = {"county": county, "person": None, "areas": (), "here": "", "area": "", "csrf": "", "demo": False}
    html = templates().get_template("error.html").render(given, status=status, title=title, advice=advice)
    return ErrorPage(html.encode(), CONTENT_POLICY)


SERVER_ERROR = 500
WORDS = {
    400: ("没有看懂这个请求", "请返回上一页再试；没有保存任何内容。"),
    401: ("需要先登录", "登录可能已经过期。请在新标签页登录，再回到刚才的页面重新提交：填写的内容还在那里。"),
    403: ("您不能这样做", "您的角色没有这项权限，或者页面打开太久了。请返回并刷新页面再试；需要权限请找系统管理员。"),
    404: ("没有这个页面", "地址可能写错了，或者内容已经不在。请从工作台重新进入。"),
    405: ("这个地址不能这样打开", "请回到原来的页面，再点一次按钮。"),
    409: ("别人先改了", "内容在您打开之后变了，没有保存。请返回、刷新，再改一次。"),
    413: ("发送的内容太大", "没有收下，也没有保存。请减少内容后再试。"),
    422: ("填写的内容有误", "没有保存。请返回检查后再试：填写的内容还在那里。"),
    429: ("操作太频繁", "请过一会儿再试。"),
    500: ("系统出了问题", "不是您的错，没有保存。请过几分钟再试；一直这样，请告诉系统管理员。"),
    503: ("有一个服务暂时不回答", "没有保存。请过一会儿再试；一直这样，请看“运行”页面或告诉系统管理员。"),
}
WORDS |= dict.fromkeys((502, 504), WORDS[503])
"""Headline and advice by status; other statuses take those of 400 or 500."""


def framed(html: str | None) -> Response:
    """Return a page of a channel for a frame of the desk; it runs no script and is not cached."""
    body = html or '<!doctype html><html lang="zh-CN"><title>预览</title><p>这个渠道不展示这项内容。</p></html>'
    return Response(body, 200, {**HEADERS, "Content-Security-Policy": FRAMED, "X-Robots-Tag": "noindex"}, HTML)

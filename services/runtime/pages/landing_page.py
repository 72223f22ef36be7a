"""The app at `/` when one address serves the whole county: landing page, health, metrics, pages of the demo."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Protocol

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, RedirectResponse

from services.demo import content
from services.runtime.manifests import titles
from shared.config import Settings
from shared.errors import NotFound
from shared.web.edge import make_api

FORM_STYLE = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
"""The demo's forms contain their own styles."""

LINKS = (
    *((f"/{name}/", chinese, english) for name, (chinese, english) in titles().items()),
    ("/verify/", "办事指南查验", "is a printed guide real, and still in force?"),
    ("/ledger/v1/head", "发布账本", "the ledger's signed head"),
    ("/metrics", "运行指标", "metrics"),
)


class ShownReceipt(Protocol):
    """The receipt of an applicant in the demo."""

    @property
    def project_no(self) -> str: ...

    @property
    def query_code(self) -> str: ...


def make_root(settings: Settings, receipts: Callable[[], Sequence[ShownReceipt]] | None = None) -> FastAPI:
    """Return the app at `/`. `receipts`: returns the receipts of the demo's cases; None without a demo."""
    api = make_api("root", "Tongyuan", settings, dict)

    @api.get("/", include_in_schema=False)
    def front() -> HTMLResponse:
        links = LINKS if receipts is None else (*LINKS, ("/demo/", "演示办件", "receipts of the demo's cases"))
        rows = "".join(
            f'<li><a href="{path}">{name}</a> <span lang="en">{text}</span></li>' for path, name, text in links
        )
        name = settings.county if receipts is None else f"{settings.county}（演示）"
        return _page(f"{name} · 同源发布", f"<p>一个来源，所有渠道。</p><ul>{rows}</ul>")

    @api.get("/robots.txt", include_in_schema=False)
    def robots() -> RedirectResponse:
        return RedirectResponse("/portal/robots.txt", 308)

    if receipts is not None:
        api.include_router(_demo(receipts))
    return api


def _demo(receipts: Callable[[], Sequence[ShownReceipt]]) -> APIRouter:
    router = APIRouter(prefix="/demo", include_in_schema=False)

    @router.get("/")
    def cases() -> HTMLResponse:
        rows = "".join(
            f"<tr><td><code>{escape(receipt.project_no)}</code></td><td><code>{escape(receipt.query_code)}</code></td></tr>"
            for receipt in receipts()
        )
        head = "<p>虚构的办件回执，可在任一渠道用办件编号和查询码查询进度。</p>"
        return _page("演示办件", f"{head}<table><tr><th>办件编号</th><th>查询码</th></tr>{rows}</table>")

    @router.get("/forms/{name}")
    def form(name: str) -> HTMLResponse:
        found = content.forms().get(f"/demo/forms/{name}")
        if found is None:
            raise NotFound("no such form")
        return HTMLResponse(found.html, headers=FORM_STYLE)

    return router


def _page(title: str, body: str) -> HTMLResponse:
    name = escape(title)
    head = f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{name}</title></head>'
    return HTMLResponse(f"{head}<body><h1>{name}</h1>{body}</body></html>")

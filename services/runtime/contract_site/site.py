"""The app at `/docs/`: rendered on the server, searchable without JavaScript, loading nothing from elsewhere."""

from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.runtime import manifests
from services.runtime.contract_site import documents
from services.runtime.contract_site.policy import policy, prose
from shared.config import Settings
from shared.errors import NotFound
from shared.text.bilingual import attribute, t
from shared.web.assets import COMMON, Asset, asset_response, assets_of
from shared.web.edge import make_api

HERE = Path(__file__).parent
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "public, max-age=300",
}
FEEDS = {
    "publications": ("账本发出的事件", "Events of the ledger"),
    "sources": ("来源发出的事件", "Events of the sources"),
    "feedback": ("读者评价", "Readers' feedback"),
    "intake": ("大厅系统报送", "Reports of hall systems"),
}


def make(settings: Settings) -> FastAPI:
    """Return the app."""
    api = make_api("docs", "Tongyuan contracts", settings, dict)

    def page(template: str, **values: Any) -> Response:
        return HTMLResponse(
            templates().get_template(template).render(county=settings.county, **values), headers=HEADERS
        )

    @api.get("/", include_in_schema=False)
    def overview(q: Annotated[str, Query(max_length=100)] = "") -> Response:
        events, endpoints = documents.found(q)
        events.sort(key=lambda one: list(FEEDS).index(one.message.feed))
        by_feed = [(FEEDS[feed], list(group)) for feed, group in groupby(events, lambda one: one.message.feed)]
        by_service = [(name, list(group)) for name, group in groupby(endpoints, lambda one: one.service)]
        return page("overview.html", q=q.strip(), feeds=by_feed, services=by_service, public=manifests.FOR_STRANGERS)

    @api.get("/deprecation", include_in_schema=False)
    def deprecation() -> Response:
        return page("deprecation.html", text=policy())

    @api.get("/events/{feed}/{name}", include_in_schema=False)
    def event(feed: str, name: str) -> Response:
        found = documents.events().get(f"{feed}/{name}")
        if found is None:
            raise NotFound("there is no such event")
        return page("event.html", event=found)

    @api.get("/api/{service}/{name}", include_in_schema=False)
    def endpoint(service: str, name: str) -> Response:
        found = documents.endpoints().get((service, name))
        if found is None:
            raise NotFound("there is no such endpoint")
        return page("endpoint.html", endpoint=found)

    @api.get("/files/{path:path}", include_in_schema=False)
    def file(path: str) -> Response:
        content = documents.file_of(path)
        if content is None:
            raise NotFound("there is no such file")
        return Response(content, media_type="application/json", headers={"Cache-Control": HEADERS["Cache-Control"]})

    @api.get("/static/{name}", include_in_schema=False)
    def static(name: str, v: str = "") -> Response:
        return asset_response(assets(), name, v)

    return api


@cache
def assets() -> dict[str, Asset]:
    """Return the static files by name."""
    return assets_of((COMMON, HERE / "static"))


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
    environment.globals |= {
        "static": lambda name: f"/docs/static/{name}?v={assets()[name].version}",
        "t": t,
        "prose": prose,
        "attribute": attribute,
    }
    return environment

"""Templates and static files of the pages: Jinja2 with autoescape, files read once, answers with safe headers."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from fastapi import Request, Response
from jinja2 import Environment, FileSystemLoader, select_autoescape

from contracts.codes.addresses import FILE, HANDLING, address_problem
from contracts.content.files import FILE_TYPES
from contracts.verify_address import printed_address
from services.channels.core.announcements import upcoming
from services.channels.pages import qr
from services.channels.text import chinese_labels, english_documents, english_labels
from services.channels.text.themes import theme
from shared.config import Settings
from shared.text.bilingual import attribute, t
from shared.text.dates import clock, day, minute, moment_day
from shared.web.assets import COMMON, Asset, assets_of
from shared.web.edge import etag_response
from shared.web.error_pages import ErrorPage, words_of

TOO_MANY = 429
FOLDER = Path(__file__).parent
CHANNELS_FOLDER = FOLDER.parent
HTML = "text/html; charset=utf-8"
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Own files only, nothing inline, so that released text can never run as a script."""


@dataclass(frozen=True)
class ChannelPages:
    """One channel's pages: `name` is its path and its folder, which may contain `templates/` and `static/`."""

    name: str
    title: str
    promise: str
    """One line under the title that says what people find here."""
    title_en: str = ""
    promise_en: str = ""
    """Title and promise in English; empty: the Chinese ones are used."""
    page_size: int = 20
    """Items on one page of a list."""

    @cached_property
    def assets(self) -> dict[str, Asset]:
        """Static files by name; the channel's own take precedence over the common ones."""
        return assets_of((COMMON, FOLDER / "static", CHANNELS_FOLDER / self.name / "static"))

    @cached_property
    def templates(self) -> Environment:
        """The template environment; the channel's own templates take precedence over the common ones."""
        environment = Environment(
            loader=FileSystemLoader([CHANNELS_FOLDER / self.name / "templates", FOLDER / "templates"]),
            autoescape=select_autoescape(default=True),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {
            "day": day,
            "minute": minute,
            "moment_day": moment_day,
            "clock": clock,
            "link": link,
            "secure": secure,
            "host": host,
            "parted": parted,
            "paragraphs": paragraphs,
            "qr": qr.svg,
            "theme": theme,
            "upcoming": upcoming,
            "json": as_json,
        }
        environment.globals |= {
            "place": self,
            "static": self.static,
            "t": t,
            "attribute": attribute,
            "file_types": FILE_TYPES,
            "printed_address": printed_address,
            "spoken": english_documents,
            "asked": chinese_labels.ASK,
            "ask": t(chinese_labels.ASK, english_labels.ASK),
        }
        return environment

    def static(self, name: str) -> str:
        """Return the address of a static file, which changes with its content."""
        return f"/{self.name}/static/{name}?v={self.assets[name].version}"


def page(
    place: ChannelPages,
    request: Request,
    template: str,
    *,
    status: int = 200,
    private: bool = False,
    media_type: str = HTML,
    **values: Any,
) -> Response:
    """Render a page. Cacheable with an ETag, or `no-store` if `private`."""
    settings: Settings = request.app.state.settings
    given = {"origin": origin(request), "path": f"/{place.name}{request.url.path.removeprefix(f'/{place.name}')}"}
    body = place.templates.get_template(template).render(**given, site_id=settings.site_id, **values).encode()
    headers = {"Content-Security-Policy": CONTENT_POLICY}
    if private or status != 200:
        cache = "no-store" if private else "no-cache"
        patience = {"Retry-After": "60"} if status == TOO_MANY else {}
        return Response(body, status, {**headers, **patience, "Cache-Control": cache}, HTML)
    etag = hashlib.sha256(body).hexdigest()[:32]
    return etag_response(request, body, etag, media_type=media_type, headers=headers)


def error_page(place: ChannelPages, county: str, status: int) -> ErrorPage:
    """Render the page of an error. It reads nothing from the store, which may be the reason, and shows no input."""
    said = {"county": county, "status": status, "words": words_of(status), "path": "", "origin": ""}
    html = place.templates.get_template("error.html").render(**said)
    return ErrorPage(html.encode(), CONTENT_POLICY)


def origin(request: Request) -> str:
    """Return the county's public origin, see `Settings.origin_for`."""
    settings: Settings = request.app.state.settings
    return settings.origin_for(f"{request.url.scheme}://{request.url.netloc}")


def as_json(value: Any) -> str:
    """Return JSON for a `data-` attribute that a script reads."""
    return orjson.dumps(value).decode()


def link(address: str | None) -> str | None:
    """Return `address` if it is safe to follow: http, https, or a path on this site. None for `javascript:` etc."""
    return address.strip() if address and address_problem(address.strip(), FILE) is None else None


def secure(address: str | None) -> str | None:
    """Return `address` if people may enter personal data there: https with a host, without user name or password."""
    return address.strip() if address and address_problem(address.strip(), HANDLING) is None else None


def host(address: str) -> str:
    """Return host and port of an address, as a browser shows them."""
    return urlsplit(address).netloc


def parted(blocks: Iterable[dict[str, str]]) -> list[tuple[str, list[str]]]:
    """Group consecutive blocks with the same title: title → texts."""
    return [(title, [block["v"] for block in run]) for title, run in groupby(blocks, key=lambda block: block["t"])]


def paragraphs(text: str | None) -> list[str]:
    """Return the lines that are not blank."""
    return [line.strip() for line in (text or "").splitlines() if line.strip()]

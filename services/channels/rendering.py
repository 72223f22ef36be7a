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

from contracts.verify_address import printed_address
from services.channels import qr, spoken
from services.channels.themes import theme
from shared.assets import COMMON, Asset, assets_of
from shared.bilingual import attribute, t
from shared.config import Settings
from shared.dates import clock, day, minute, moment_day
from shared.http import etag_response

TOO_MANY = 429
HERE = Path(__file__).parent
HTML = "text/html; charset=utf-8"
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Own files only, nothing inline: what was released is text and stays text."""

UNSAFE = frozenset('\\"<>^`{|} ') | frozenset(map(chr, range(32)))
"""Browsers drop or turn some of these, so that another address is opened than the one that was checked."""


@dataclass(frozen=True)
class Place:
    """One channel's pages: `name` is its path and its folder, where `templates/` and `static/` may lie."""

    name: str
    title: str
    promise: str
    """One line under the title: what people find here."""
    title_en: str = ""
    promise_en: str = ""
    """Title and promise for who reads English; empty: the Chinese ones."""
    page_size: int = 20
    """Items on one page of a list."""

    @cached_property
    def assets(self) -> dict[str, Asset]:
        """Static files by name, the channel's own before the common ones."""
        return assets_of((COMMON, HERE / "static", HERE / self.name / "static"))

    @cached_property
    def templates(self) -> Environment:
        """The channel's own templates before the common ones."""
        environment = Environment(
            loader=FileSystemLoader([HERE / self.name / "templates", HERE / "templates"]),
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
            "json": as_json,
        }
        environment.globals |= {
            "place": self,
            "static": self.static,
            "t": t,
            "attribute": attribute,
            "printed_address": printed_address,
            "spoken": spoken,
        }
        return environment

    def static(self, name: str) -> str:
        """Address of a static file, which changes with its content."""
        return f"/{self.name}/static/{name}?v={self.assets[name].version}"


def page(
    place: Place,
    request: Request,
    template: str,
    *,
    status: int = 200,
    private: bool = False,
    media_type: str = HTML,
    **values: Any,
) -> Response:
    """A page; conditional where it may be kept, `no-store` where it is `private`."""
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


def origin(request: Request) -> str:
    """Where the public reaches this county, see `Settings.origin_for`."""
    settings: Settings = request.app.state.settings
    return settings.origin_for(f"{request.url.scheme}://{request.url.netloc}")


def as_json(value: Any) -> str:
    """For a `data-` attribute that a script reads."""
    return orjson.dumps(value).decode()


def link(address: str | None) -> str | None:
    """`address` when it is safe to follow: http, https, or a path here. None for `javascript:` and the like."""
    if not address:
        return None
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return None
    here = not parts.scheme and not parts.netloc and parts.path.startswith("/") and "\\" not in parts.path
    return address.strip() if here or (parts.scheme in ("http", "https") and parts.netloc) else None


def secure(address: str | None) -> str | None:
    """`address` when it may be followed to where people give their data: https, a host, no name or password in it."""
    found = link(address)
    parts = urlsplit(found) if found else None
    fits = parts is not None and parts.scheme == "https" and parts.hostname and "@" not in parts.netloc
    return found if fits and found and not set(found) & UNSAFE else None


def host(address: str) -> str:
    """Whom one goes to, as a browser shows it."""
    return urlsplit(address).netloc


def parted(blocks: Iterable[dict[str, str]]) -> list[tuple[str, list[str]]]:
    """Blocks of the same title in a row → the title with its texts."""
    return [(title, [block["v"] for block in run]) for title, run in groupby(blocks, key=lambda block: block["t"])]


def paragraphs(text: str | None) -> list[str]:
    """Lines that say something."""
    return [line.strip() for line in (text or "").splitlines() if line.strip()]

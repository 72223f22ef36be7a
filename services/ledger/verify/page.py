"""HTTP of the verify page: `/verify/…` for people, `/V/…` for QR codes, which leads there. Complete without JavaScript.

A page that says no comes with status 404, so that programs understand it as well.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from fastapi import FastAPI, Response
from fastapi.responses import RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlmodel import Session

from contracts.base import Json, format_time
from contracts.verify_address import KINDS, LETTERS, page_address
from services.ledger import queries
from services.ledger.verify.judgement import Judgement, judge
from shared.assets import COMMON, asset_response, assets_of
from shared.bilingual import t
from shared.config import Settings
from shared.database import Database
from shared.dates import minute
from shared.http import make_api

HERE = Path(__file__).parent
ASSETS = assets_of((COMMON, HERE / "static"))
CODE = re.compile(r"[0-9A-Za-z_-]{1,120}", re.ASCII)
DIGEST = re.compile(r"[0-9a-f]{0,64}", re.ASCII)
READ = ["GET", "HEAD"]
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address names. `version` None: the one that counts."""

    kind: str
    code: str
    version: int | None
    digest: str

    @property
    def public(self) -> bool:
        """It can name an item or a guide. A case is never looked up, whether it exists or not."""
        return self.kind in LETTERS and bool(CODE.fullmatch(self.code)) and bool(DIGEST.fullmatch(self.digest))


def make(db: Database, settings: Settings) -> FastAPI:
    """The app at `/verify`."""
    api = make_api("verify", "Tongyuan verify page", settings, dict)
    render = _renderer(settings.county)

    @api.api_route("/", methods=READ, include_in_schema=False)
    def form(kind: str = "", code: str = "", version: str = "") -> Response:
        if kind in LETTERS and code.strip():
            return RedirectResponse(page_address(kind, code.strip(), _number(version)), 303)
        return render("ask.html", 200)

    @api.api_route("/static/{name}", methods=READ, include_in_schema=False)
    def static(name: str, v: str = "") -> Response:
        return asset_response(ASSETS, name, v)

    @api.api_route("/{kind}/{code}", methods=READ, include_in_schema=False)
    @api.api_route("/{kind}/{code}/{rest:path}", methods=READ, include_in_schema=False)
    def verdict(kind: str, code: str, rest: str = "") -> Response:
        version, _, digest = rest.partition("/")
        asked = Asked(kind, code, _number(version), digest.lower())
        well_formed = asked.public and (asked.version is not None or not rest)
        with db.read() as session:
            judgement = _judged(session, asked if well_formed else None)
            values = {"size": queries.size(session), "body": _body(session, judgement)}
        status = 200 if judgement.authentic else 404
        return render("verdict.html", status, asked=asked, judgement=judgement, **values)

    return api


def make_short(settings: Settings) -> FastAPI:
    """The app at `/V`: the same in the letters that a QR code packs densest."""
    api = make_api("verify", "Tongyuan verify page", settings, dict)

    @api.api_route("/{letter}/{code}/{rest:path}", methods=READ, include_in_schema=False)
    def short(letter: str, code: str, rest: str) -> Response:
        version, _, digest = rest.partition("/")
        kind = KINDS.get(letter.upper(), "unknown")
        return RedirectResponse(page_address(kind, code, _number(version) or 0, digest), 302)

    return api


def _judged(session: Session, asked: Asked | None) -> Judgement:
    now = format_time(datetime.now(UTC))
    if asked is None:
        return judge([], None, "", now)
    return judge(queries.versions(session, f"{asked.kind}:{asked.code}"), asked.version, asked.digest, now)


def _body(session: Session, judgement: Judgement) -> Json:
    """Name and unit, of the version asked for or, when it has none, of the one that counts."""
    for entry in (judgement.entry, judgement.ruling):
        row = queries.entry(session, entry["position"]) if entry else None
        if row is not None and row.body is not None:
            body = orjson.loads(row.body)
            return {"name": body.get("task_name", ""), "unit": body.get("dept_name", "")}
    return {"name": "", "unit": ""}


def _renderer(county: str) -> Callable[..., Response]:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["minute"] = minute
    environment.globals |= {"t": t, "static": _static, "county": county}

    def render(template: str, status: int, **values: Any) -> Response:
        text = environment.get_template(template).render(**values)
        headers = {"Content-Security-Policy": CONTENT_POLICY, "Cache-Control": "no-cache"}
        return Response(text, status, headers, "text/html; charset=utf-8")

    return render


def _static(name: str) -> str:
    return f"/verify/static/{name}?v={ASSETS[name].version}"


def _number(text: str) -> int | None:
    """A version: 1 to 999999999."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    return number or None

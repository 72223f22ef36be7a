"""HTTP of the verify page: `/verify/…` for people, `/V/…` for QR codes, which redirects there. Needs no JavaScript.

A negative verdict has status 404, so that programs can read it too. A verdict that rests on a release which the newest
signed statement does not contain yet has `Retry-After`: from then on everybody can check it.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

import orjson
from fastapi import FastAPI, Response
from fastapi.responses import RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlmodel import Session

from contracts.base import Json, format_time
from contracts.kinds import Kind
from contracts.verify_address import KINDS, LETTERS, CopyAddress, page_address, typed_address
from services.ledger import queries
from services.ledger.erasure.withholding import completions_of
from services.ledger.signing.heads import STATEMENT_EVERY
from services.ledger.signing.records import NEWEST, StatementRow
from services.ledger.verify.acts import act_on
from services.ledger.verify.copy_judgement import CopyJudgement, CopyStatus, judge
from services.ledger.verify.successors import Successor, successors_of
from shared.config import Settings
from shared.database.engine import Database
from shared.text.bilingual import t
from shared.text.dates import minute
from shared.web.assets import COMMON, asset_response, assets_of
from shared.web.edge import make_api
from shared.web.error_pages import ErrorPage, words_of

HERE = Path(__file__).parent
ASSETS = assets_of((COMMON, HERE / "static"))
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEAD_EVERY = timedelta(seconds=2)
"""How late after `STATEMENT_EVERY` a statement may be: it is signed with a head."""


def make(db: Database, settings: Settings) -> FastAPI:
    """Return the app at `/verify`."""
    api = make_api("verify", "Tongyuan verify page", settings, dict)
    render = _renderer(settings.county)

    @api.get("/", include_in_schema=False)
    def form(kind: str = "", code: str = "", version: str = "") -> Response:
        if kind in LETTERS and code.strip():
            return RedirectResponse(page_address(kind, code.strip(), _number(version)), 303)
        return render("ask.html", 200)

    @api.get("/static/{name}", include_in_schema=False)
    def static(name: str, v: str = "") -> Response:
        return asset_response(ASSETS, name, v)

    @api.get("/{kind}/{code}", include_in_schema=False)
    @api.get("/{kind}/{code}/{rest:path}", include_in_schema=False)
    def verdict(kind: str, code: str, rest: str = "") -> Response:
        asked = typed_address(kind, code, rest)
        with db.read() as session:
            judgement = _judged(session, asked)
            values = {"size": queries.size(session), "body": _shown(session, judgement)}
            values["reason"] = _reason(session, judgement.entry)
            values["successors"] = _following(session, asked, judgement)
            wait = _uncovered(session, judgement, datetime.now(UTC))
        status = 200 if judgement.authentic else 404
        values |= {"code": asked.code if asked else code, "wait": wait}
        return render("verdict.html", status, asked=asked, judgement=judgement, **values)

    return api


def make_short(settings: Settings) -> FastAPI:
    """Return the app at `/V`, whose addresses use the characters that a QR code encodes most densely."""
    api = make_api("verify", "Tongyuan verify page", settings, dict)

    @api.get("/{letter}/{code}/{rest:path}", include_in_schema=False)
    def short(letter: str, code: str, rest: str) -> Response:
        asked = typed_address(letter, code, rest)
        if asked is None:
            return RedirectResponse(page_address(KINDS.get(letter.upper(), "unknown"), code, 0), 302)
        return RedirectResponse(page_address(asked.kind, asked.code, asked.version, asked.digest), 302)

    return api


def _judged(session: Session, asked: CopyAddress | None) -> CopyJudgement:
    """Judge the copy. A case is never looked up: its address is as mistyped as any other."""
    if asked is None:
        return CopyJudgement(CopyStatus.MISTYPED)
    now = format_time(datetime.now(UTC))
    versions = queries.versions(session, f"{asked.kind}:{asked.code}")
    item = queries.versions(session, f"{Kind.ITEM}:{asked.code}") if asked.kind == Kind.GUIDE else None
    completions = completions_of(session, [*versions, *(item or ())])
    return judge(versions, asked.version, asked.digest, now, item, completions)


def _following(session: Session, asked: CopyAddress | None, judgement: CopyJudgement) -> list[Successor]:
    """Return the items that follow when nothing of this code is in force."""
    if asked is None or judgement.in_force is not None:
        return []
    return successors_of(session, asked.kind, asked.code, format_time(datetime.now(UTC)))


def _uncovered(session: Session, judgement: CopyJudgement, now: datetime) -> int:
    """Return the seconds until a statement is expected that covers the judgement; 0 if the newest one does."""
    newest = session.get(StatementRow, NEWEST)
    if judgement.reach <= (newest.size if newest else 0):
        return 0
    due = (datetime.fromisoformat(newest.issued_at) if newest else now) + STATEMENT_EVERY + HEAD_EVERY
    return max(2, ceil((due - now).total_seconds()))


def _shown(session: Session, judgement: CopyJudgement) -> Json:
    """Return name and unit from the version asked for, or from the version in force if its body is not public."""
    for entry in (judgement.entry, judgement.ruling):
        rows = [queries.entry(session, entry["position"])] if entry else []
        for document in queries.documents(session, rows, trusted=False):
            body = orjson.loads(document)["body"]
            if body is not None:
                return {"name": body.get("task_name", ""), "unit": body.get("dept_name", "")}
    return {"name": "", "unit": ""}


def _reason(session: Session, entry: Json | None) -> str | None:
    """Return the public note on a backdated version; None for any other, and where no act explains it."""
    if entry is None or not entry["effective_at"] or entry["effective_at"] >= entry["released_at"]:
        return None
    act = act_on(session, entry)
    return str(act["note"]) if act and act["note"] else None


def error_page(county: str, status: int) -> ErrorPage:
    """Render the page of an error: it must not be taken for a verdict."""
    html = _environment(county).get_template("error.html").render(words=words_of(status))
    return ErrorPage(html.encode(), CONTENT_POLICY)


@cache
def _environment(county: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["minute"] = minute
    environment.globals |= {"t": t, "static": _static, "county": county}
    return environment


def _renderer(county: str) -> Callable[..., Response]:
    environment = _environment(county)

    def render(template: str, status: int, **values: Any) -> Response:
        text = environment.get_template(template).render(**values)
        headers = {"Content-Security-Policy": CONTENT_POLICY, "Cache-Control": "no-cache"}
        if values.get("wait"):
            headers["Retry-After"] = str(values["wait"])
        return Response(text, status, headers, "text/html; charset=utf-8")

    return render


def _static(name: str) -> str:
    return f"/verify/static/{name}?v={ASSETS[name].version}"


def _number(text: str) -> int | None:
    """Parse a version from 1 to 999999999; None for anything else."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    return number or None

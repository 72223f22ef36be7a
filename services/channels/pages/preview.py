"""Previews: what this channel would show of content that is not released, or showed once. Nothing is stored or cached.

The adapter and the templates are those of released content. The page comes as one file with its styles inside, without
scripts, and says at its top what it is.
"""

import re
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from contracts.base import Contract, Json, Timestamp, format_time
from contracts.envelope.publication import Publication
from contracts.kinds import Kind, Op, is_listed, kind_of
from services.channels.core.announcements import announced
from services.channels.core.port import Adapter, source_of
from services.channels.pages.reader import ChannelReader
from services.channels.pages.rendering import ChannelPages, origin
from shared.config import Settings
from shared.errors import Invalid, Violation
from shared.text.dates import minute
from shared.text.validation import parse
from shared.tokens.access import guard
from shared.tokens.rights import Right
from shared.transparency.canonical import digest
from shared.web.edge import Content, takes

MOST_VERSIONS = 500
NO_STORE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
BANNER = '<p class="notice problem" id="preview" role="note">{}</p>'
_SHEET = re.compile(r'<link rel="stylesheet" href="/[a-z]+/static/([^?"]+)\?v=[0-9a-f]+">')
_SCRIPT = re.compile(r"<script\b[^>]*>.*?</script>", re.DOTALL)
_ICON = re.compile(r'<link rel="icon"[^>]*>')
_BODY = re.compile(r"<body\b[^>]*>")


class Unreleased(Contract):
    """One version as it would be released."""

    key: str = Field(max_length=128, pattern=r"^[a-z]{1,16}:[0-9A-Za-z_-]{1,100}$")
    version: int = Field(default=1, ge=1)
    op: Op = Op.RELEASE
    body: Json | None = None
    effective_at: Timestamp | None = None
    expires_at: Timestamp | None = None


class PreviewRequest(Contract):
    """What would be released, or counted at the moment `past`. `page`: the code of the item whose page is wanted."""

    versions: list[Unreleased] = Field(min_length=1, max_length=MOST_VERSIONS)
    page: str | None = Field(default=None, pattern=r"^[0-9A-Z]{1,64}$")
    past: Timestamp | None = None


class Preview(BaseModel):
    """What the channel would show. `documents`: by key, without source; null: nothing. `html`: the page, if wanted."""

    documents: dict[str, dict[str, Any] | None]
    html: str | None


def router(adapter: Adapter, reader: ChannelReader, settings: Settings) -> APIRouter:
    """Return the route `/v1/preview`."""
    routes = APIRouter(prefix="/v1", tags=["operators"], dependencies=[guard(Right.PREVIEW)])
    place: ChannelPages = import_module(f"services.channels.{adapter.name}.pages").PAGES

    @routes.post(
        "/preview",
        openapi_extra=takes(PreviewRequest),
        summary="Show what this channel would show",
        response_model=Preview,
    )
    def preview(request: Request, content: Content) -> Response:
        asked = parse(PreviewRequest, content)
        documents = {one.key: _projected(adapter, one, settings.region, asked.past) for one in asked.versions}
        html = None if asked.page is None else _page(place, reader, request, documents, asked)
        bare = {key: _without_source(document) for key, document in documents.items()}
        return Response(orjson.dumps({"documents": bare, "html": html}), 200, NO_STORE, "application/json")

    return routes


def _projected(adapter: Adapter, one: Unreleased, region: str, past: datetime | None) -> Json | None:
    """Raises `Invalid` for a body that this channel cannot show: as released, it would be parked."""
    if not is_listed(kind_of(one.key)):
        raise Invalid(Violation("versions", "kind", "must be items or guides", one.key[:80]))
    if one.op == Op.WITHDRAW:
        return None
    entry = _entry(one, region, past)
    try:
        document = adapter.project(entry)
    except Exception as error:  # whatever it is, the entry would be parked with this reason
        raise Invalid(Violation("versions", "shown", f"{one.key} cannot be shown: {type(error).__name__}")) from error
    return None if document is None else announced(document, entry) | {"source": source_of(entry)}


def _entry(one: Unreleased, region: str, past: datetime | None) -> Publication:
    """Return the version as an entry of the ledger would have it. Its position is none: 0."""
    now = past or datetime.now(UTC)
    entry = Publication.model_construct(
        source="preview",
        sequence=0,
        key=one.key,
        kind=kind_of(one.key),
        version=one.version,
        op=str(one.op),
        region=region,
        effective_at=one.effective_at,
        expires_at=one.expires_at,
        released_at=now,
        recorded_at=now,
        body=one.body,
        position=0,
        digest="",
        part_of=None,
    )
    return entry.model_copy(update={"digest": digest(entry.content())})


def _page(
    place: ChannelPages,
    reader: ChannelReader,
    request: Request,
    documents: dict[str, Json | None],
    asked: PreviewRequest,
) -> str | None:
    """Return the item's page; a part that is not among `documents` is as it is shown now. None: no such page."""
    code = asked.page or ""
    item, guide = (
        documents[f"{kind}:{code}"] if f"{kind}:{code}" in documents else shown(code)
        for kind, shown in ((Kind.ITEM, reader.item), (Kind.GUIDE, reader.guide))
    )
    if item is None:
        return None
    settings: Settings = request.app.state.settings
    given: dict[str, Any] = {"item": item, "guide": guide, "county": settings.county, "site_id": settings.site_id}
    given |= {"origin": origin(request), "path": f"/{place.name}/items/{code}", "freshness": reader.freshness()}
    given["past"] = asked.past
    said = "预览·尚未发布" if asked.past is None else f"{minute(format_time(asked.past))} 显示的内容·现在可能已经不同"
    return _one_file(place, place.templates.get_template("item.html").render(given), said)


def _one_file(place: ChannelPages, html: str, said: str) -> str:
    """Return a page that needs no other file and does nothing by itself."""
    html = _ICON.sub("", _SCRIPT.sub("", html))
    html = _SHEET.sub(lambda found: f"<style>{place.assets[found[1]].content.decode()}</style>", html)
    html = html.replace("<head>", '<head><meta name="robots" content="noindex">', 1)
    return _BODY.sub(lambda found: found[0] + BANNER.format(said), html, count=1)


def _without_source(document: Json | None) -> Json | None:
    return None if document is None else {name: value for name, value in document.items() if name != "source"}

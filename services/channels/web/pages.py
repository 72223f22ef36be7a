"""The wording of web's pages; templates/ and static/ hold the design, `services.channels.pages` the rest."""

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from contracts.envelope.publication import Kind
from services.channels.pages.reader import ChannelReader
from services.channels.pages.rendering import ChannelPages
from services.channels.pages.routes import Show, not_shown
from services.channels.pages.version_history import VersionStep
from services.channels.web import feedback_form
from services.channels.web.version_changes import Difference, changes
from shared.errors import Unavailable
from shared.web.response_cache import shareable

PAGES = ChannelPages(
    name="web",
    title="政务服务平台",
    promise="办事指南、在线办理和办件进度，和大厅、手机上的完全一样",
    title_en="Public services",
    promise_en="Guides, applying online and tracking: the same as in the hall and on the phone",
)


@dataclass(frozen=True, slots=True)
class ChangedDocument:
    """One kind of document on the page of changes. `step` None: the ledger cannot answer now."""

    zh: str
    en: str
    step: VersionStep | None
    found: list[Difference]


def more(reader: ChannelReader, show: Show) -> APIRouter:
    """Routes that only this channel has: changes since the previous version, and the feedback form."""
    routes = APIRouter()

    @routes.get("/items/{code}/changes")
    @shareable
    def changed(request: Request, code: str) -> Response:
        item = reader.item(code)
        if item is None:
            return not_shown(reader, show, request, code)
        kinds = [(Kind.ITEM, "事项", "Service")]
        if reader.guide(code) is not None:
            kinds.append((Kind.GUIDE, "办事指南", "Guide"))
        compared = [_compared(reader, code, *kind) for kind in kinds]
        return show(request, "changes.html", item=item, compared=compared)

    routes.include_router(feedback_form.routes_of(reader, show))
    return routes


def _compared(reader: ChannelReader, code: str, kind: Kind, zh: str, en: str) -> ChangedDocument:
    try:
        step = reader.step(kind, code)
    except Unavailable:
        step = None
    found = changes(step.before, step.now) if step and step.before and step.now else []
    return ChangedDocument(zh, en, step, found)

"""Pages of the channel: their words here, their look in templates/ and static/, the rest in services.channels.pages."""

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from contracts.publication import Kind
from services.channels.pages import READ, Show, not_shown
from services.channels.past import Step
from services.channels.reader import Reader
from services.channels.rendering import Place
from services.channels.web import saying
from services.channels.web.changes import Change, changes
from shared.errors import Unavailable

PLACE = Place(
    name="web",
    title="政务服务平台",
    promise="办事指南、在线办理和办件进度，和大厅、手机上的完全一样",
    title_en="Public services",
    promise_en="Guides, applying online and tracking: the same as in the hall and on the phone",
)


@dataclass(frozen=True, slots=True)
class Compared:
    """One kind of document on the page of changes. `step` None: the ledger cannot tell now."""

    zh: str
    en: str
    step: Step | None
    found: list[Change]


def more(reader: Reader, show: Show) -> APIRouter:
    """What only this channel shows: what changed from the version before, and the form to say that a guide is wrong."""
    routes = APIRouter()

    @routes.api_route("/items/{code}/changes", methods=READ)
    def changed(request: Request, code: str) -> Response:
        item = reader.item(code)
        if item is None:
            return not_shown(reader, show, request, code)
        kinds = [(Kind.ITEM, "事项", "Service")]
        if reader.guide(code) is not None:
            kinds.append((Kind.GUIDE, "办事指南", "Guide"))
        compared = [_compared(reader, code, *kind) for kind in kinds]
        return show(request, "changes.html", item=item, compared=compared)

    routes.include_router(saying.routes_of(reader, show))
    return routes


def _compared(reader: Reader, code: str, kind: Kind, zh: str, en: str) -> Compared:
    try:
        step = reader.step(kind, code)
    except Unavailable:
        step = None
    found = changes(step.before, step.now) if step and step.before and step.now else []
    return Compared(zh, en, step, found)

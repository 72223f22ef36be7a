"""Pages of releasing: overview, sets, receipts, withdrawal and previews."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from contracts.base import Json
from contracts.content.acts import LONGEST_NOTE
from services.console.accounts.rights import form_of
from services.console.content.files import files_of
from services.console.content.shape import ContentKind
from services.console.content.words import KINDS
from services.console.pages.forms import FormWithFiles, by_field, text
from services.console.pages.frame import framed, page, see_other
from services.console.pages.times import typed_time
from services.console.receipts import opening
from services.console.release import sets, single
from services.console.release.api import Act, Previewer, Reader, Releaser, Withdrawer
from services.console.release.requests import PreviewLinkRequest, UndoRequest
from services.console.release.work import Releasing
from shared.errors import Invalid, NotFound, TongyuanError
from shared.publishing.reviews.roles import TAKING_OFF
from shared.text.validation import parse
from shared.tokens.person import Person, StaffRole

SIZES = {
    "web": ("网站", 1280, 800, 0.9),
    "mobile": ("手机", 390, 844, 1.0),
    "kiosk": ("大厅自助终端", 1080, 1920, 0.5),
    "portal": ("政府网站", 1280, 800, 0.9),
}
"""Title, width and height in pixels, and scale of each frame."""

STREAM_SECONDS, STREAM_STEP = 55.0, 0.25
FormData = Annotated[Any, Depends(form_of)]
Number = Annotated[int, Path(ge=1, le=2**53)]
WORDS = {"sets": sets.TITLES, "receipts": opening.TITLES}
WITHDRAW_FIELDS = ("kind", "code", "etag", "how", "reason", "note", "instead", "effective_at", "successors", "plans")


def routes_of(releasing: Releasing) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(include_in_schema=False)
    _overview(routes, releasing)
    _sets(routes, releasing)
    _withdrawal(routes, releasing)
    _previews(routes, releasing)
    return routes


def _overview(routes: APIRouter, releasing: Releasing) -> None:
    @routes.get("/release")
    def overview(request: Request, person: Reader) -> Response:
        late = [one for one in releasing.sets.listed(200) if one["late"]]
        shown: dict[str, Any] = {"sets": releasing.sets.listed(20), "receipts": releasing.receipts.listed(30)}
        notices: dict[str, Any] = {"late_sets": late, "late_receipts": releasing.receipts.notices()}
        shown["may_compose"] = bool(person.roles & {StaffRole.EDITOR, StaffRole.RELEASER})
        shown["may_withdraw"] = bool(person.roles & set(TAKING_OFF))
        return page(request, "release.html", person=person, words=WORDS, **shown, **notices)

    @routes.get("/release/receipts/{number}")
    def receipt(number: Number, request: Request, person: Reader) -> Response:
        found = releasing.receipts.read(number)
        return page(request, "receipt.html", person=person, receipt=found, words=WORDS, sizes=SIZES, kinds=KINDS)

    @routes.get("/release/receipts/{number}/stream")
    async def stream(number: Number, _person: Reader) -> Response:
        await run_in_threadpool(releasing.receipts.read, number)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_events(releasing, number), media_type="text/event-stream", headers=headers)


def _sets(routes: APIRouter, releasing: Releasing) -> None:
    def shown(act: str, request: Request, person: Person, status: int = 200, **more: Any) -> Response:
        given = {"note": "", "errors": {}, "problem": "", "words": WORDS, "kinds": KINDS, **more}
        return page(request, "release_set.html", person=person, status=status, set=releasing.sets.read(act), **given)

    def acted(act: str, request: Request, person: Person, work: Callable[[], Json], typed: str = "") -> Response:
        try:
            found = work()
        except Invalid as error:
            errors = {name: SET_WORDS.get(name, words) for name, words in by_field(error).items()}
            return shown(act, request, person, error.status, note=typed, errors=errors)
        except TongyuanError as error:
            return shown(act, request, person, 409, note=typed, problem=str(error))
        return see_other(f"release/sets/{found['act']}")

    @routes.get("/release/sets/{act}")
    def one_set(act: Act, request: Request, person: Reader) -> Response:
        return shown(act, request, person)

    @routes.post("/release/sets/{act}/cancel")
    def cancel(act: Act, request: Request, person: Releaser) -> Response:
        return acted(act, request, person, lambda: releasing.sets.cancel(person, act))

    @routes.post("/release/sets/{act}/undo")
    def undo(act: Act, request: Request, person: Releaser, sent: FormData) -> Response:
        typed = text(sent, "note")

        def work() -> Json:
            return releasing.sets.undo(person, act, parse(UndoRequest, {"note": typed or None}).note)

        return acted(act, request, person, work, typed)


async def _events(releasing: Releasing, number: int) -> AsyncIterator[str]:
    """Tell each change of a receipt, until it is settled. The browser comes back for more after a minute."""
    told: tuple[Any, ...] | None = None
    for _ in range(int(STREAM_SECONDS / STREAM_STEP)):
        found = await run_in_threadpool(releasing.receipts.read, number)
        now = tuple(str(found[name]) for name in ("state", "channels", "screens", "problem"))
        if now != told:
            told = now
            yield f"event: receipt\ndata: {found['state']}\n\n"
        if found["settled_at"]:
            yield "event: settled\ndata: 1\n\n"
            return
        await asyncio.sleep(STREAM_STEP)


def _withdrawal(routes: APIRouter, releasing: Releasing) -> None:
    desk = releasing.desk

    @routes.get("/release/withdraw")
    def form(request: Request, person: Withdrawer, kind: str = "item", code: str = "", plans: str = "") -> Response:
        typed = dict.fromkeys(WITHDRAW_FIELDS, "") | {"kind": kind, "code": code, "how": "withdraw", "plans": plans}
        return page(request, "withdraw.html", person=person, typed=typed, errors={})

    @routes.post("/release/withdraw")
    def withdraw(request: Request, person: Withdrawer, sent: FormData) -> Response:
        typed = {name: str(sent.get(name, "")).strip() for name in WITHDRAW_FIELDS}
        try:
            wanted = parse(single.WithdrawOne, _withdrawal_of(releasing, person, typed))
            done = single.withdraw_one(desk.db, desk.services, person, wanted)
        except Invalid as error:
            errors = {one.field.partition(".")[0]: FIELD_WORDS.get(one.field, one.message) for one in error.violations}
            return page(request, "withdraw.html", person=person, status=422, typed=typed, errors=errors)
        except TongyuanError as error:
            return page(request, "withdraw.html", person=person, status=409, typed=typed, errors={"": str(error)})
        receipt = done["receipt"]
        return see_other(f"release/receipts/{receipt['number']}" if receipt else "release")


SET_WORDS = {"note": f"撤销说明最多{LONGEST_NOTE}字"}
FIELD_WORDS = {
    "code": "请填 31 位实施编码或 33 位业务办理项编码",
    "reason": "请选择原因",
    "note": "请写明为什么撤下，最多300字；群众会看到",
    "instead": "群众现在怎么办最多180字",
    "effective_at": "请填以后的时间，或留空立即生效",
}


def _withdrawal_of(releasing: Releasing, person: Person, typed: dict[str, str]) -> dict[str, Any]:
    """Return the request that the form stands for; the edition is read now if the form does not name its state."""
    edition = releasing.previews.draft(person, typed["kind"], typed["code"]) if typed["code"] else None
    if typed["code"] and edition is None:
        raise NotFound("没有这个编码的内容，请核对编码")
    etag = typed["etag"] or (str(edition["revision"]) if edition else "1")
    wanted: dict[str, Any] = {"kind": typed["kind"], "code": typed["code"], "etag": etag}
    wanted |= {"how": typed["how"], "reason": typed["reason"], "note": typed["note"]}
    wanted["plans"] = "cancel" if typed["plans"] == "cancel" else "keep"
    if typed["instead"]:
        wanted["instead"] = typed["instead"]
    if typed["effective_at"]:
        wanted["effective_at"] = typed_time(typed["effective_at"])
    if typed["successors"]:
        wanted["successors"] = [f"item:{code}" for code in typed["successors"].replace("，", " ").split()]
    return wanted


def _previews(routes: APIRouter, releasing: Releasing) -> None:
    previews = releasing.previews

    @routes.post("/release/previews")
    def begin(person: Previewer, sent: FormWithFiles) -> Response:
        made = previews.begin(person, parse(PreviewLinkRequest, {"code": text(sent, "code")}).code)
        return see_other(made["path"].removeprefix("/console/"))

    @routes.get("/previews/{token}")
    def frames(token: str, request: Request, person: Reader) -> Response:
        found = previews.opened(token)
        shown: dict[str, Any] = {"token": token, "preview": found, "sizes": SIZES, "channels": releasing.desk.channels}
        shown["files"] = files_of(found["drafts"].get(ContentKind.GUIDE))
        return page(request, "preview.html", person=person, **shown)

    @routes.get("/previews/{token}/{channel}")
    def frame(token: str, channel: str, person: Reader) -> Response:
        if channel not in releasing.desk.channels:
            raise NotFound(f"there is no channel {channel[:20]!r}")
        found = previews.opened(token)
        return framed(previews.page(person, channel, found["code"], found["drafts"]))

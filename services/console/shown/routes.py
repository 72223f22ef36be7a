"""The page 当时显示了什么: a channel or a screen, an item, a moment; and the page as it was."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from contracts.base import Json
from services.console.accounts.rights import may
from services.console.areas import RELEASE_READERS
from services.console.content.words import KINDS
from services.console.desk import Desk
from services.console.pages.frame import framed, page
from services.console.pages.times import NOT_A_TIME, moment_of
from services.console.shown.screens import OnScreen, on_screen, position_at, screens
from services.console.shown.shown import Shown, shown_at
from shared.errors import Invalid, NotFound, TongyuanError, Violation
from shared.tokens.person import Person

Reader = Annotated[Person, Depends(may(*RELEASE_READERS))]
SCREEN = "screen:"
KIOSK = "kiosk"


@dataclass(frozen=True, slots=True)
class Asked:
    """A channel, and the name of one of its screens or "", with the code of an item and a moment."""

    channel: str
    screen: str
    code: str
    moment: datetime


def routes_of(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/release/shown", include_in_schema=False)

    @routes.get("")
    def ask(request: Request, person: Reader, place: str = KIOSK, code: str = "", at: str = "") -> Response:
        typed = {"place": place, "code": code.strip(), "at": at.strip()}
        known = _screens(desk, person)
        values: dict[str, Any] = {"typed": typed, "channels": desk.channel_titles, "screens": known, "kinds": KINDS}
        values |= {"asked": None, "found": None, "on": None, "errors": {}}
        if not code and not at:
            return page(request, "shown.html", person=person, **values)
        try:
            values["asked"] = asked = _asked(desk, typed, known)
            values["found"] = found = shown_at(desk.services, person, asked.channel, asked.code, asked.moment)
            values["on"] = _on(desk, person, known, asked, found)
        except Invalid as error:
            values["errors"] = {one.field: one.message for one in error.violations}
        return page(request, "shown.html", person=person, status=422 if values["errors"] else 200, **values)

    @routes.get("/page")
    def shown(person: Reader, channel: str, code: str, at: str) -> Response:
        try:
            asked = _asked(desk, {"place": channel, "code": code, "at": at}, None)
        except Invalid as error:
            raise NotFound("there is no such page") from error
        return framed(shown_at(desk.services, person, asked.channel, asked.code, asked.moment).html)

    return routes


def _screens(desk: Desk, person: Person) -> list[Json] | None:
    """Return the screens of the hall; None: the kiosk does not answer."""
    if KIOSK not in desk.channels:
        return []
    try:
        return screens(desk.services, person)
    except TongyuanError:
        return None


def _asked(desk: Desk, typed: dict[str, str], known: list[Json] | None) -> Asked:
    """Raises `Invalid`, which names each field."""
    wrong = []
    place, moment = typed["place"], None
    screen = place.removeprefix(SCREEN) if place.startswith(SCREEN) else ""
    channel = KIOSK if screen else place
    if channel not in desk.channels:
        wrong.append(Violation("place", "choice", "没有这个渠道"))
    elif screen and screen not in {one["name"] for one in known or ()}:
        wrong.append(Violation("place", "choice", "没有这块屏幕，或者自助终端现在没有回答：请选渠道"))
    if not (typed["code"].isascii() and typed["code"].isalnum()):
        wrong.append(Violation("code", "code", "请填实施编码"))
    try:
        moment = moment_of(typed["at"])
    except (ValueError, OverflowError):
        wrong.append(Violation("at", "time", NOT_A_TIME))
    if moment is not None and moment > datetime.now(UTC):
        wrong.append(Violation("at", "in_the_past", "这个时间还没有到：请填已经过去的时间"))
    if wrong or moment is None:
        raise Invalid(*wrong)
    return Asked(channel, screen, typed["code"], moment)


def _on(desk: Desk, person: Person, known: list[Json] | None, asked: Asked, found: Shown) -> OnScreen | None:
    """Return what is known of the screen that was asked about; None if it was a channel."""
    for one in known or ():
        if one["name"] == asked.screen:
            span = position_at(desk.services, person, one["name"], asked.moment)
            return on_screen(desk.db, one, span, found.versions.values(), asked.moment)
    return None

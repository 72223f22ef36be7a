"""HTTP of the register of screens: `/v1/screens` for operators, `/v1/screen/` for the screens themselves.

A screen's token is in a cookie that scripts cannot read and that is sent to `/kiosk/v1/screen/` only. Its name is in a
second cookie, which tells the page that it must report.
"""

from collections.abc import Callable
from functools import partial
from math import nan
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.concurrency import run_in_threadpool

from contracts.base import Json, Timestamp
from services.channels.api import openapi
from services.channels.kiosk import addresses, response_models, screens
from services.channels.kiosk.page_copies import PageCopies
from services.channels.kiosk.screen_history import ScreenHistory
from services.channels.pages.reader import ChannelReader
from services.channels.pages.rendering import origin
from shared import log, metrics
from shared.database.engine import Database
from shared.errors import Conflict, Forbidden, TongyuanError, TooManyRequests
from shared.tokens.access import By, guard
from shared.tokens.rights import Right
from shared.web.callers import place_of

TOKEN, NAME = "tongyuan_screen", "tongyuan_screen_name"
TOKEN_PATH, NAME_PATH = "/kiosk/v1/screen", "/kiosk/"
YEAR = 366 * 24 * 3600
NO_DIGEST = frozenset({addresses.PROGRESS})
"""Pages with personal content: their digest is not compared."""

PER_ADDRESS: RateLimitItem = parse("10/minute")
IN_ALL: RateLimitItem = parse("60/minute")
_log = log.get("screens")

Moment = Annotated[Timestamp, Query(description="A moment in the past.")]
ScreenName = Annotated[str, Path(pattern=screens.NAME)]


class RequireScreen:
    """Dependency: returns the screen's token. Raises `Forbidden` if there is none."""

    async def __call__(self, request: Request) -> str:
        """Return the token."""
        token = request.cookies.get(TOKEN, "")
        if not token:
            raise Forbidden("this browser is not an enrolled screen of the hall: enrol it at /kiosk/enrol")
        return token

    def openapi_security(self) -> Json:
        """See `shared.tokens.access.DeclaredAccess`."""
        return {"screen": []}


Screen = Annotated[str, Depends(RequireScreen())]


def router(db: Database, reader: ChannelReader) -> APIRouter:
    """Return all routes of the register."""
    history = ScreenHistory(db)
    routes, register = APIRouter(prefix="/v1"), screens.ScreenStore(db, history)
    routes.include_router(_operators(register))
    routes.include_router(_past(history))
    routes.include_router(_own(register, reader))
    for state in screens.ScreenState:
        metrics.kiosk_screens.labels(state).set_function(partial(_count, register.counted, state))
    for copy in screens.CopyState:
        metrics.kiosk_copies.labels(copy).set_function(partial(_count, register.copies, copy))
    return routes


def _operators(register: screens.ScreenStore) -> APIRouter:
    routes = APIRouter(prefix="/screens", tags=["operators"])

    @routes.get(
        "",
        dependencies=[guard(Right.INSPECT)],
        summary="List the screens with what they show and whether they are red",
        response_model=response_models.Screens,
    )
    def listed() -> Response:
        return _told({"screens": register.listed()})

    @routes.post(
        "",
        dependencies=[guard(Right.OPERATE)],
        summary="Issue a code that enrols one screen",
        response_model=response_models.Offer,
    )
    def offer(wanted: screens.NewScreen, by: By) -> Response:
        return _told(register.offer(wanted.name, by))

    @routes.delete(
        "/{name}",
        dependencies=[guard(Right.OPERATE)],
        summary="Revoke a screen's token and code",
        response_model=response_models.Revoked,
    )
    def revoke(name: ScreenName, by: By) -> Response:
        register.revoke(name, by)
        _log.warning("screen revoked", screen=name)
        return _told({"revoked": name})

    return routes


def _past(history: ScreenHistory) -> APIRouter:
    routes = APIRouter(prefix="/screens", tags=["operators"])

    @routes.get(
        "/{name}/position",
        dependencies=[guard(Right.INSPECT)],
        summary="Read which position of the ledger a screen had reached at a moment",
        response_model=response_models.PastPosition,
    )
    def position(name: ScreenName, at: Moment) -> Response:
        """The screen had shown at least this much, and reported all the time from `since` to `until`."""
        return _told(history.at(name, at))

    return routes


def _own(register: screens.ScreenStore, reader: ChannelReader) -> APIRouter:
    routes = APIRouter(prefix="/screen", tags=["hall"])
    limiter = MovingWindowRateLimiter(MemoryStorage())
    copies = PageCopies(reader.released)

    @routes.post(
        "/enrol", summary="Enrol this browser as a screen with a code", response_model=response_models.EnrolledScreen
    )
    def enrol(given: screens.Code, request: Request) -> Response:
        """One answer for every code that does not work: wrong, used, expired or revoked."""
        _limit(limiter, request)
        enrolled = register.enrol(given.code)
        _log.warning("screen enrolled", screen=enrolled.name)
        return _known(request, _told({"name": enrolled.name}), enrolled.name, enrolled.token)

    @routes.post("/report", summary="Report what a screen shows", response_model=response_models.Compared)
    async def report(token: Screen, told: screens.ScreenReport, request: Request) -> Response:
        """`same`: whether the displayed text is what this channel shows now; null if there is nothing to compare.

        The report also says how much of the catalogue the browser has kept, and of when.
        """
        name = await run_in_threadpool(register.name_of, token)
        if name is None:
            raise _refused()
        facets = await run_in_threadpool(reader.facets)
        address = told.address if addresses.known(told.address, facets) else None
        same = None
        if address is not None and address not in NO_DIGEST:
            same = told.digest == await copies.digest(request, address)
        try:
            await run_in_threadpool(register.note, name, token, told, address=address, other=same is False)
        except Conflict:
            raise _refused() from None
        return _known(request, _told({"same": same}), name, token)

    return routes


def _known(request: Request, answer: Response, name: str, token: str) -> Response:
    """Renew both cookies for a year: browsers keep none for longer, and screens run for many years."""
    secure = origin(request).startswith("https:")
    for key, value, path in ((TOKEN, token, TOKEN_PATH), (NAME, name, NAME_PATH)):
        answer.set_cookie(key, value, max_age=YEAR, path=path, secure=secure, httponly=key == TOKEN, samesite="strict")
    return answer


def _told(content: Json) -> Response:
    answer = openapi.as_json(content)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _count(counted: Callable[[], dict[str, int]], state: str) -> float:
    """Value for /metrics; NaN if the store does not answer, so that the other metrics are still served."""
    try:
        return counted()[state]
    except TongyuanError:
        return nan


def _refused() -> Forbidden:
    return Forbidden("this token does not belong to an enrolled screen")


def _limit(limiter: MovingWindowRateLimiter, request: Request) -> None:
    """Limit attempts per address and in total: a code of 60 bits valid for half an hour cannot then be guessed."""
    address = request.client.host if request.client else "unknown"
    if not (limiter.hit(PER_ADDRESS, "address", place_of(address)) and limiter.hit(IN_ALL, "all")):
        raise TooManyRequests("too many codes; wait a minute")

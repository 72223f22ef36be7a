"""HTTP of the screens' register: `/v1/screens` for operators, `/v1/screen/` for the screens themselves.

A screen's token lies in a cookie that no script can read and that goes nowhere but to `/kiosk/v1/screen/`. Its name
lies in another one, which tells the page that it has something to report.
"""

from functools import partial
from math import nan
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.concurrency import run_in_threadpool

from contracts.base import Json
from services.channels import describing
from services.channels.kiosk import addresses, answers, screens
from services.channels.kiosk.copies import Copies
from services.channels.lookup import place_of
from services.channels.reader import Reader
from services.channels.rendering import origin
from shared import log, metrics
from shared.database import Database
from shared.errors import Conflict, Forbidden, TongyuanError, TooManyRequests
from shared.http import Admin, Service

TOKEN, NAME = "tongyuan_screen", "tongyuan_screen_name"
TOKEN_PATH, NAME_PATH = "/kiosk/v1/screen", "/kiosk/"
YEAR = 366 * 24 * 3600
NO_DIGEST = frozenset({addresses.PROGRESS})
"""What stands there is somebody's."""

PER_ADDRESS: RateLimitItem = parse("10/minute")
IN_ALL: RateLimitItem = parse("60/minute")
_log = log.get("screens")

ScreenName = Annotated[str, Path(pattern=screens.NAME)]


def require_screen(request: Request) -> str:
    """Dependency: the token that a screen sends. Raises `Forbidden` when it sends none."""
    token = request.cookies.get(TOKEN, "")
    if not token:
        raise Forbidden("this browser is no screen of the hall: enrol it at /kiosk/enrol")
    return token


Screen = Annotated[str, Depends(require_screen)]


def router(db: Database, reader: Reader) -> APIRouter:
    """All routes of the register."""
    routes = APIRouter(prefix="/v1")
    routes.include_router(_operators(db))
    routes.include_router(_own(db, reader))
    for state in screens.State:
        metrics.kiosk_screens.labels(state).set_function(partial(_count, db, state))
    return routes


def _operators(db: Database) -> APIRouter:
    routes = APIRouter(prefix="/screens", tags=["operators"])

    @routes.get(
        "",
        dependencies=[Service],
        summary="Every screen: what it shows, and whether it is red",
        response_model=answers.Screens,
    )
    def listed() -> Response:
        return _told({"screens": screens.listed(db)})

    @routes.post(
        "", dependencies=[Admin], summary="A code by which a screen is enrolled, once", response_model=answers.Offer
    )
    def offer(wanted: screens.Wanted) -> Response:
        return _told(screens.offer(db, wanted.name))

    @routes.delete(
        "/{name}",
        dependencies=[Admin],
        summary="Take its token and its code from a screen",
        response_model=answers.Revoked,
    )
    def revoke(name: ScreenName) -> Response:
        screens.revoke(db, name)
        _log.warning("screen revoked", screen=name)
        return _told({"revoked": name})

    return routes


def _own(db: Database, reader: Reader) -> APIRouter:
    routes = APIRouter(prefix="/screen", tags=["hall"])
    limiter = MovingWindowRateLimiter(MemoryStorage())
    copies = Copies(reader.released)

    @routes.post("/enrol", summary="Give a code, and be a screen from now on", response_model=answers.EnrolledScreen)
    def enrol(given: screens.Code, request: Request) -> Response:
        """One answer for every code that does not work: wrong, used, expired or revoked."""
        _limit(limiter, request)
        enrolled = screens.enrol(db, given.code)
        _log.warning("screen enrolled", screen=enrolled.name)
        return _known(request, _told({"name": enrolled.name}), enrolled.name, enrolled.token)

    @routes.post("/report", summary="What a screen shows", response_model=answers.Compared)
    async def report(token: Screen, told: screens.Report, request: Request) -> Response:
        """`same`: the text on the glass is what this channel shows now; null where there is nothing to compare."""
        name = await run_in_threadpool(screens.name_of, db, token)
        if name is None:
            raise _refused()
        facets = await run_in_threadpool(reader.facets)
        address = told.address if addresses.known(told.address, facets) else None
        same = None
        if address is not None and address not in NO_DIGEST:
            same = told.digest == await copies.glass(request, address)
        try:
            await run_in_threadpool(screens.note, db, name, token, told, address=address, other=same is False)
        except Conflict:
            raise _refused() from None
        return _known(request, _told({"same": same}), name, token)

    return routes


def _known(request: Request, answer: Response, name: str, token: str) -> Response:
    """With both cookies, for another year: a browser keeps none for longer, and a screen hangs there for ten."""
    secure = origin(request).startswith("https:")
    for key, value, path in ((TOKEN, token, TOKEN_PATH), (NAME, name, NAME_PATH)):
        answer.set_cookie(key, value, max_age=YEAR, path=path, secure=secure, httponly=key == TOKEN, samesite="strict")
    return answer


def _told(content: Json) -> Response:
    answer = describing.as_json(content)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _count(db: Database, state: screens.State) -> float:
    """For /metrics, which says the rest also while the store does not answer."""
    try:
        return screens.counted(db)[state]
    except TongyuanError:
        return nan


def _refused() -> Forbidden:
    return Forbidden("this token is not one of a screen, or not any more")


def _limit(limiter: MovingWindowRateLimiter, request: Request) -> None:
    """Few tries, of one address and of all: a code of 60 bits that lives half an hour cannot be found by trying."""
    address = request.client.host if request.client else "unknown"
    if not (limiter.hit(PER_ADDRESS, "address", place_of(address)) and limiter.hit(IN_ALL, "all")):
        raise TooManyRequests("too many codes; wait a minute")

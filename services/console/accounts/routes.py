"""Pages of signing in and out."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from services.console.accounts.demo import DEMO_PASSWORD, DEMO_PEOPLE
from services.console.accounts.rights import (
    SECURE_COOKIE,
    STAGE_PATHS,
    address_of,
    cookie_name,
    form_of,
    is_same_origin,
    may,
    session_of,
)
from services.console.accounts.sign_in import SignIn
from services.console.pages.frame import page, see_other
from shared.errors import NotAllowed
from shared.tokens.person import Person

SAFE_NEXT = re.compile(r"/console/[A-Za-z0-9_~.:/?=&%+-]{0,500}")
WRONG_PAIR = "账户名或密码不对。"
FormData = Annotated[Any, Depends(form_of)]


def routes_of(sign_in: SignIn, *, demo: bool) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(include_in_schema=False)
    shown: dict[str, Any] = {"people": DEMO_PEOPLE if demo else (), "demo_password": DEMO_PASSWORD if demo else ""}

    @routes.get("/sign-in")
    def form(request: Request, next: str = "") -> Response:  # noqa: A002  # the address's own word
        return page(request, "sign_in.html", name="", next=next, errors={}, **shown)

    @routes.post("/sign-in")
    def begin(request: Request, sent: FormData) -> Response:
        require_own_form(request)
        name, password, following = (str(sent.get(field, "")) for field in ("name", "password", "next"))
        browser = request.headers.get("user-agent", "")
        begun = sign_in.by_password(name.strip(), password, address_of(request), browser)
        if begun is None:
            given: dict[str, Any] = {"name": name, "next": following, "errors": {"password": WRONG_PAIR}}
            return page(request, "sign_in.html", status=422, **given, **shown)
        token, stage = begun
        there = following if SAFE_NEXT.fullmatch(following) else STAGE_PATHS[stage]
        return with_cookie(see_other(there.removeprefix("/console/")), request, token)

    @routes.post("/sign-out")
    async def end(request: Request, _person: Annotated[Person, Depends(may())]) -> Response:
        signed_in = await session_of(request)
        if signed_in is not None:
            sign_in.sessions.end(signed_in.token_hash, signed_in.person.name)
        return with_cookie(see_other("sign-in"), request, "")

    return routes


def require_own_form(request: Request) -> None:
    """Raise `NotAllowed` for a form that another site sent, where there is no session yet whose token to ask."""
    if not is_same_origin(request):
        raise NotAllowed("a write must come from a page of this site")


def with_cookie(answer: Response, request: Request, token: str) -> Response:
    """Set the session's cookie, or delete it with an empty token."""
    name = cookie_name(request)
    secure = name == SECURE_COOKIE
    path = "/" if secure else "/console"
    age = None if token else 0
    answer.set_cookie(name, token, max_age=age, path=path, secure=secure, httponly=True, samesite="strict")
    return answer

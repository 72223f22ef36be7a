"""Pages of signing in and out: password, code, first password, setting up the second factor."""

import re
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from services.console.accounts.credentials import Credentials
from services.console.accounts.demo import DEMO_PASSWORD, DEMO_PEOPLE
from services.console.accounts.rights import (
    SECURE_COOKIE,
    STAGE_PATHS,
    address_of,
    at_stage,
    cookie_name,
    is_same_origin,
    require_own_page,
    session_of,
)
from services.console.accounts.roles import titles
from services.console.accounts.second_factor import address_of_secret, qr_of
from services.console.accounts.sessions import SignedIn, Stage
from services.console.accounts.sign_in import Begun, SignIn
from services.console.pages.forms import Form, by_field, secret, text
from services.console.pages.frame import page, see_other
from shared.errors import Invalid, NotAllowed, Refused, Violation
from shared.tokens.person import Person

SAFE_NEXT = re.compile(r"/console/[A-Za-z0-9_~.:/?=&%+-]{0,500}")
AtCode = Annotated[Person, Depends(at_stage(Stage.SECOND_FACTOR))]
AtPassword = Annotated[Person, Depends(at_stage(Stage.NEW_PASSWORD))]
AtEnrolment = Annotated[Person, Depends(at_stage(Stage.ENROLMENT))]
LONGEST_NAME = 64


def sign_in_pages(sign_in: SignIn, county: str, *, demo: bool, federated: bool) -> APIRouter:
    """Return the routes. `federated`: people may sign in with an account of their unit as well."""
    routes = APIRouter(include_in_schema=False)
    routes.include_router(_password(sign_in, demo=demo, federated=federated))
    routes.include_router(_second_factor(sign_in))
    routes.include_router(_first_password(sign_in))
    routes.include_router(_enrolment(sign_in, county))
    return routes


def _password(sign_in: SignIn, *, demo: bool, federated: bool) -> APIRouter:
    routes = APIRouter()
    people = [(person, titles(person.roles)) for person in DEMO_PEOPLE if demo]
    shown: dict[str, Any] = {
        "people": people,
        "demo_password": DEMO_PASSWORD if demo else "",
        "federated": federated,
    }

    @routes.get("/sign-in")
    async def form(request: Request, next: str = "") -> Response:  # noqa: A002  # the address's own word
        signed_in = await session_of(request)
        if signed_in is not None and signed_in.stage == Stage.COMPLETE:
            return see_other(_safe(next) or "")
        return page(request, "sign_in.html", name="", next=next, errors={}, **shown)

    @routes.post("/sign-in")
    def begin(request: Request, sent: Form) -> Response:
        if not is_same_origin(request):
            raise NotAllowed("a write must come from a page of this site")
        name, following = text(sent, "name")[:LONGEST_NAME], text(sent, "next")
        browser = request.headers.get("user-agent", "")
        try:
            begun = sign_in.by_password(name, secret(sent, "password"), address_of(request), browser)
        except Refused as error:
            given: dict[str, Any] = {"name": name, "next": following, "errors": by_field(error)}
            return page(request, "sign_in.html", status=error.status, **given, **shown)
        return going_on(request, begun, following)

    @routes.post("/sign-out")
    async def end(request: Request) -> Response:
        signed_in = await session_of(request)
        if signed_in is not None:
            await require_own_page(request, signed_in.csrf)
            await run_in_threadpool(sign_in.sessions.end, signed_in.token_hash, signed_in.person.name)
        return with_cookie(see_other("sign-in"), request, "")

    return routes


def _second_factor(sign_in: SignIn) -> APIRouter:
    routes = APIRouter()

    @routes.get("/sign-in/code")
    def form(request: Request, _person: AtCode, next: str = "") -> Response:  # noqa: A002  # likewise
        return page(request, "code.html", next=next, errors={})

    @routes.post("/sign-in/code")
    def check(request: Request, _person: AtCode, sent: Form) -> Response:
        following = text(sent, "next")
        try:
            begun = sign_in.by_code(_session(request), text(sent, "code"))
        except Refused as error:
            return page(request, "code.html", status=error.status, next=following, errors=by_field(error))
        return going_on(request, begun, following)

    return routes


def _first_password(sign_in: SignIn) -> APIRouter:
    routes = APIRouter()

    @routes.get("/sign-in/password")
    def form(request: Request, _person: AtPassword, next: str = "") -> Response:  # noqa: A002  # likewise
        return page(request, "first_password.html", next=next, errors={})

    @routes.post("/sign-in/password")
    def change(request: Request, person: AtPassword, sent: Form) -> Response:
        following, signed_in = text(sent, "next"), _session(request)
        try:
            set_new_password(sign_in.credentials, person, sent, signed_in.token_hash)
        except Refused as error:
            return page(request, "first_password.html", status=error.status, next=following, errors=by_field(error))
        return going_on(request, sign_in.go_on(signed_in), following)

    return routes


def _enrolment(sign_in: SignIn, county: str) -> APIRouter:
    routes = APIRouter()

    def shown(request: Request, person: Person, following: str, error: Refused | None = None) -> Response:
        values = second_factor_values(sign_in.credentials, person, county)
        errors, status = (by_field(error), error.status) if error else ({}, 200)
        return page(request, "enrolment.html", status=status, next=following, errors=errors, **values)

    @routes.get("/sign-in/enrolment")
    def form(request: Request, person: AtEnrolment, next: str = "") -> Response:  # noqa: A002  # likewise
        return shown(request, person, next)

    @routes.post("/sign-in/enrolment")
    def confirm(request: Request, person: AtEnrolment, sent: Form) -> Response:
        following = text(sent, "next")
        try:
            codes = sign_in.credentials.confirm_second_factor(person, text(sent, "code"))
        except Refused as error:
            return shown(request, person, following, error)
        begun = sign_in.go_on(_session(request))
        answer = page(request, "recovery_codes.html", codes=codes, following=f"/console/{_safe(following) or ''}")
        return with_cookie(answer, request, begun.cookie)

    return routes


def second_factor_values(credentials: Credentials, person: Person, county: str) -> dict[str, Any]:
    """Return what the page of setting up a second factor shows."""
    made = credentials.begin_second_factor(person)
    return {"secret": made, "qr": qr_of(address_of_secret(made, person.name, county))}


def set_new_password(credentials: Credentials, person: Person, sent: Any, keep: str) -> None:
    """Set the password of a form that has it twice. Raises `Invalid`."""
    password = secret(sent, "password")
    if password != secret(sent, "again"):
        raise Invalid(Violation("again", "differs", "两次输入的新密码不一样"))
    credentials.set_password(person, password, keep)


def going_on(request: Request, begun: Begun, following: str) -> Response:
    """Lead to the next step of signing in with the session's new cookie; `following`: where the person wanted to go."""
    return with_cookie(see_other(next_step(begun, following)), request, begun.cookie)


def next_step(begun: Begun, following: str) -> str:
    """Return the path below `/console/` of the next step of signing in, or of the page that was wanted."""
    there = STAGE_PATHS[begun.stage].removeprefix("/console/")
    wanted = _safe(following)
    if wanted is None:
        return there
    return wanted if begun.stage == Stage.COMPLETE else f"{there}?next={quote(following, safe='')}"


def with_cookie(answer: Response, request: Request, token: str) -> Response:
    """Set the session's cookie, or delete it with an empty token."""
    name = cookie_name(request)
    secure = name == SECURE_COOKIE
    path, age = ("/" if secure else "/console"), (None if token else 0)
    answer.set_cookie(name, token, max_age=age, path=path, secure=secure, httponly=True, samesite="strict")
    return answer


def _safe(following: str) -> str | None:
    """Return the path below `/console/` if `following` is a page of the desk: signing in leads to no other site."""
    return following.removeprefix("/console/") if SAFE_NEXT.fullmatch(following) else None


def _session(request: Request) -> SignedIn:
    signed_in: SignedIn = request.state.signed_in
    return signed_in

"""Which people may use which route: every route of the desk but those of signing in declares the dependency `may`.

A browser shows its session's cookie; a program sends an API token with `Authorization: Bearer`, to JSON routes alone.
A cookie counts for a write only with the session's CSRF token and from a page of this site.
"""

import hmac
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from contracts.base import Json
from contracts.content.gates import GATES
from services.console.accounts.sessions import SignedIn, Stage
from services.console.manifest import BODIES
from shared.errors import Forbidden, NotAllowed
from shared.tokens.access import actor_of, require
from shared.tokens.person import Actor, Person, StaffRole
from shared.tokens.rights import Right

TOKEN_PREFIX = "ty_"  # noqa: S105  # not a token
COOKIE = "console"
SECURE_COOKIE = "__Host-console"
CSRF_HEADER, CSRF_FIELD = "x-csrf-token", "csrf"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MOST_FIELDS = 20_000
"""A guide of 200 materials has 2,800 fields."""
LARGEST_FIELD = max(one.most for one in BODIES)
"""The body of a request is bounded by its path already: a previewed table comes back as one field."""

REVIEWERS = tuple(StaffRole.reviewer_of(gate) for gate in GATES)
"""The five roles that sign for a gate."""


class SignIns(Protocol):
    """What the dependency asks of the desk's accounts."""

    def by_cookie(self, token: str, address: str) -> SignedIn | None: ...

    def by_api_token(self, token: str, address: str) -> Person | None: ...


class SignInRequired(Exception):  # no error: the browser is led to the sign-in page
    """A page was asked for without a complete session. `location`: where to go on."""

    def __init__(self, location: str) -> None:
        self.location = location
        super().__init__(location)


@dataclass(frozen=True)
class Area:
    """An entry of the navigation: its path below `/console/`, its title, and whose it is; without roles everybody's."""

    path: str
    title: str
    roles: frozenset[StaffRole] = frozenset()

    def is_shown_to(self, person: Person) -> bool:
        """Whether the person may use it."""
        return not self.roles or bool(self.roles & person.roles)


class May:
    """Dependency of a route: returns the person who is signed in and has one of `roles`; without roles, any person.

    A page without session leads to the sign-in page; JSON raises `Forbidden`. Raises `NotAllowed` for a person without
    such a role, and for a write by cookie that is not from a page of this site.
    """

    def __init__(self, roles: frozenset[StaffRole], stage: Stage = Stage.COMPLETE) -> None:
        self.roles, self.stage = roles, stage

    async def __call__(self, request: Request) -> Person:
        """Return the person; `request.state.signed_in` is the session, None with an API token."""
        request.state.signed_in = None
        try:
            return await self._with_role(request)
        except NotAllowed:
            await request.close()  # a form with a file holds an open one
            raise

    def openapi_security(self) -> Json:
        """See `DeclaredAccess`."""
        return {"person": sorted(self.roles)}

    async def _with_role(self, request: Request) -> Person:
        person = await (self._by_token if "authorization" in request.headers else self._by_cookie)(request)
        if self.roles and not self.roles & person.roles:
            raise NotAllowed("this needs one of the roles " + ", ".join(sorted(self.roles)))
        return person

    async def _by_token(self, request: Request) -> Person:
        if not is_json(request) or self.stage != Stage.COMPLETE:
            raise Forbidden("pages take no token: sign in, or use the JSON API below /console/v1/")
        scheme, _, token = request.headers["authorization"].partition(" ")
        if scheme.lower() == "bearer":
            sign_ins: SignIns = request.app.state.sign_ins
            person = await run_in_threadpool(sign_ins.by_api_token, token.strip(), address_of(request))
            if person is not None:
                return person
        raise Forbidden("the API token is unknown, revoked or expired: make a new one on the page 我的账户")

    async def _by_cookie(self, request: Request) -> Person:
        signed_in = await session_of(request)
        if signed_in is None or signed_in.stage != self.stage:
            if is_json(request):
                raise Forbidden("needs Authorization: Bearer <API token>, or a session")
            raise SignInRequired(_way_on(request, signed_in))
        await require_own_page(request, signed_in.csrf)
        request.state.signed_in = signed_in
        return signed_in.person


class MayInPerson(May):
    """As `May`, but for a browser's session alone: a stolen token must not make itself another one."""

    async def _by_token(self, request: Request) -> Person:
        raise NotAllowed("this needs a session: an API token may not give out credentials")


class MayOrMachine:
    """As `May` for people; a token of a caller of services, such as the command line's, counts with `right` as well."""

    def __init__(self, right: Right, roles: frozenset[StaffRole]) -> None:
        self.right, self.roles = right, roles
        self._people = May(roles)

    async def __call__(self, request: Request) -> Actor:
        """Return who acts."""
        token = request.headers.get("authorization", "").partition(" ")[2].strip()
        if token and not token.startswith(TOKEN_PREFIX) and is_json(request):
            require(request, self.right)
            request.state.signed_in = None
            return await actor_of(request)
        person = await self._people(request)
        return Actor.of(person)

    def openapi_security(self) -> Json:
        """See `DeclaredAccess`."""
        return self._people.openapi_security()


@cache
def may(*roles: StaffRole) -> May:
    """Return the dependency for these roles; without roles, for everybody who is signed in."""
    return May(frozenset(roles))


@cache
def may_in_person(*roles: StaffRole) -> "MayInPerson":
    """Return the dependency for what no API token may do: giving out credentials."""
    return MayInPerson(frozenset(roles))


@cache
def may_or_machine(right: Right, *roles: StaffRole) -> "MayOrMachine":
    """Return the dependency for what people with these roles may do, and machines with this right: the command line."""
    return MayOrMachine(right, frozenset(roles))


@cache
def at_stage(stage: Stage) -> May:
    """Return the dependency of the pages of one step of signing in."""
    return May(frozenset(), stage)


async def session_of(request: Request) -> SignedIn | None:
    """Return the session of the browser's cookie."""
    token = request.cookies.get(cookie_name(request), "")
    if not token:
        return None
    sign_ins: SignIns = request.app.state.sign_ins
    return await run_in_threadpool(sign_ins.by_cookie, token, address_of(request))


async def require_own_page(request: Request, csrf: str) -> None:
    """Raise `NotAllowed` for a write that was not sent by a page of this site with the session's token."""
    if request.method in SAFE_METHODS:
        return
    if not is_same_origin(request):
        raise NotAllowed("a write must come from a page of this site")
    sent = request.headers.get(CSRF_HEADER) or await _sent_with_form(request)
    if not hmac.compare_digest(sent.encode(), csrf.encode()):
        raise NotAllowed(f"the form's token is missing or of another session: load the page again ({CSRF_HEADER})")


def is_same_origin(request: Request) -> bool:
    """Whether a browser sent the request from a page of this site; False when it does not say."""
    fetched, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if fetched is not None and fetched != "same-origin":
        return False
    if origin is not None:
        return urlsplit(origin).netloc == request.url.netloc
    return fetched == "same-origin"


def is_json(request: Request) -> bool:
    """Whether the route answers programs."""
    return own_path(request).startswith("/v1/")


def own_path(request: Request) -> str:
    """Return the path below the mount."""
    return request.url.path.removeprefix(str(request.scope.get("root_path", "")))


def address_of(request: Request) -> str:
    """Return where the request came from."""
    return request.client.host if request.client else ""


def cookie_name(request: Request) -> str:
    """Return the session cookie's name. With https the browser itself binds the name to this host (RFC 6265bis)."""
    return SECURE_COOKIE if request.url.scheme == "https" else COOKIE


async def form_of(request: Request) -> Any:
    """Return the form that was sent, as Starlette's `FormData`; the same object each time."""
    return await request.form(max_fields=MOST_FIELDS, max_part_size=LARGEST_FIELD)


async def _sent_with_form(request: Request) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return ""
    return str((await form_of(request)).get(CSRF_FIELD, ""))


STAGE_PATHS = {
    Stage.SECOND_FACTOR: "/console/sign-in/code",
    Stage.NEW_PASSWORD: "/console/sign-in/password",  # an address
    Stage.ENROLMENT: "/console/sign-in/enrolment",
    Stage.COMPLETE: "/console/",
}


def _way_on(request: Request, signed_in: SignedIn | None) -> str:
    """Return the address at which signing in goes on."""
    if signed_in is not None:
        return STAGE_PATHS[signed_in.stage]
    if request.method not in SAFE_METHODS:
        return "/console/sign-in"
    query = f"?{request.url.query}" if request.url.query else ""
    return f"/console/sign-in?next={quote(f'/console{own_path(request)}{query}', safe='')}"

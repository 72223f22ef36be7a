"""Access control of routes: one required right, or none with more shown to callers that have a token.

Embedded (`tongyuan up`), and at the sources, static tokens are accepted: the admin token has every right, the service
token the reading rights. In production callers send tokens of their own (`shared.tokens.checking`), which a process
checks when its app has `state.callers`.
"""

import hashlib
import hmac
from functools import cache
from typing import Annotated, Any, Protocol, runtime_checkable

from fastapi import Depends, Request
from pydantic import SecretStr

from contracts.base import Json
from shared.config import Settings
from shared.errors import Forbidden, NotAllowed
from shared.tokens.checking import Caller, Callers
from shared.tokens.person import BOOTSTRAP, Actor
from shared.tokens.rights import EVERY, READING, Right

EDITOR, SERVICE = "admin token", "service token"


@runtime_checkable
class DeclaredAccess(Protocol):
    """A dependency of a route that says what it requires."""

    def openapi_security(self) -> Json:
        """Return the requirement for the OpenAPI document: name of a security scheme → rights or roles."""
        ...


class Needs:
    """Dependency of a route: the caller must have `right`. Raises `Forbidden` and `NotAllowed`.

    Like the other dependencies of every request it is a coroutine: FastAPI runs a function in a thread, which costs
    more than what it does.
    """

    def __init__(self, right: Right) -> None:
        self.right = right

    async def __call__(self, request: Request) -> None:
        """Let the request pass, or raise."""
        require(request, self.right)

    def openapi_security(self) -> Json:
        """See `DeclaredAccess`."""
        return {"service" if self.right in READING else "admin": [str(self.right)]}


def require(request: Request, right: Right) -> None:
    """Raises `Forbidden` without a valid token, `NotAllowed` for a caller that lacks the right."""
    caller = caller_of(request)
    if caller is None:
        raise Forbidden(f"needs Authorization: Bearer <token with the right {right}>")
    _require(caller, right)


@cache
def needs(right: Right) -> Needs:
    """Return one dependency per right, so that tests can tell FastAPI to replace it."""
    return Needs(right)


def guard(right: Right) -> Any:
    """Return the guard for `dependencies=[…]` of a route or a router."""
    return Depends(needs(right))


def sees_bodies(request: Request) -> bool:
    """Return False without a token, True for a caller that may read what is withheld from the public.

    Raises `Forbidden` for a wrong token: a channel with a mistyped one must not take withheld bodies for missing.
    """
    caller = caller_of(request)
    if caller is None:
        return False
    _require(caller, Right.BODIES)
    return True


def caller_of(request: Request) -> Caller | None:
    """Return the caller; None without a token. Raises `Forbidden` for a token that is not one of this county's."""
    if "authorization" not in request.headers:
        return None
    scheme, _, rest = request.headers["authorization"].partition(" ")
    sent = rest.strip()
    if scheme.lower() == "bearer" and sent:
        known = _unchanging(request.app.state.settings, sent)
        if known is not None:
            return known
        callers: Callers | None = getattr(request.app.state, "callers", None)
        if callers is not None:
            return callers.caller(sent)
    raise Forbidden("the token in Authorization is not one of this county's")


async def actor_of(request: Request) -> Actor:
    """Dependency of a guarded route: who acts. The admin token is the machine `bootstrap`.

    Raises `Forbidden` without a valid token.
    """
    caller = caller_of(request)
    if caller is None:
        raise Forbidden("needs Authorization: Bearer <token>")
    address = caller.person.address if caller.person else request.client.host if request.client else ""
    name = caller.person.name if caller.person else BOOTSTRAP if caller.name == EDITOR else caller.name
    return Actor(name, caller.person, address)


By = Annotated[Actor, Depends(actor_of)]


def token_hash(token: str) -> str:
    """Return the hash by which a process recognises the admin token. 192 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def _unchanging(settings: Settings, sent: str) -> Caller | None:
    if _same(sent, settings.admin_token) or (
        settings.admin_token_hash and hmac.compare_digest(token_hash(sent), settings.admin_token_hash)
    ):
        return Caller(EDITOR, EVERY)
    if _same(sent, settings.service_token):
        return Caller(SERVICE, READING)
    return None


def _same(sent: str, token: SecretStr | None) -> bool:
    known = token.get_secret_value() if token else ""
    return bool(known) and hmac.compare_digest(sent.encode(), known.encode())


def _require(caller: Caller, right: Right) -> None:
    if right in caller.rights:
        return
    if caller.name == SERVICE:
        raise Forbidden("needs Authorization: Bearer <admin token>")
    raise NotAllowed(f"{caller.name} may not do this: it lacks the right {right}")

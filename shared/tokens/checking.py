"""The callee's side: who signed a token, whether it is valid, and what its caller may do here.

RFC 8725 (JWT best practices): one pinned algorithm; issuer, audience and both times are required; the audience must be
this service. The callee holds public keys only, so a leak of its keys opens nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared.errors import Forbidden
from shared.tokens.minting import ALGORITHM, LIFETIME_SECONDS
from shared.tokens.person import CLAIM, Person
from shared.tokens.rights import Right

LEEWAY_SECONDS = 60
"""Most seconds by which the clocks of two machines may differ."""
LONGEST_TOKEN = 2048
CLOCKS = "compare the clocks of both machines"


@dataclass(frozen=True)
class Permission:
    """What one caller may do at this service, and the longest lifetime of its tokens."""

    rights: frozenset[Right]
    seconds: int = LIFETIME_SECONDS
    for_people: bool = False
    """Whether its tokens may name the person for whom it acts."""


@dataclass(frozen=True)
class Caller:
    """The sender of a request, and the person for whom it acts."""

    name: str
    rights: frozenset[Right]
    person: Person | None = None


@dataclass(frozen=True)
class Callers:
    """The callers of `service`: keys come from the settings, permissions from the manifests."""

    service: str
    keys: Mapping[str, Sequence[Ed25519PublicKey]]
    permissions: Mapping[str, Permission]

    def caller(self, token: str) -> Caller:
        """Return who made the token. Raises `Forbidden` with the token's fault and the remedy."""
        name = _named(token)
        permission = self.permissions.get(name)
        if permission is None:
            raise Forbidden(f"{self.service} knows no caller of this name: the manifests list its callers")
        if not self.keys.get(name):
            raise Forbidden(f"{self.service} has no key of {name}: add it to TONGYUAN_CALLERS of {self.service}")
        claims = self._claims(token, name)
        if claims["exp"] - claims["iat"] > permission.seconds:
            raise Forbidden(f"the token's lifetime is too long: {name} may use at most {permission.seconds} s")
        return Caller(name, permission.rights, _person(claims, name, permission))

    def _claims(self, token: str, name: str) -> dict[str, Any]:
        keys = self.keys[name]
        for key in keys[:-1]:
            try:
                return self._opened(token, name, key)
            except _WrongKey:
                continue
        try:
            return self._opened(token, name, keys[-1])
        except _WrongKey:
            reason = f"the token is not signed by a key of {name} that {self.service} knows"
            raise Forbidden(f"{reason}: restart both after replacing a key") from None

    def _opened(self, token: str, name: str, key: Ed25519PublicKey) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self.service,
                issuer=name,
                leeway=LEEWAY_SECONDS,
                options={"require": ["iss", "aud", "iat", "exp"], "strict_aud": True},
            )
        except jwt.ExpiredSignatureError:
            raise Forbidden(f"the token has expired: make a new one, or {CLOCKS}") from None
        except jwt.ImmatureSignatureError:
            raise Forbidden(f"the token was issued in the future: {CLOCKS}") from None
        except jwt.InvalidAudienceError:
            raise Forbidden(f"the token is not for {self.service}: make one for it") from None
        except jwt.InvalidSignatureError:
            raise _WrongKey from None
        except jwt.PyJWTError as error:
            raise Forbidden(f"the token is invalid ({type(error).__name__}): make a new one") from None
        return claims


def _person(claims: Mapping[str, Any], name: str, permission: Permission) -> Person | None:
    if CLAIM not in claims:
        return None
    if not permission.for_people:
        raise Forbidden(f"{name} may not act for people: the manifests say who may")
    return Person.of_claim(claims[CLAIM])


class _WrongKey(Exception):
    """The signature does not match; another key of the same caller may."""


def _named(token: str) -> str:
    """Return the caller that the token names, unverified. Raises `Forbidden` for what is not a token."""
    unknown = "the token in Authorization is not one of this county's"
    if len(token) > LONGEST_TOKEN:
        raise Forbidden(unknown)
    try:
        name = jwt.get_unverified_header(token).get("kid")
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise Forbidden(unknown) from None
    if not isinstance(name, str):
        raise Forbidden(unknown)
    return name

"""ID tokens: signature and claims, as OpenID Connect Core 3.1.3.7 requires. Nothing of a token is logged."""

import hmac
import time
from dataclasses import dataclass
from typing import Any

import jwt

from services.console.federation.metadata import ALGORITHMS, Metadata
from services.console.federation.provider import Provider
from services.console.federation.refusal import Reason, SignInRefused

SKEW_SECONDS = 60
"""By so much the provider's clock may differ."""

OLDEST_SECONDS = 600
"""A token is issued for this sign-in, which takes ten minutes at most."""

LONGEST = 32 * 1024
LONGEST_SUB = 255
"""OpenID Connect Core 2: ASCII characters of a `sub`."""

REQUIRED = ["iss", "aud", "sub", "exp", "iat", "nonce"]
ALLOWED = frozenset(name for names in ALGORITHMS.values() for name in names)
REASONS: tuple[tuple[type[jwt.PyJWTError], Reason], ...] = (
    (jwt.ExpiredSignatureError, Reason.EXPIRED),
    (jwt.InvalidAudienceError, Reason.AUDIENCE),
    (jwt.InvalidIssuerError, Reason.ISSUER),
    (jwt.ImmatureSignatureError, Reason.TIME),
    (jwt.InvalidIssuedAtError, Reason.TIME),
    (jwt.InvalidAlgorithmError, Reason.ALGORITHM),
    (jwt.InvalidSignatureError, Reason.SIGNATURE),
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the provider names: an account's name, and the person (`sub`, for ever the same one at this issuer).

    `two_factors`: it has checked a second factor that counts here.
    """

    name: str
    sub: str
    two_factors: bool


def identity(token: object, provider: Provider, metadata: Metadata, nonce: str) -> Identity:
    """Return whom the token names. Raises `SignInRefused` for one that is not for this sign-in at this desk."""
    if not isinstance(token, str) or len(token) > LONGEST:
        raise SignInRefused(Reason.MALFORMED)
    claims = _verified(token, provider, metadata)
    _require_for_desk(claims, provider)
    if not isinstance(claims["nonce"], str) or not hmac.compare_digest(claims["nonce"].encode(), nonce.encode()):
        raise SignInRefused(Reason.NONCE)
    name = claims.get(provider.claim)
    if not isinstance(name, str) or not name:
        raise SignInRefused(Reason.NO_NAME)
    sub = claims["sub"]
    if not isinstance(sub, str) or not 0 < len(sub) <= LONGEST_SUB:
        raise SignInRefused(Reason.MALFORMED)
    return Identity(name, sub, _has_two_factors(claims, provider))


def _verified(token: str, provider: Provider, metadata: Metadata) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALLOWED:
            raise SignInRefused(Reason.ALGORITHM)
        known = metadata.key(header.get("kid"))
        claims: dict[str, Any] = jwt.decode(
            token,
            known.key,
            algorithms=known.algorithms,
            audience=provider.client_id,
            issuer=provider.issuer,
            leeway=SKEW_SECONDS,
            options={"require": REQUIRED},
        )
    except jwt.PyJWTError as error:
        found = (reason for kind, reason in REASONS if isinstance(error, kind))
        raise SignInRefused(next(found, Reason.MALFORMED)) from None
    return claims


def _require_for_desk(claims: dict[str, Any], provider: Provider) -> None:
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != provider.client_id:
        raise SignInRefused(Reason.AUDIENCE)
    if int(claims["iat"]) < time.time() - OLDEST_SECONDS - SKEW_SECONDS:
        raise SignInRefused(Reason.TIME)


def _has_two_factors(claims: dict[str, Any], provider: Provider) -> bool:
    methods = claims.get("amr")
    by_method = isinstance(methods, list) and not provider.trusted_amr.isdisjoint(map(str, methods))
    return by_method or claims.get("acr") in provider.trusted_acr

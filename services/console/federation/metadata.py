"""What the OpenID provider publishes: its endpoints (OpenID Connect Discovery 1.0) and its keys (RFC 7517)."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWKError, PyJWTError
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from services.console.federation.exchange import Exchange
from services.console.federation.provider import Provider
from services.console.federation.refusal import Reason, SignInRefused

FRESH_SECONDS = 3600.0
"""So long endpoints and keys count; a key that the provider has withdrawn stops counting then."""

PAUSE_SECONDS = 60.0
"""Between two fetches of keys because of an unknown one: whoever invents numbers of keys causes no more."""

SMALLEST_RSA = 2048
MOST_KEYS = 50
ALGORITHMS = {"RSA": ("RS256", "PS256"), "EC": ("ES256",)}
"""Type of a key → what it may sign with. Nothing that uses a shared secret, and not `none`."""

PUBLIC = ("kty", "n", "e", "crv", "x", "y")
BASIC, POST = "client_secret_basic", "client_secret_post"


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key, and the algorithms that count with it."""

    key: RSAPublicKey | EllipticCurvePublicKey
    algorithms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where people are sent to, and where codes are exchanged. `basic`: how the desk shows its secret there."""

    authorization: str
    token: str
    keys: str
    basic: bool


class Metadata:
    """Endpoints and keys of one provider, fetched when they are first needed. `now`: seconds of a clock."""

    def __init__(self, provider: Provider, exchange: Exchange, now: Callable[[], float] = time.monotonic) -> None:
        self._provider, self._exchange, self._now = provider, exchange, now
        self._lock = Lock()
        self._endpoints: tuple[float, Endpoints] | None = None
        self._keys: Mapping[str, VerificationKey] = {}
        self._asked: float | None = None
        self._received: float | None = None

    def endpoints(self) -> Endpoints:
        """Return the endpoints. Raises `SignInRefused` when the provider does not tell them."""
        known = self._endpoints
        if known is None or self._now() - known[0] >= FRESH_SECONDS:
            known = self._endpoints = (self._now(), self._fetched_endpoints())
        return known[1]

    def key(self, kid: str | None) -> VerificationKey:
        """Return the key of this number; None: the only one. Raises `SignInRefused` for an unknown one."""
        with self._lock:
            stale = self._received is None or self._now() - self._received >= FRESH_SECONDS
            if stale:
                self._keys = {}
            found = self._find(kid)
            if found is None and (self._asked is None or self._now() - self._asked >= PAUSE_SECONDS):
                self._fetch_keys()
                found = self._find(kid)
            if found is None:
                raise SignInRefused(Reason.UNKNOWN_KEY if self._keys else Reason.UNREACHABLE)
            return found

    def _find(self, kid: str | None) -> VerificationKey | None:
        if kid is not None:
            return self._keys.get(kid)
        return next(iter(self._keys.values())) if len(self._keys) == 1 else None

    def _fetch_keys(self) -> None:
        url = self.endpoints().keys
        self._asked = self._now()
        listed = self._exchange.get(url).get("keys")
        self._keys = _usable(listed if isinstance(listed, list) else [])
        self._received = self._now()

    def _fetched_endpoints(self) -> Endpoints:
        told = self._exchange.get(self._provider.issuer.rstrip("/") + "/.well-known/openid-configuration")
        methods = told.get("token_endpoint_auth_methods_supported", [BASIC])
        if told.get("issuer") != self._provider.issuer:
            raise SignInRefused(Reason.ISSUER)
        if not isinstance(methods, list) or not {BASIC, POST} & set(map(str, methods)):
            raise SignInRefused(Reason.UNREACHABLE)
        return Endpoints(
            authorization=self._place(told.get("authorization_endpoint")),
            token=self._place(told.get("token_endpoint")),
            keys=self._place(told.get("jwks_uri")),
            basic=BASIC in methods,
        )

    def _place(self, told: object) -> str:
        if not isinstance(told, str) or not self._provider.allows(told):
            raise SignInRefused(Reason.UNREACHABLE)
        return told


def _usable(listed: list[Any]) -> dict[str, VerificationKey]:
    found = {}
    for number, one in enumerate(listed[:MOST_KEYS]):
        key = _key_of(one) if isinstance(one, dict) and one.get("use", "sig") == "sig" else None
        if key is not None:
            found[str(one.get("kid", f"number {number}"))] = key
    return found


def _key_of(listed: dict[str, Any]) -> VerificationKey | None:
    """Return a key of the set; None for one that cannot be used, such as a shared secret."""
    kind = listed.get("kty")
    public: dict[str, Any] = {name: listed[name] for name in PUBLIC if name in listed}
    try:
        key = RSAAlgorithm.from_jwk(public) if kind == "RSA" else ECAlgorithm.from_jwk(public)
    except (PyJWTError, PyJWKError, ValueError, TypeError, AttributeError):
        return None
    algorithms = tuple(one for one in ALGORITHMS[str(kind)] if listed.get("alg", one) == one)
    if isinstance(key, RSAPublicKey):
        strong = key.key_size >= SMALLEST_RSA
    else:
        strong = isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    return VerificationKey(key, algorithms) if strong and algorithms else None  # type: ignore[arg-type]  # public parts only

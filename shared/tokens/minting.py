"""The caller's side: it signs its own tokens and renews them before they expire."""

import time
from collections.abc import Callable, Generator, Mapping
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.tokens.person import CLAIM, Person

ALGORITHM = "EdDSA"
LIFETIME_SECONDS = 300
"""Longest lifetime of a process's token: RFC 8725 asks for short ones, and renewing is automatic."""

Clock = Callable[[], float]


class Minter:
    """Tokens of one caller for one callee. Threads may share it: at worst two of them mint at once."""

    def __init__(
        self,
        caller: str,
        key: Ed25519PrivateKey,
        callee: str,
        lifetime: int = LIFETIME_SECONDS,
        clock: Clock = time.time,
    ) -> None:
        """`lifetime` in whole seconds."""
        self.caller, self.callee = caller, callee
        self._key, self._lifetime, self._clock = key, lifetime, clock
        self._made: tuple[float, str] = (0.0, "")

    def token(self) -> str:
        """Return a token valid for at least half of its lifetime from now."""
        renew_at, made = self._made
        now = self._clock()
        # After the clock was set back, the old token would be from the future and be rejected.
        if now < renew_at - self._lifetime or now >= renew_at:
            made = self._mint(int(now))
            self._made = now + self._lifetime / 2, made
        return made

    def token_for(self, person: Person) -> str:
        """Return a token that names the person for whom the caller acts. It is made anew each time."""
        return self._mint(int(self._clock()), {CLAIM: person.claim()})

    def _mint(self, now: int, more: Mapping[str, Any] | None = None) -> str:
        claims = {"iss": self.caller, "aud": self.callee, "iat": now, "exp": now + self._lifetime, **(more or {})}
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": self.caller})


Token = str | Minter
"""A static token, or a minter."""


class Bearer(httpx.Auth):
    """Sends a token with every request of a client."""

    def __init__(self, token: Token) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        word = self._token if isinstance(self._token, str) else self._token.token()
        request.headers["Authorization"] = f"Bearer {word}"
        yield request

"""Sign-ins that were begun: what must come back with the answer lies in a cookie of the browser, sealed.

The key is made at each start and stored nowhere: whoever was on the way then begins again.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from threading import Lock

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.console.federation.refusal import Reason, SignInRefused

GOOD_SECONDS = 600
NONCE_BYTES = 12
PURPOSE = b"a sign-in that was begun"
LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in on its way. `verifier`: see RFC 7636; `following`: where the person wants to go; `begun`: Unix time."""

    state: str
    nonce: str
    verifier: str
    following: str
    begun: float

    @property
    def challenge(self) -> str:
        """What the provider is told of the verifier: its SHA-256 (S256)."""
        return _text(hashlib.sha256(self.verifier.encode()).digest())


class PendingSignIns:
    """Seals and opens them; each counts once. `now`: Unix time."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._aead = AESGCM(AESGCM.generate_key(256))
        self._lock = Lock()
        self._used: dict[str, float] = {}

    def begin(self, following: str) -> Pending:
        """Return a new one, of random values."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return Pending(state, nonce, verifier, following, self._now())

    def sealed(self, pending: Pending) -> str:
        """Return the cookie's value."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return _text(nonce + self._aead.encrypt(nonce, orjson.dumps(asdict(pending)), PURPOSE))

    def take(self, cookie: str, state: str) -> Pending:
        """Return the one of this browser and this state, once. Raises `SignInRefused`."""
        pending, now = self._opened(cookie), self._now()
        if pending is None or not hmac.compare_digest(pending.state.encode(), state.encode()):
            raise SignInRefused(Reason.NOT_BEGUN_HERE)
        with self._lock:
            self._used = {one: begun for one, begun in self._used.items() if now - begun < GOOD_SECONDS}
            if pending.state in self._used or not 0 <= now - pending.begun < GOOD_SECONDS:
                raise SignInRefused(Reason.NOT_BEGUN_HERE)
            self._used[pending.state] = pending.begun
        return pending

    def _opened(self, cookie: str) -> Pending | None:
        if len(cookie) > LONGEST:
            return None
        try:
            sealed = base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4))
            return Pending(**orjson.loads(self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], PURPOSE)))
        except (InvalidTag, ValueError, binascii.Error):
            return None


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()

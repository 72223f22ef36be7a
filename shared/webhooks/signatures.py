"""Signatures of Standard Webhooks: `v1` (HMAC-SHA256) and `v1a` (Ed25519) over `<id>.<timestamp>.<body>`. Pure.

`verified` is how a receiver checks `v1a`, which no official library does yet; `contracts/webhooks/v1a-vectors.json` has
24 cases made with it, and docs/integrating/subscriptions.md says the rules.
"""

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PUBLIC_PREFIX = "whpk_"
TOLERANCE_SECONDS = 300
SIGNATURE_BYTES, PUBLIC_BYTES = 64, 32


@dataclass(frozen=True)
class SigningKeys:
    """The secrets of one generation: `secret` of HMAC, and an Ed25519 key."""

    secret: bytes
    private: Ed25519PrivateKey

    @property
    def public(self) -> str:
        """The public key as receivers get it."""
        return PUBLIC_PREFIX + b64encode(self.private.public_key().public_bytes_raw()).decode()


def signed_content(message_id: str, timestamp: int, body: bytes) -> bytes:
    """Return what is signed. `timestamp`: seconds since 1970."""
    return f"{message_id}.{timestamp}.".encode() + body


def signature_header(message_id: str, timestamp: int, body: bytes, generations: Sequence[SigningKeys]) -> str:
    """Return the header `webhook-signature`: both signatures of each generation, newest first."""
    content = signed_content(message_id, timestamp, body)
    parts = []
    for keys in generations:
        parts.append(hmac_signature(keys.secret, message_id, timestamp, body))
        parts.append(f"v1a,{b64encode(keys.private.sign(content)).decode()}")
    return " ".join(parts)


def hmac_signature(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Return one signature of the form `v1`."""
    mac = hmac.digest(secret, signed_content(message_id, timestamp, body), "sha256")
    return f"v1,{b64encode(mac).decode()}"


def verified(headers: Mapping[str, str], body: bytes, public_keys: Sequence[str], now: float) -> bool:
    """Whether a call carries a `v1a` signature by one of the keys, and a timestamp within five minutes of `now`.

    Header names are in lower case. What is malformed is not verified; nothing is raised.
    """
    message_id, stated = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or "." in message_id or not (stated.isascii() and stated.isdigit() and len(stated) <= 12):
        return False
    if abs(now - int(stated)) > TOLERANCE_SECONDS:
        return False
    content = signed_content(message_id, int(stated), body)
    signatures = [
        found
        for part in headers.get("webhook-signature", "").split(" ")
        if part.startswith("v1a,") and (found := _decoded(part[len("v1a,") :], SIGNATURE_BYTES)) is not None
    ]
    keys = [_public(key) for key in public_keys]
    return any(_is_signature(key, one, content) for key in keys if key for one in signatures)


def _public(text: str) -> Ed25519PublicKey | None:
    if not text.startswith(PUBLIC_PREFIX):
        return None
    raw = _decoded(text.removeprefix(PUBLIC_PREFIX), PUBLIC_BYTES)
    return None if raw is None else Ed25519PublicKey.from_public_bytes(raw)


def _decoded(text: str, length: int) -> bytes | None:
    try:
        raw = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    # Base64 with unused bits set would be a second spelling of the same signature.
    return raw if len(raw) == length and b64encode(raw).decode() == text else None


def _is_signature(key: Ed25519PublicKey, signature: bytes, content: bytes) -> bool:
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True

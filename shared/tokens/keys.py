"""Callers' keys in settings: Ed25519 in hexadecimal, which needs no escaping anywhere.

TONGYUAN_CALLER_KEY   the private key of this process: 32 bytes, 64 digits
TONGYUAN_CALLERS      the public keys of those who may call it: web+<64 digits>,web-worker+<64 digits>
"""

from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.errors import SettingsError

KEY_DIGITS = 64
NAME_PATTERN = "[a-z][a-z0-9-]{0,39}"
PUBLIC_PATTERN = rf"{NAME_PATTERN}\+[0-9a-f]{{64}}"
CALLERS_PATTERN = rf"^$|^{PUBLIC_PATTERN}(,{PUBLIC_PATTERN})*$"


def private_key(digits: str, variable: str) -> Ed25519PrivateKey:
    """Return the key in a setting. Raises `SettingsError`, which names the variable and never the value."""
    try:
        raw = bytes.fromhex(digits.strip())
    except ValueError:
        raw = b""
    if len(raw) * 2 != KEY_DIGITS:
        raise SettingsError(f"{variable}: must be {KEY_DIGITS} hexadecimal digits; deploy/secrets.sh makes one")
    return Ed25519PrivateKey.from_private_bytes(raw)


def public_keys(text: str) -> Mapping[str, Sequence[Ed25519PublicKey]]:
    """Map each caller to its keys, from a text that matches `CALLERS_PATTERN`; several while a key is replaced."""
    found: dict[str, list[Ed25519PublicKey]] = {}
    for one in text.split(","):
        name, _, digits = one.partition("+")
        if name:
            found.setdefault(name, []).append(Ed25519PublicKey.from_public_bytes(bytes.fromhex(digits)))
    return found

"""Keys and signed notes of the invented counties. Each key follows from its name, so every run signs the same bytes."""

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.base import Json
from contracts.envelope.statement import KEY_TYPE, STATEMENT_TYPE

ORIGIN = "tongyuan/339921000000"
OTHER_ORIGIN = "tongyuan/339922000000"
FIRST_LINE = "c2sp.org/tlog-proof@v1"


def canonical(value: Any) -> bytes:
    """Return the RFC 8785 bytes of a JSON value without fractions and with ASCII object keys."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def private_key(name: str) -> Ed25519PrivateKey:
    """Return the private key that belongs to a name such as `k1`."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"conformance {name}".encode()).digest())


def public_key(name: str) -> bytes:
    """Return its public key."""
    return private_key(name).public_key().public_bytes_raw()


def key_id(name: str, origin: str = ORIGIN) -> bytes:
    """Return the four bytes by which a note names the key."""
    return hashlib.sha256(origin.encode() + b"\n\x01" + public_key(name)).digest()[:4]


def vkey(name: str, origin: str = ORIGIN) -> str:
    """Return its verifier key."""
    encoded = base64.b64encode(b"\x01" + public_key(name)).decode()
    return f"{origin}+{key_id(name, origin).hex()}+{encoded}"


def note(text: str, signers: Sequence[str], origin: str = ORIGIN) -> str:
    """Return a signed note. `text` ends in a newline."""
    return f"{text}\n" + "".join(_line(text, name, origin) for name in signers)


def checkpoint(size: int, root: bytes, signers: Sequence[str], origin: str = ORIGIN) -> str:
    """Return a signed checkpoint."""
    return note(f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n", signers, origin)


def proof(index: int, path: Sequence[bytes], signed: str) -> str:
    """Return a tlog-proof."""
    steps = "".join(f"{base64.b64encode(step).decode()}\n" for step in path)
    return f"{FIRST_LINE}\nindex {index}\n{steps}\n{signed}"


def statement(facts: Json, signers: Sequence[str], origin: str = ORIGIN) -> str:
    """Return a signed head statement; its roots of state and snapshot are examples."""
    text = {"type": STATEMENT_TYPE, "origin": origin, "state_root": "0" * 64, "snapshot_root": "0" * 64, **facts}
    return note(canonical(text).decode() + "\n", signers, origin)


def endorsement(name: str, by: str, since: str, origin: str = ORIGIN) -> str:
    """Return the note in which the key `by` says that the key `name` belongs to the log."""
    facts = {
        "type": KEY_TYPE,
        "origin": origin,
        "key_id": key_id(name, origin).hex(),
        "public_key": public_key(name).hex(),
        "signs_from": since,
    }
    return note(canonical(facts).decode() + "\n", [by], origin)


def _line(text: str, name: str, origin: str) -> str:
    signature = private_key(name).sign(text.encode())
    return f"— {origin} {base64.b64encode(key_id(name, origin) + signature).decode()}\n"

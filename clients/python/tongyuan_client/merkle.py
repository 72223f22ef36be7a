"""Canonical bytes (RFC 8785) and the Merkle tree of RFC 6962."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tongyuan_client.errors import Refused

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
MAX_INT = 2**53 - 1


def canonical(value: Any) -> bytes:
    """Return the RFC 8785 bytes of a JSON value as contracts allow it: no fractions, ASCII object keys.

    Raises `Refused` for anything else.
    """
    _check(value)
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise Refused("malformed", str(error)) from error


def digest(value: Any) -> str:
    """Return the hex SHA-256 of the canonical bytes."""
    return hashlib.sha256(canonical(value)).hexdigest()


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 ‖ data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Roots:
    """The roots of three trees that an inclusion proof determines: before the leaf, up to it, and the whole."""

    before: bytes
    upto: bytes
    whole: bytes


def roots_along(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> Roots | None:
    """RFC 9162 section 2.1.3.2, for three trees at once. None: the path does not fit index and size."""
    if not 0 <= index < size:
        return None
    position, last = index, size - 1
    before, upto, whole = b"", leaf, leaf
    for sibling in path:
        if last == 0:
            return None
        if position & 1 or position == last:
            whole, upto = node_hash(sibling, whole), node_hash(sibling, upto)
            before = node_hash(sibling, before) if before else sibling
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            whole = node_hash(whole, sibling)
        position, last = position >> 1, last >> 1
    return Roots(before or EMPTY_ROOT, upto, whole) if last == 0 else None


def _check(value: Any) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise Refused("malformed", f"object key {key!r} is not ASCII")
            _check(inner)
    elif isinstance(value, list):
        for inner in value:
            _check(inner)
    elif isinstance(value, float) or (isinstance(value, int) and abs(value) > MAX_INT):
        raise Refused("malformed", f"{value!r} is not an integer within ±(2^53 − 1)")

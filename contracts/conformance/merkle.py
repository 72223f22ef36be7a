"""The Merkle tree of RFC 6962 over a short list of leaves, by its definition."""

import hashlib
from collections.abc import Sequence


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 ‖ data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of leaf hashes."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    half = _split(len(leaves))
    return hashlib.sha256(b"\x01" + tree_root(leaves[:half]) + tree_root(leaves[half:])).digest()


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """PATH of the leaf at `index`, leaf upwards."""
    if len(leaves) < 2:
        return []
    half = _split(len(leaves))
    if index < half:
        return [*inclusion_path(leaves[:half], index), tree_root(leaves[half:])]
    return [*inclusion_path(leaves[half:], index - half), tree_root(leaves[:half])]


def _split(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)

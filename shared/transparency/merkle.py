"""The Merkle tree of RFC 6962 section 2.1 over a store of 256-wide tiles (C2SP tlog-tiles).

A tile of level L and index N holds up to 256 hashes: the roots of the complete subtrees of 256^L leaves that begin at
leaf N·256^(L+1). Only complete subtrees are stored, so a tile only grows at its right end, and the proof for any size
can be read from O(log n) tiles.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

HASH_SIZE = 32
TILE_WIDTH = 256
TILE_HEIGHT = 8
EMPTY_ROOT = hashlib.sha256(b"").digest()


class Tiles(Protocol):
    """A store of tiles."""

    def tile(self, level: int, index: int) -> bytes:
        """Return the tile's hashes, joined; shorter than 256 hashes at the right edge, empty when absent."""


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 ‖ data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_root(tiles: Tiles, size: int) -> bytes:
    """MTH(D[0:size])."""
    return EMPTY_ROOT if size == 0 else _range_root(tiles, 0, size)


def subtree_root(tile: bytes) -> bytes:
    """Root of a tile's hashes; their number must be a power of two."""
    return _tile_root(tile, 0, len(tile) // HASH_SIZE)


def inclusion_proof(tiles: Tiles, index: int, size: int) -> list[bytes]:
    """PATH(index, D[0:size]), leaf upwards. Raises `ValueError` unless 0 ≤ index < size."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path = []
    low, high = 0, size
    while high - low > 1:
        split = low + _largest_power_below(high - low)
        if index < split:
            path.append(_range_root(tiles, split, high))
            high = split
        else:
            path.append(_range_root(tiles, low, split))
            low = split
    return path[::-1]


def inclusion_proofs(tiles: Tiles, first: int, last: int, size: int) -> tuple[bytes, list[list[bytes]]]:
    """MTH(D[0:size]), and PATH of each leaf in [first, last). Many paths cost little more than one.

    Raises `ValueError` unless 0 ≤ first < last ≤ size.
    """
    if not 0 <= first < last <= size:
        raise ValueError(f"leaves {first} to {last - 1} are not in a tree of {size}")
    return _paths(tiles, 0, size, first, last)


def consistency_proof(tiles: Tiles, first: int, second: int) -> list[bytes]:
    """PROOF(first, D[0:second]). Raises `ValueError` unless 0 ≤ first ≤ second."""
    if not 0 <= first <= second:
        raise ValueError(f"no proof from size {first} to {second}")
    if first in (0, second):
        return []
    path = []
    low, high, whole = 0, second, True
    while first != high:
        split = low + _largest_power_below(high - low)
        if first <= split:
            path.append(_range_root(tiles, split, high))
            high = split
        else:
            path.append(_range_root(tiles, low, split))
            low, whole = split, False
    if not whole:
        path.append(_range_root(tiles, low, high))
    return path[::-1]


@dataclass(frozen=True, slots=True)
class Roots:
    """The roots of three trees that an inclusion proof determines: before the leaf, up to it, and the whole."""

    before: bytes
    upto: bytes
    whole: bytes


def roots_along(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> Roots | None:
    """RFC 9162 section 2.1.3.2, for three trees at once. None: the path does not fit index and size.

    A left sibling is the root of a complete subtree of the leaves before this one, and the left siblings together cover
    exactly those. So a reader that knows the root of the first `index` leaves can compare it with `before`.
    """
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


def verify_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162 section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    position, last, result = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            result = node_hash(sibling, result)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and result == root


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]) -> bool:
    """RFC 9162 section 2.1.4.2, with the empty tree consistent with every tree."""
    if first == second:
        return first_root == second_root and not path
    if first == 0:
        return not path and first_root == EMPTY_ROOT
    if first > second:
        return False
    proof = [first_root, *path] if first & (first - 1) == 0 else list(path)
    if not proof:
        return False
    position, last = first - 1, second - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = proof[0]
    for sibling in proof[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


class GrowingTiles:
    """`Tiles` in memory over a store: append leaves, then write `changed` back. Each tile is read from `base` once."""

    def __init__(self, base: Tiles, size: int) -> None:
        self.size = size
        self.changed: dict[tuple[int, int], bytes] = {}
        self._base = base
        self._read: dict[tuple[int, int], bytes] = {}

    def tile(self, level: int, index: int) -> bytes:
        at = (level, index)
        if at in self.changed:
            return self.changed[at]
        if at not in self._read:
            self._read[at] = self._base.tile(level, index)
        return self._read[at]

    def append(self, leaf: bytes) -> None:
        """Append one leaf hash, and the roots of the subtrees of 256^L leaves that it completes."""
        self._put(0, self.size, leaf)
        self.size += 1
        level, count = 1, self.size
        while count % TILE_WIDTH == 0:
            count //= TILE_WIDTH
            self._put(level, count - 1, _tile_root(self.tile(level - 1, count - 1), 0, TILE_WIDTH))
            level += 1

    def root(self) -> bytes:
        """Return the root of all appended leaves."""
        return tree_root(self, self.size)

    def _put(self, level: int, number: int, value: bytes) -> None:
        index, offset = divmod(number, TILE_WIDTH)
        self.changed[level, index] = self.tile(level, index)[: offset * HASH_SIZE] + value


class NoTiles:
    """The store of an empty tree."""

    def tile(self, level: int, index: int) -> bytes:
        return b""


def _paths(tiles: Tiles, low: int, high: int, first: int, last: int) -> tuple[bytes, list[list[bytes]]]:
    """Root over leaves [low, high), and the paths within it of the leaves in [first, last)."""
    if high <= first or last <= low:
        return _range_root(tiles, low, high), []
    if high - low == 1:
        return _subtree(tiles, 0, low), [[]]
    split = low + _largest_power_below(high - low)
    left, paths = _paths(tiles, low, split, first, last)
    right, more = _paths(tiles, split, high, first, last)
    for path in paths:
        path.append(right)
    for path in more:
        path.append(left)
    return node_hash(left, right), paths + more


def _range_root(tiles: Tiles, low: int, high: int) -> bytes:
    """Root over leaves [low, high), where low is a multiple of the largest power of two that fits."""
    width = high - low
    if width & (width - 1) == 0:
        return _subtree(tiles, width.bit_length() - 1, low)
    split = low + _largest_power_below(width)
    return node_hash(_range_root(tiles, low, split), _range_root(tiles, split, high))


def _subtree(tiles: Tiles, height: int, low: int) -> bytes:
    """Root of the complete subtree of 2^height leaves that begins at `low`."""
    level = height // TILE_HEIGHT
    first = low >> (level * TILE_HEIGHT)
    count = 1 << (height % TILE_HEIGHT)
    index, offset = divmod(first, TILE_WIDTH)
    return _tile_root(tiles.tile(level, index), offset, count)


def _tile_root(tile: bytes, offset: int, count: int) -> bytes:
    hashes = [tile[i * HASH_SIZE : (i + 1) * HASH_SIZE] for i in range(offset, offset + count)]
    while len(hashes) > 1:
        hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


def _largest_power_below(n: int) -> int:
    return 1 << ((n - 1).bit_length() - 1)

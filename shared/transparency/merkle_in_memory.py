"""Merkle trees of RFC 6962 in memory: one whose leaves may change, and the running root of a sequence."""

from collections.abc import Sequence
from itertools import pairwise

from shared.transparency.merkle import EMPTY_ROOT, node_hash


class Layers:
    """A whole tree in memory whose leaves may change; root and paths are those of RFC 6962.

    An odd node at the end of a layer moves up unchanged. Changing one leaf costs one hash per layer.
    """

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._layers = [list(leaves)]
        while len(self._layers[-1]) > 1:
            below = self._layers[-1]
            self._layers.append([_parent(below, place) for place in range((len(below) + 1) // 2)])

    def change(self, index: int, leaf: bytes) -> None:
        """Replace one leaf hash."""
        self._layers[0][index] = leaf
        for below, layer in pairwise(self._layers):
            index //= 2
            layer[index] = _parent(below, index)

    def append(self, leaf: bytes) -> None:
        self._layers[0].append(leaf)
        for below, layer in pairwise(self._layers):
            layer[(len(below) - 1) // 2 :] = [_parent(below, (len(below) - 1) // 2)]
        if len(self._layers[-1]) == 2:
            self._layers.append([_parent(self._layers[-1], 0)])

    def root(self) -> bytes:
        """Return the MTH of the leaves."""
        return self._layers[-1][0] if self._layers[-1] else EMPTY_ROOT

    def path(self, index: int) -> list[bytes]:
        """Return the inclusion proof, leaf upwards."""
        path = []
        for layer in self._layers[:-1]:
            sibling = index ^ 1
            path += layer[sibling : sibling + 1]
            index //= 2
        return path


class RunningRoot:
    """The root of leaves that are appended one by one; stores O(log n) hashes."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        whole, size = leaf, self.size
        while size & 1:
            whole, size = node_hash(self._subtrees.pop(), whole), size >> 1
        self._subtrees.append(whole)
        self.size += 1

    def root(self) -> bytes:
        """Return the MTH of the leaves so far."""
        if not self._subtrees:
            return EMPTY_ROOT
        *others, root = self._subtrees
        for left in reversed(others):
            root = node_hash(left, root)
        return root


def _parent(below: Sequence[bytes], place: int) -> bytes:
    pair = below[2 * place : 2 * place + 2]
    return node_hash(*pair) if len(pair) == 2 else pair[0]

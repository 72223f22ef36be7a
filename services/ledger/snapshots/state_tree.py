"""The state tree: a Merkle tree over the newest version of every public key, one leaf per key, in order of keys.

The history tree proves that a version is in the ledger. The state tree proves that it is the newest of its key, or, by
two neighbouring leaves, that a key was never released. Its root is in the signed head statement.
"""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

import orjson
from sqlmodel import Session

from contracts.base import Json
from services.ledger.statements import FOLLOWING_PUBLIC
from shared.transparency.canonical import canonical
from shared.transparency.merkle import leaf_hash
from shared.transparency.merkle_in_memory import Layers

FIELDS = ("key", "version", "op", "position", "digest")
RUN = 10_000


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf with its index and its path to the root."""

    index: int
    state: Json
    path: list[bytes]

    def as_json(self) -> Json:
        """Return the leaf as HTTP answers show it."""
        return {"index": self.index, "state": self.state, "path": [step.hex() for step in self.path]}


class StateTree:
    """The state after the first `size` entries. Not thread-safe, see `CachedTrees`."""

    def __init__(self) -> None:
        self.size = 0
        self._states: dict[str, Json] = {}
        self._keys: list[str] = []
        self._layers = Layers([])

    def advance(self, session: Session, size: int) -> None:
        """Read the entries up to `size`. Start again from an empty tree when `size` is smaller than before."""
        if size < self.size:
            self.__init__()  # type: ignore[misc]  # the one way to forget everything
        changed: dict[str, Json] = {}
        while self.size < size:
            values = {"after": self.size, "size": size, "limit": RUN}
            rows = session.connection().execute(FOLLOWING_PUBLIC, values).all()
            for row in rows:
                state = state_of(orjson.loads(row.meta))
                changed[state["key"]] = state
            self.size = int(rows[-1].position) if len(rows) == RUN else size
        self._change(changed)

    def root(self) -> bytes:
        """Return the root over the leaves in order of keys."""
        return self._layers.root()

    def __len__(self) -> int:
        return len(self._keys)

    def leaf(self, index: int) -> Leaf:
        """Return the leaf at an index."""
        return Leaf(index, self._states[self._keys[index]], self._layers.path(index))

    def around(self, key: str) -> list[Leaf]:
        """Return the key's leaf, or if it has none, its neighbours, whose indexes are consecutive."""
        place = bisect_left(self._keys, key)
        if key in self._states:
            return [self.leaf(place)]
        return [self.leaf(index) for index in (place - 1, place) if 0 <= index < len(self._keys)]

    def _change(self, changed: dict[str, Json]) -> None:
        new = changed.keys() - self._states.keys()
        self._states.update(changed)
        if new:
            self._keys = sorted(self._states)
            self._layers = Layers([_leaf_hash(self._states[key]) for key in self._keys])
            return
        for key, state in changed.items():
            self._layers.change(bisect_left(self._keys, key), _leaf_hash(state))


def state_of(meta: Any) -> Json:
    """Return the content of an entry's leaf; the leaf's bytes are its RFC 8785 JSON."""
    return {name: meta[name] for name in FIELDS}


def _leaf_hash(state: Json) -> bytes:
    return leaf_hash(canonical(state))

"""The state tree: a Merkle tree over what is in force, one leaf a public key in order of keys.

The history tree proves that a version is in the ledger; this one proves that it is the newest of its key, and, by two
neighbours, that a key was never released. Its root stands in the signed head statement.
"""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import text
from sqlmodel import Session

from contracts.base import Json
from shared.canonical import canonical
from shared.merkle import leaf_hash
from shared.merkle_layers import Layers

FIELDS = ("key", "version", "op", "position", "digest")
FOLLOWING = text(
    "SELECT position, meta FROM entry WHERE position > :after AND position <= :size AND kind <> 'application' "
    "ORDER BY position LIMIT :limit"
)
RUN = 10_000


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf with its place and its path to the root."""

    index: int
    state: Json
    path: list[bytes]

    def as_json(self) -> Json:
        """For HTTP."""
        return {"index": self.index, "state": self.state, "path": [step.hex() for step in self.path]}


class StateTree:
    """The state after the first `size` entries. Not for two threads at once, see `KeptTrees`."""

    def __init__(self) -> None:
        self.size = 0
        self._states: dict[str, Json] = {}
        self._keys: list[str] = []
        self._layers = Layers([])

    def advance(self, session: Session, size: int) -> None:
        """Take the entries up to `size`; a smaller size than before begins anew."""
        if size < self.size:
            self.__init__()  # type: ignore[misc]  # the one way to forget everything
        changed: dict[str, Json] = {}
        while self.size < size:
            rows = session.connection().execute(FOLLOWING, {"after": self.size, "size": size, "limit": RUN}).all()
            for row in rows:
                state = state_of(orjson.loads(row.meta))
                changed[state["key"]] = state
            self.size = int(rows[-1].position) if len(rows) == RUN else size
        self._change(changed)

    def root(self) -> bytes:
        """Root over the leaves in order of keys."""
        return self._layers.root()

    def __len__(self) -> int:
        return len(self._keys)

    def leaf(self, index: int) -> Leaf:
        """The leaf at a place."""
        return Leaf(index, self._states[self._keys[index]], self._layers.path(index))

    def around(self, key: str) -> list[Leaf]:
        """The key's own leaf; where there is none, its neighbours: their places follow one another."""
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
    """What a leaf says of an entry; its bytes are the RFC 8785 JSON."""
    return {name: meta[name] for name in FIELDS}


def _leaf_hash(state: Json) -> bytes:
    return leaf_hash(canonical(state))

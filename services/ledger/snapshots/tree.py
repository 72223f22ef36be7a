"""The snapshot tree: a Merkle tree over the newest entry of every key, one leaf per key, in order of first releases.

Its root is in the signed head statement and proves that a snapshot is complete and current: a channel that starts from
one needs no other entry. A leaf is the entry's own leaf in the history tree. It includes cases, because channels show
them; the root reveals nothing about any of them. A new key is appended, so a release costs one hash per layer.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from typing import Any

import orjson
from sqlmodel import Session

from contracts.envelope.publication import Publication
from services.ledger.statements import FOLLOWING_WITH_FIRST, SNAPSHOT_LEAVES
from shared.transparency.canonical import canonical
from shared.transparency.merkle import leaf_hash
from shared.transparency.merkle_in_memory import Layers

RUN = 10_000


class SnapshotTree:
    """The newest entries among the first `size`. Not thread-safe, see `CachedTrees`."""

    def __init__(self) -> None:
        self.size = 0
        self._firsts = array("q")
        self._layers = Layers([])

    def advance(self, session: Session, size: int) -> None:
        """Read the entries up to `size`. The first time, and for a smaller size than before, read one entry per key."""
        if size < self.size or self.size == 0:
            self._begin(session, size)
            return
        while self.size < size:
            values = {"after": self.size, "size": size, "limit": RUN}
            rows = session.connection().execute(FOLLOWING_WITH_FIRST, values).all()
            self._take(rows)
            self.size = int(rows[-1].position) if len(rows) == RUN else size

    def root(self) -> bytes:
        """Return the root over the leaves in order of first releases."""
        return self._layers.root()

    def _begin(self, session: Session, size: int) -> None:
        self.__init__()  # type: ignore[misc]  # the one way to forget everything
        leaves: list[bytes] = []
        after = 0
        while rows := session.connection().execute(SNAPSHOT_LEAVES, {"after": after, "size": size, "limit": RUN}).all():
            leaves += [hash_of(row.meta) for row in rows]
            self._firsts.extend(int(row.first_position) for row in rows)
            after = self._firsts[-1]
        self._layers = Layers(leaves)
        self.size = size

    def _take(self, rows: Iterable[Any]) -> None:
        for row in rows:
            place = bisect_left(self._firsts, row.first_position)
            if place == len(self._firsts):
                self._firsts.append(row.first_position)
                self._layers.append(hash_of(row.meta))
            else:
                self._layers.change(place, hash_of(row.meta))


def hash_of(meta: str) -> bytes:
    """Return the hash of an entry's leaf, from its JSON without body."""
    return leaf_hash(canonical(Publication.model_validate({**orjson.loads(meta), "body": None}).leaf()))

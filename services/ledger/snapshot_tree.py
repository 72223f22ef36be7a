"""The snapshot tree: a Merkle tree over the newest entry of every key, one leaf a key by first release.

Its root stands in the signed head statement, and proves that a snapshot is whole and new: whoever starts from one needs
no other entry. The leaf is the entry's own leaf in the history. Cases are in it too, since channels show them; a root
tells nobody about any of them. A new key comes last, so that no release costs more than a hash a layer.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import text
from sqlmodel import Session

from contracts.publication import Publication
from shared.canonical import canonical
from shared.merkle import leaf_hash
from shared.merkle_layers import Layers

RUN = 10_000
NEWEST_AT = (
    "CASE WHEN key.position <= :size THEN key.position ELSE (SELECT o.position FROM entry o "
    "WHERE o.key = key.key AND o.position <= :size ORDER BY o.version DESC LIMIT 1) END"
)
"""Position of a key's newest entry among the first `size`: any moment that was is answered as it was."""

NEWEST = text(
    f"SELECT key.first_position, e.meta FROM key JOIN entry e ON e.position = {NEWEST_AT} "  # noqa: S608  # our own text
    "WHERE key.first_position > :after AND key.first_position <= :size ORDER BY key.first_position LIMIT :limit"
)
FOLLOWING = text(
    "SELECT e.position, key.first_position, e.meta FROM entry e JOIN key ON key.key = e.key "
    "WHERE e.position > :after AND e.position <= :size ORDER BY e.position LIMIT :limit"
)


class SnapshotTree:
    """The newest entries among the first `size`. Not for two threads at once, see `KeptTrees`."""

    def __init__(self) -> None:
        self.size = 0
        self._firsts = array("q")
        self._layers = Layers([])

    def advance(self, session: Session, size: int) -> None:
        """Take the entries up to `size`. At first, and for a size smaller than before, it reads one entry a key."""
        if size < self.size or self.size == 0:
            self._begin(session, size)
            return
        while self.size < size:
            values = {"after": self.size, "size": size, "limit": RUN}
            rows = session.connection().execute(FOLLOWING, values).all()
            self._take(rows)
            self.size = int(rows[-1].position) if len(rows) == RUN else size

    def root(self) -> bytes:
        """Root over the leaves by first release."""
        return self._layers.root()

    def _begin(self, session: Session, size: int) -> None:
        self.__init__()  # type: ignore[misc]  # the one way to forget everything
        leaves: list[bytes] = []
        after = 0
        while rows := session.connection().execute(NEWEST, {"after": after, "size": size, "limit": RUN}).all():
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
    """Hash of an entry's leaf, from its JSON without body."""
    return leaf_hash(canonical(Publication.model_validate({**orjson.loads(meta), "body": None}).leaf()))

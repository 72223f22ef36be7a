"""A channel reads a snapshot: the newest entry of every key instead of every entry, and it believes none of them.

The signed statement says the root over the newest entries of all keys. Whoever leaves a key out, gives an older
version or alters a field of a leaf gives another root, and the snapshot is refused. A body must fit its digest as it
must in the log, with the same consequence: what does not is parked.

Where the newest version does not count yet, or cannot be shown here, those before it matter too. Which ones only the
channel knows, so it asks for them, and each must have its place in the history under the same statement.
"""

from collections.abc import Iterator, Sequence

from contracts.publication import Head, Publication
from contracts.statement import HeadStatement
from services.channels.witness import Witness
from shared.canonical import canonical
from shared.errors import Broken
from shared.merkle import leaf_hash, verify_inclusion
from shared.merkle_layers import RunningRoot
from shared.snapshot import SnapshotReader

PAGE = 500
MOST_PREDECESSORS = 100
PAYS_FROM = 2_000
"""Entries in a ledger from which on a snapshot is read. Below, four pages of the log are as quick, and simpler."""


class Snapshot:
    """One snapshot, while it is read. Good for nothing before `pages` has come to its end."""

    def __init__(self, ledger: SnapshotReader, said: HeadStatement, head: Head) -> None:
        self.head, self.keys = head, 0
        self._ledger, self._said = ledger, said

    @classmethod
    def newest(cls, ledger: SnapshotReader, witness: Witness) -> "Snapshot":
        """The newest one that the ledger has signed. Raises `Broken` for a statement that is not to be believed,
        and `Unavailable`.
        """
        signed = ledger.snapshot()
        return cls(ledger, witness.statement(signed), signed.head)

    @property
    def size(self) -> int:
        """Entries of the ledger that it stands for."""
        return self._said.size

    def pages(self) -> Iterator[Sequence[Publication]]:
        """The newest entry of every key. Raises `Broken` at the end if it was not exactly that."""
        tree, after = RunningRoot(), 0
        while True:
            page = self._ledger.snapshot_page(self.size, after, PAGE)
            for entry in page.entries:
                tree.append(_hash(entry))
            self.keys = tree.size
            if self.keys > self.size:
                raise Broken(f"a snapshot of {self.size} entries has no {self.keys} keys")
            yield page.entries
            if page.next is None:
                break
            if page.next <= after:
                raise Broken("a page of the snapshot leads back")
            after = page.next
        if tree.root().hex() != self._said.snapshot_root:
            raise Broken(f"{self.keys} keys do not give the snapshot root that statement {self._said.sequence} signs")

    def before(self, entries: Sequence[Publication]) -> list[Publication]:
        """The entry one version before each of these. Raises `Broken` for one that is not in this ledger."""
        found: list[Publication] = []
        for start in range(0, len(entries), MOST_PREDECESSORS):
            some = entries[start : start + MOST_PREDECESSORS]
            answers = self._ledger.predecessors(self.size, [entry.position for entry in some])
            if len(answers) != len(some):
                raise Broken(f"{len(answers)} predecessors instead of {len(some)}")
            for entry, answer in zip(some, answers, strict=True):
                self._check(entry, answer.entry, answer.path)
                found.append(answer.entry)
        return found

    def _check(self, entry: Publication, before: Publication, path: Sequence[str]) -> None:
        if (before.key, before.version) != (entry.key, entry.version - 1):
            raise Broken(f"{before.key} version {before.version} does not come before {entry.key} {entry.version}")
        root = bytes.fromhex(self._said.root)
        try:
            steps = [bytes.fromhex(step) for step in path]
        except ValueError:
            raise Broken("a step of a path is no hash in hex") from None
        if not verify_inclusion(before.position - 1, self.size, _hash(before), steps, root):
            raise Broken(f"{before.key} version {before.version} is not in the ledger that was signed")


def _hash(entry: Publication) -> bytes:
    return leaf_hash(canonical(entry.leaf()))

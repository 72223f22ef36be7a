"""Reads and verifies a snapshot: the newest entry of every key instead of every entry.

The signed statement contains the root over the newest entries of all keys. A snapshot that omits a key, gives an older
version or alters a field of a leaf has another root and is refused. A body must match its digest, as in the log; one
that does not is parked.

If the newest version is not yet effective, or cannot be shown by this channel, the versions before it matter too. The
channel asks for those, and each must be included in the history under the same statement.
"""

from collections.abc import Iterator, Sequence

from contracts.envelope.publication import Head, Publication
from contracts.envelope.statement import HeadStatement
from services.channels.core.port import require_readable
from services.channels.trust.ledger_keys import Witness
from shared.errors import Broken
from shared.transparency.canonical import canonical
from shared.transparency.merkle import leaf_hash, verify_inclusion
from shared.transparency.merkle_in_memory import RunningRoot
from shared.transparency.snapshot import SnapshotReader

PAGE = 500
MOST_PREDECESSORS = 100
PAYS_FROM = 2_000
"""Size of the ledger, in entries, from which a snapshot is used. A shorter log takes four pages: as fast, simpler."""


class Snapshot:
    """One snapshot while it is read. It is not verified before `pages` has ended."""

    def __init__(self, ledger: SnapshotReader, said: HeadStatement, head: Head) -> None:
        self.head, self.keys = head, 0
        self._ledger, self._said = ledger, said

    @classmethod
    def newest(cls, ledger: SnapshotReader, witness: Witness) -> "Snapshot":
        """Return the newest signed snapshot. Raises `Broken` for an untrusted statement, and `Unavailable`."""
        signed = ledger.snapshot()
        return cls(ledger, witness.statement(signed), signed.head)

    @property
    def size(self) -> int:
        """Number of ledger entries that it covers."""
        return self._said.size

    def pages(self) -> Iterator[Sequence[Publication]]:
        """Yield the newest entry of every key, by pages. Raises `Broken` at the end if the root is not as signed."""
        tree, after = RunningRoot(), 0
        while True:
            page = self._ledger.snapshot_page(self.size, after, PAGE)
            for entry in page.entries:
                require_readable("snapshot", entry)
                tree.append(_hash(entry))
            self.keys = tree.size
            if self.keys > self.size:
                raise Broken(f"a snapshot of {self.size} entries cannot have {self.keys} keys")
            yield page.entries
            if page.next is None:
                break
            if page.next <= after:
                raise Broken("a page of the snapshot points backwards")
            after = page.next
        if tree.root().hex() != self._said.snapshot_root:
            raise Broken(f"{self.keys} keys do not yield the snapshot root signed by statement {self._said.sequence}")

    def before(self, entries: Sequence[Publication]) -> list[Publication]:
        """Return the previous version of each entry. Raises `Broken` if one is not in this ledger."""
        found: list[Publication] = []
        while len(found) < len(entries):
            some = entries[len(found) : len(found) + MOST_PREDECESSORS]
            answers = self._ledger.predecessors(self.size, [entry.position for entry in some])
            if not 1 <= len(answers) <= len(some):
                raise Broken(f"{len(answers)} predecessors instead of {len(some)}")
            for entry, answer in zip(some, answers, strict=False):
                require_readable("snapshot", answer.entry)
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
            raise Broken("a step of a path is not a hexadecimal hash") from None
        if not verify_inclusion(before.position - 1, self.size, _hash(before), steps, root):
            raise Broken(f"{before.key} version {before.version} is not in the signed ledger")


def _hash(entry: Publication) -> bytes:
    return leaf_hash(canonical(entry.leaf()))

"""A snapshot of the ledger as its reader receives it. The reader does the checking."""

from collections.abc import Sequence
from typing import Protocol

from pydantic import Field

from contracts.base import TolerantContract
from contracts.envelope.publication import Head, Publication


class SignedStatement(TolerantContract):
    """The note of a head statement, unchecked, and the head of the same size."""

    note: str
    head: Head


class SnapshotPage(TolerantContract):
    """Newest entries of some keys, in order of their first releases. `next`: where to continue; None at the end."""

    entries: list[Publication]
    next: int | None = None


class Predecessor(TolerantContract):
    """The entry one version before another, and the path (hex) from its leaf to the root of the snapshot's size."""

    entry: Publication
    path: list[str] = Field(max_length=63)


class SnapshotReader(Protocol):
    """The ledger, as a reader that starts from a snapshot sees it."""

    def snapshot(self) -> SignedStatement:
        """Return the newest snapshot. Raises `Unavailable`."""

    def snapshot_page(self, size: int, after: int, limit: int) -> SnapshotPage:
        """Return what follows `after` among the first `size` entries. Raises `Unavailable`, `Refused`."""

    def predecessors(self, size: int, positions: Sequence[int]) -> Sequence[Predecessor]:
        """Return the previous version of each of the entries at these positions (1 to 100).

        Raises `Unavailable`, `Refused`.
        """

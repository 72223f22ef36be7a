"""A snapshot of the ledger as its reader meets it: what the ledger says, and who asks it. Checking is the reader's."""

from collections.abc import Sequence
from typing import Protocol

from pydantic import Field

from contracts.base import TolerantContract
from contracts.publication import Head, Publication


class SignedStatement(TolerantContract):
    """The note of a head statement, nothing of it checked yet, and the head of the same size."""

    note: str
    head: Head


class SnapshotPage(TolerantContract):
    """Newest entries of some keys, in order of their first releases. `next`: where to go on; None at the end."""

    entries: list[Publication]
    next: int | None = None


class Predecessor(TolerantContract):
    """The entry one version before another, and the path (hex) of its leaf to the root of the snapshot's size."""

    entry: Publication
    path: list[str] = Field(max_length=63)


class SnapshotReader(Protocol):
    """The ledger, as whoever starts reads it."""

    def snapshot(self) -> SignedStatement:
        """The newest one. Raises `Unavailable`."""

    def snapshot_page(self, size: int, after: int, limit: int) -> SnapshotPage:
        """What follows `after` among the first `size` entries. Raises `Unavailable`, `Refused`."""

    def predecessors(self, size: int, positions: Sequence[int]) -> Sequence[Predecessor]:
        """One version before each of the entries at these positions, 1 to 100 of them. Raises the same."""

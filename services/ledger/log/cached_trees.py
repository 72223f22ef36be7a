"""Merkle trees over the entries, cached in memory: one per database, brought up to date by each caller."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

from sqlmodel import Session

from shared.database.engine import Database


class GrowingTree(Protocol):
    """A tree that grows with the ledger. Not thread-safe."""

    def advance(self, session: Session, size: int) -> None:
        """Read the entries up to `size`. Start again from an empty tree when `size` is smaller than before."""

    def root(self) -> bytes:
        """Return the root hash over the tree's leaves."""


AnyTree = TypeVar("AnyTree", bound=GrowingTree)


class CachedTrees(Generic[AnyTree]):
    """The trees of one type. `make` returns an empty tree. Safe to call from several threads."""

    def __init__(self, make: Callable[[], AnyTree]) -> None:
        self._make = make
        self._trees: WeakKeyDictionary[Database, AnyTree] = WeakKeyDictionary()
        self._lock = threading.Lock()

    @contextmanager
    def at(self, db: Database, session: Session, size: int) -> Iterator[AnyTree]:
        """Yield the tree after `size` entries, locked: one thread at a time uses it."""
        with self._lock:
            tree = self._trees.setdefault(db, self._make())
            tree.advance(session, size)
            yield tree

    def root(self, db: Database, session: Session, size: int) -> bytes:
        """Return the root after `size` entries."""
        with self.at(db, session, size) as tree:
            return tree.root()

"""Trees over the entries, kept in memory: one a database, brought forward by whoever asks."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

from sqlmodel import Session

from shared.database import Database


class Tree(Protocol):
    """What grows with the ledger. Not for two threads at once."""

    def advance(self, session: Session, size: int) -> None:
        """Take the entries up to `size`; a smaller size than before begins anew."""

    def root(self) -> bytes:
        """Root over its leaves."""


AnyTree = TypeVar("AnyTree", bound=Tree)


class KeptTrees(Generic[AnyTree]):
    """`make` gives a tree that has seen nothing."""

    def __init__(self, make: Callable[[], AnyTree]) -> None:
        self._make = make
        self._trees: WeakKeyDictionary[Database, AnyTree] = WeakKeyDictionary()
        self._lock = threading.Lock()

    @contextmanager
    def at(self, db: Database, session: Session, size: int) -> Iterator[AnyTree]:
        """The tree after `size` entries, for one thread alone."""
        with self._lock:
            tree = self._trees.setdefault(db, self._make())
            tree.advance(session, size)
            yield tree

    def root(self, db: Database, session: Session, size: int) -> bytes:
        """Root after `size` entries."""
        with self.at(db, session, size) as tree:
            return tree.root()

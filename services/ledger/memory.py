"""The signer's memory: the last tree that it has signed, in a small file beside the key.

A database may come back from an older backup, a snapshot, a replica that was behind. What it records then is another
history than the one that is out under this key, and nothing in the database says so. This file does. It is on the disk
before a signature leaves, and no backup holds it.
"""

import base64
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from shared.checkpoint import checkpoint_text
from shared.errors import Unavailable
from shared.merkle import EMPTY_ROOT, HASH_SIZE, Tiles, consistency_proof, verify_consistency
from shared.secret_file import replace_secret

MEMORY_FILE = "ledger-signed"


@dataclass(frozen=True, slots=True)
class Tree:
    """Size (entries) and root (32 bytes) of one state of the log."""

    size: int
    root: bytes

    def continues(self, before: "Tree", tiles: Tiles) -> bool:
        """Whether this tree, whose hashes are in `tiles`, has all of `before` as its beginning."""
        if self.size < before.size:
            return False
        if before.size == 0:
            return before.root == EMPTY_ROOT
        proof = consistency_proof(tiles, before.size, self.size)
        return verify_consistency(before.size, self.size, before.root, self.root, proof)


class WouldFork(Unavailable):
    """To sign `tree` would be to sign a second history. Nothing is signed until an operator has decided."""

    def __init__(self, reason: str, tree: Tree) -> None:
        self.reason, self.tree = reason, tree
        super().__init__(reason)


class Memory:
    """What one key has signed last, of the log named `origin`. Without a path it lives and dies with its object."""

    def __init__(self, origin: str, path: Path | None = None) -> None:
        self.origin, self.path = origin, path
        self._volatile: Tree | None = None
        self._let_pass: Tree | None = None

    def last(self) -> Tree | None:
        """The last signed tree; None when nothing is remembered. Raises `ValueError` for a file that says nothing."""
        if self.path is None:
            return self._volatile
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(f"{self.path}: {error.strerror}") from error
        origin, size, root, *rest = [*text.split("\n"), "", ""]
        tree = Tree(int(size), base64.b64decode(root, validate=True))
        if origin != self.origin or any(rest) or tree.size < 0 or len(tree.root) != HASH_SIZE:
            raise ValueError("not the last tree of this log")
        return tree

    def advance(self, tree: Tree, tiles: Tiles, *, begun: bool) -> None:
        """From here on `tree` counts as signed: it is on the disk. Raises `WouldFork`, see `require`."""
        with self._alone():
            self.require(tree, tiles, begun=begun)
            if self.last() != tree:
                self.set(tree)

    def require(self, tree: Tree, tiles: Tiles, *, begun: bool) -> None:
        """Raises `WouldFork` unless `tree` continues the last one. `begun`: the ledger has signed heads.

        Who remembers nothing of a log that has begun cannot know what is out under his key, and may not guess.
        """
        try:
            last = self.last()
        except ValueError as error:
            raise WouldFork(f"{self.path} cannot be read: {error}", tree) from error
        if last is None:
            if begun and self.path is not None:
                raise WouldFork(f"the ledger has signed heads, and there is no {self.path} to compare with", tree)
        elif tree.size < last.size:
            raise WouldFork(f"the ledger has {tree.size} entries, and {last.size} are signed", tree)
        elif not tree.continues(last, tiles):
            raise WouldFork(f"the ledger's {tree.size} entries do not continue the {last.size} that are signed", tree)

    def require_growth(self, before: Tree, tree: Tree, tiles: Tiles) -> None:
        """The same for a batch that makes `tree` of `before`, at each of which a proof and a file would be too much.

        What continues the tree that was let pass last need not be compared with an older one again.
        """
        if before != self._let_pass:
            self.require(tree, tiles, begun=False)
        self._let_pass = tree

    def set(self, tree: Tree) -> None:
        """Remember this tree, whatever was before. Raises `Unavailable` when it cannot be written."""
        self._volatile = tree
        if self.path is not None:
            try:
                replace_secret(self.path, checkpoint_text(self.origin, tree.size, tree.root).encode())
            except OSError as error:
                raise Unavailable(f"{self.path}: {error.strerror}") from error

    def accept(self, tree: Tree, now: datetime) -> Path | None:
        """An operator takes another history for the log's. Where the file of before is kept, None if there was none."""
        assert self.path is not None
        aside = self.path.with_name(f"{self.path.name}.replaced-{now:%Y%m%dT%H%M%SZ}")
        with self._alone():
            try:
                replace_secret(aside, self.path.read_bytes())
                kept: Path | None = aside
            except FileNotFoundError:
                kept = None
            except OSError as error:
                raise Unavailable(f"{aside}: {error.strerror}") from error
            self.set(tree)
        return kept

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two sequencers on one volume: what one has read, the other may not replace meanwhile."""
        if self.path is None:
            yield
            return
        handle = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

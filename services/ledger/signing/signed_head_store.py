"""The store of the last signed tree: a small file beside the key.

A database may be restored from an older backup or a snapshot, or replaced by a replica that lagged. What it then
records is a different history from the one published under this key, and the database itself cannot tell. This file
can. It is on disk before a signature leaves the process, and it is in no backup.
"""

import base64
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from shared.errors import Conflict, Unavailable
from shared.security.secret_files import replace_secret
from shared.transparency.checkpoint import checkpoint_text
from shared.transparency.merkle import EMPTY_ROOT, HASH_SIZE, Tiles, consistency_proof, verify_consistency

MEMORY_FILE = "ledger-signed"


@dataclass(frozen=True, slots=True)
class SignedTree:
    """Size (number of entries) and root (32 bytes) of the log at one moment."""

    size: int
    root: bytes

    def continues(self, before: "SignedTree", tiles: Tiles) -> bool:
        """Return whether `before` is a prefix of this tree, whose hashes are in `tiles`."""
        if self.size < before.size:
            return False
        if before.size == 0:
            return before.root == EMPTY_ROOT
        proof = consistency_proof(tiles, before.size, self.size)
        return verify_consistency(before.size, self.size, before.root, self.root, proof)


class OfAnotherLog(ValueError):
    """The file beside the key is valid but belongs to another log."""


class WouldFork(Unavailable):
    """Signing `tree` would create a second history. Nothing is signed until an operator decides."""

    def __init__(self, reason: str, tree: SignedTree) -> None:
        self.reason, self.tree = reason, tree
        super().__init__(reason)


class SignedHeadStore:
    """The last tree that one key has signed, of the log `origin`. Without a path it is kept in memory only."""

    def __init__(self, origin: str, path: Path | None = None) -> None:
        self.origin, self.path = origin, path
        self._volatile: SignedTree | None = None
        self._let_pass: SignedTree | None = None

    def last(self) -> SignedTree | None:
        """Return the last signed tree, or None if there is none.

        Raises `ValueError` for a file that cannot be parsed, `OfAnotherLog` for another log's, `Unavailable` when the
        file cannot be read.
        """
        if self.path is None:
            return self._volatile
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(f"{self.path}: {error.strerror}") from error
        origin, tree = _read(text)
        if origin != self.origin:
            raise OfAnotherLog(f"it belongs to the log {origin}, but this is {self.origin}")
        return tree

    def advance(self, tree: SignedTree, tiles: Tiles, *, begun: bool) -> None:
        """Save `tree` as the last signed one: on return it is on disk. Raises `WouldFork`, see `require`."""
        with self._alone():
            self.require(tree, tiles, begun=begun)
            if self.last() != tree:
                self.set(tree)

    def require(self, tree: SignedTree, tiles: Tiles, *, begun: bool) -> None:
        """Raise `WouldFork` unless `tree` continues the last signed tree. `begun`: whether the ledger has signed heads.

        Without a saved tree of a log that has begun, refuse to sign: what was published under the key is unknown.
        """
        try:
            last = self.last()
        except ValueError as error:
            raise WouldFork(f"{self.path} cannot be read: {error}", tree) from error
        if last is None:
            if begun and self.path is not None:
                raise WouldFork(
                    f"the ledger has signed heads, but {self.path}, which records the last one, is missing", tree
                )
        elif tree.size < last.size:
            raise WouldFork(f"the ledger has {tree.size} entries, but {last.size} are signed", tree)
        elif not tree.continues(last, tiles):
            raise WouldFork(f"the ledger's {tree.size} entries do not continue the {last.size} that are signed", tree)

    def require_growth(self, before: SignedTree, tree: SignedTree, tiles: Tiles) -> None:
        """Do the same for a batch that extends `before` to `tree`, without a proof and a file read for each batch.

        A tree that continues the one accepted last need not be compared with the file again.
        """
        if before != self._let_pass:
            self.require(tree, tiles, begun=False)
        self._let_pass = tree

    def set(self, tree: SignedTree) -> None:
        """Save this tree, whatever was saved before. Raises `Unavailable` when the file cannot be written."""
        self._volatile = tree
        if self.path is not None:
            try:
                replace_secret(self.path, checkpoint_text(self.origin, tree.size, tree.root).encode())
            except OSError as error:
                raise Unavailable(f"{self.path}: {error.strerror}") from error

    def accept(self, tree: SignedTree, now: datetime) -> Path | None:
        """Accept another history, by decision of an operator; return where the old file is kept, None if there was
        none.

        Raises `Conflict` when the file is valid and belongs to another log: then a setting or the key is wrong.
        """
        if self.path is None:
            raise Conflict("a signer without a state file has no saved state to replace")
        aside = self.path.with_name(f"{self.path.name}.replaced-{now:%Y%m%dT%H%M%SZ}")
        with self._alone():
            self.require_own_log()
            try:
                # Keep the old file first. If the process dies here, the old tree is still the last signed one.
                replace_secret(aside, self.path.read_bytes())
                kept: Path | None = aside
            except FileNotFoundError:
                kept = None
            except OSError as error:
                raise Unavailable(f"{aside}: {error.strerror}") from error
            self.set(tree)
        return kept

    def require_own_log(self) -> None:
        """Raise `Conflict` when the file is valid and belongs to another log: then a key or a setting is wrong."""
        try:
            self.last()
        except OfAnotherLog as error:
            raise Conflict(
                f"{self.path}: {error}: nothing was changed; correct TONGYUAN_REGION and TONGYUAN_ORIGIN"
            ) from error
        except ValueError:
            return

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Lock the folder, so that two sequencers on one volume do not overwrite each other between read and write."""
        if self.path is None:
            yield
            return
        handle = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _read(text: str) -> tuple[str, SignedTree]:
    """Parse the file's text into origin and tree. Raises `ValueError` for anything else."""
    origin, size, root, *rest = [*text.split("\n"), "", ""]
    tree = SignedTree(int(size), base64.b64decode(root, validate=True))
    if not origin or any(rest) or tree.size < 0 or len(tree.root) != HASH_SIZE:
        raise ValueError("not a saved tree of this log")
    return origin, tree

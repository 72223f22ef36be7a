"""Decides whether this sequencer may sign. If it may not sign, it may not record either: entries must be provable."""

import time
from collections.abc import Callable

from sqlmodel import Session

from contracts.envelope.publication import Head
from services.ledger import queries
from services.ledger.log.append import StoredTiles
from services.ledger.model import HeadRow
from services.ledger.signing.heads import sign_head
from services.ledger.signing.refusal import tell
from services.ledger.signing.signed_head_store import SignedTree, WouldFork
from services.ledger.signing.signer import Signer
from shared import log
from shared.database.engine import Database
from shared.errors import Broken, Unavailable
from shared.transparency.checkpoint import NoteKey, opened_checkpoint
from shared.transparency.merkle import GrowingTiles

PATIENCE_SECONDS = 4 * 3600
"""As long as X-Road accepts messages without a time stamp (`acceptable-timestamp-failure-period`)."""
_log = log.get("signer")


class SigningGuard:
    """The signer of one sequencer, and whether it may sign. Safe to call from several threads."""

    def __init__(self, db: Database, signer: Signer, clock: Callable[[], float] = time.monotonic) -> None:
        self.db, self.signer, self._clock = db, signer, clock
        self._sure = False
        self._signed_at = clock()

    def sign(self) -> Head:
        """Sign the next head. Raises `WouldFork`, and `Unavailable` when it cannot be signed now."""
        try:
            head = sign_head(self.db, self.signer)
        except WouldFork:
            self._sure = False
            raise
        self._sure, self._signed_at = True, self._clock()
        return head

    def require(self) -> None:
        """Call this before recording. Raises `WouldFork`, and `Unavailable` when no head was signed for too long.

        No release is lost: the sources keep them, and they are recorded once this method returns again.
        """
        if not self._sure:
            self._compare()
        if self._clock() - self._signed_at > PATIENCE_SECONDS:
            raise Unavailable("the ledger records nothing because no head could be signed for four hours")

    def _compare(self) -> None:
        try:
            with self.db.read() as session:
                tree, tiles = tree_of(session, queries.size(session))
                self.signer.memory.require(tree, tiles, begun=queries.newest_head(session) is not None)
        except WouldFork as refusal:
            tell(self.db, refusal)
            raise
        self._sure = True


class Standby:
    """Records what the leading sequencer signs with the same key, so that this one can take over."""

    def __init__(self, db: Database, signer: Signer) -> None:
        self._db, self._signer = db, signer
        self._first: tuple[int, str] | None = None

    def look(self) -> None:
        """Save the newest head if it was signed after the first call: the head found first may come from a restored
        backup.

        Raises `Unavailable`.
        """
        with self._db.read() as session:
            row = queries.newest_head(session)
            if row is None:
                return
            self._first = self._first or (row.size, row.time)
            if (row.size, row.time) == self._first or not self._is_ours(row):
                return
            tree, tiles = tree_of(session, row.size)
        try:
            self._signer.memory.advance(tree, tiles, begun=False)
        except WouldFork as refusal:
            _log.info("the leading sequencer's head was not adopted", reason=str(refusal))

    def _is_ours(self, row: HeadRow) -> bool:
        keys = [NoteKey(self._signer.name, one.public_key) for one in self._signer.ring()]
        try:
            return opened_checkpoint(row.checkpoint, keys).root.hex() == row.root
        except Broken:
            return False


def tree_of(session: Session, size: int) -> tuple[SignedTree, GrowingTiles]:
    """Return the tree of the first `size` entries, and the tiles that hold its hashes."""
    tiles = GrowingTiles(StoredTiles(session), size)
    return SignedTree(size, tiles.root()), tiles

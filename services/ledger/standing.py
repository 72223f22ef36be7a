"""Whether this sequencer may sign, and therefore record: what it could not sign, nobody should be shown."""

import time
from collections.abc import Callable

from sqlmodel import Session

from contracts.publication import Head
from services.ledger import queries
from services.ledger.commands import StoredTiles
from services.ledger.heads import sign_head
from services.ledger.memory import Tree, WouldFork
from services.ledger.model import HeadRow
from services.ledger.refusal import tell
from services.ledger.signing import Signer
from shared import log
from shared.checkpoint import NoteKey, opened_checkpoint
from shared.database import Database
from shared.errors import Broken, Unavailable
from shared.merkle import GrowingTiles

PATIENCE_SECONDS = 4 * 3600
"""As long as X-Road goes on accepting messages without a time stamp (`acceptable-timestamp-failure-period`)."""
_log = log.get("signer")


class Standing:
    """The signer of one sequencer, and how it goes with it. Safe to call from several threads."""

    def __init__(self, db: Database, signer: Signer, clock: Callable[[], float] = time.monotonic) -> None:
        self.db, self.signer, self._clock = db, signer, clock
        self._sure = False
        self._signed_at = clock()

    def sign(self) -> Head:
        """Sign the next head. Raises `WouldFork`, `Unavailable`."""
        try:
            head = sign_head(self.db, self.signer)
        except WouldFork:
            self._sure = False
            raise
        self._sure, self._signed_at = True, self._clock()
        return head

    def require(self) -> None:
        """Before anything is recorded. Raises `WouldFork`, and `Unavailable` when no head was signed for too long.

        Releases are lost by neither: their sources keep them, and they are taken again when this returns.
        """
        if not self._sure:
            self._compare()
        if self._clock() - self._signed_at > PATIENCE_SECONDS:
            raise Unavailable("the ledger records nothing: no head could be signed for four hours")

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
    """Learns what the leading sequencer signs with the same key, so that it knows it when its turn has come."""

    def __init__(self, db: Database, signer: Signer) -> None:
        self._db, self._signer = db, signer
        self._first: tuple[int, str] | None = None

    def look(self) -> None:
        """Remember the newest head, if it was signed since the first look: a head found at first may be a restored one.

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
            _log.info("the leading sequencer's head is not taken over", reason=str(refusal))

    def _is_ours(self, row: HeadRow) -> bool:
        keys = [NoteKey(self._signer.name, one.public_key) for one in self._signer.ring()]
        try:
            return opened_checkpoint(row.checkpoint, keys).root.hex() == row.root
        except Broken:
            return False


def tree_of(session: Session, size: int) -> tuple[Tree, GrowingTiles]:
    """The tree of the first `size` entries, and where its hashes are."""
    tiles = GrowingTiles(StoredTiles(session), size)
    return Tree(size, tiles.root()), tiles

"""Checks that a channel follows one ledger that only grows: no rollback, no other history.

The anchor is the newest head proven to continue all heads before it. A ledger with fewer entries (restored from an
older backup) or with other ones (a fork) halts the channel: it keeps what it shows, takes no more entries and reports
that, until the ledger continues the anchor again or an operator rebuilds it with a new epoch. An operator may also
pause the channel, which stops it in the same way until the operator resumes it.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from contracts.base import format_time
from contracts.envelope.publication import Head
from services.channels.core.model import ONLY
from services.channels.core.statements import POSITION
from services.channels.trust.anchor import LineageRow, anchor_of, anchored
from services.channels.trust.ledger_keys import Witness
from services.channels.trust.proven_log import ProvenLog
from shared import log, metrics
from shared.database.engine import Database
from shared.errors import Broken, Unavailable
from shared.feeds.follower import Moved
from shared.feeds.upstream import LedgerReader
from shared.transparency.merkle import EMPTY_ROOT, verify_consistency
from shared.transparency.proof import LedgerEntry, another_history

LOOK_SECONDS = 1.0
"""How long the anchor is believed before it is read again: another process may have paused or resumed the channel."""

_log = log.get("lineage")


class Halted(Unavailable):
    """The ledger does not continue what this channel has seen of it."""


class Paused(Halted):
    """An operator paused the channel."""


class Replaced(Halted):
    """Another process has rewritten the anchor, as a rebuild does, so a comparison with the former one is void."""


class AnotherHistory(Unavailable):
    """The next entries are signed by the ledger but do not continue what this channel has applied."""


class Continuity:
    """Compares one channel with its ledger: does the ledger continue what the channel has seen and applied?"""

    def __init__(
        self, db: Database, ledger: LedgerReader, witness: Witness, log: ProvenLog, on_new_life: Callable[[], None]
    ) -> None:
        """`on_new_life()`: called when another process may have rebuilt the channel, so its position must be reread."""
        self._db, self._ledger, self._witness, self._entries = db, ledger, witness, log
        self._on_new_life = on_new_life
        self.service = db.service
        # None: not read yet. Another process may rewrite the anchor, so it is read again before the channel is halted.
        self._anchor: LineageRow | None = None
        self._look_at = 0.0
        # Position and ledger root where the last run ended; None: read them from the store.
        self._root: tuple[int, bytes | None] | None = None

    def require_going_on(self) -> None:
        """If the channel is halted, compare it with the ledger before it takes anything. Raises `Halted`, `Paused`."""
        if time.monotonic() >= self._look_at:
            self._read_anchor()
        anchor = self._anchor or self._read_anchor()
        if anchor is not None and anchor.is_paused:
            raise Paused(f"{self.service}: paused since {anchor.halted_at}: {anchor.reason}")
        if anchor is not None and anchor.halted_at:
            self.require_lineage()

    def look_again(self) -> None:
        """Read the anchor before the next run: somebody has just paused or resumed the channel."""
        self._look_at = 0.0

    def require_continued(self, entries: Sequence[LedgerEntry]) -> None:
        """Check that a run continues what was applied. Raises `AnotherHistory`, `Moved`, `Halted`."""
        before = entries[0].position - 1
        if self._root is None or self._root[0] != before or self._root[1] != entries[0].roots.before:
            self._root = self._read_root()
        if self._root[0] != before:
            raise Moved(f"{self.service} is at {self._root[0]}, not at {before}")
        root = self._root[1]
        if root is None:
            self.require_lineage()
        odd = another_history(entries, root)
        if odd is not None:
            raise AnotherHistory(f"{self.service}: entry {odd.position} does not continue what was applied")

    def applied(self, last: LedgerEntry) -> None:
        """Note that a run was applied up to this entry."""
        self._root = last.position, last.roots.upto

    def require_lineage(self) -> None:
        """Compare with the ledger's current state. Raises `Halted`, `Unavailable`."""
        try:
            head = self._ledger.head()
        except Unavailable:
            if self._read_anchor() is not None:
                raise
            return
        if not self._witness.accepts(head):
            raise Unavailable(f"{self.service}: the ledger's newest head cannot be trusted")
        self.prove(head, entry_too=True)

    def require_one_history(self, head: Head) -> None:
        """Raises `Broken` if a head, older or newer, is not of the anchor's history; and `Halted`."""
        self.require_lineage()
        anchor = self._anchor or self._read_anchor()
        if anchor is None:
            return
        (first, root), (second, whole) = sorted([(anchor.size, anchor.root), (head.size, head.root)])
        path = self._ledger.consistency(first, second)
        if not verify_consistency(first, second, bytes.fromhex(root), bytes.fromhex(whole), path):
            raise Broken(f"the head of {head.size} entries does not belong to the history that this channel follows")

    def prove(self, head: Head, *, entry_too: bool = False) -> None:
        """Make the head the anchor if it is newer. Raises `Halted` if it does not continue the anchor.

        `entry_too`: also compare the last applied entry with the ledger's.
        """
        try:
            self._compare(head, entry_too)
        except Replaced:
            self._anchor = None
            self._compare(head, entry_too)

    def _compare(self, head: Head, entry_too: bool) -> None:
        anchor = self._anchor or self._read_anchor()
        if anchor is not None and anchor.is_paused:
            anchor = self._read_anchor()
        if anchor is not None and anchor.is_paused:
            raise Paused(f"{self.service}: paused since {anchor.halted_at}: {anchor.reason}")
        halted = anchor is not None and anchor.halted_at is not None
        if anchor is not None and (head.size, head.root) == (anchor.size, anchor.root) and not (entry_too or halted):
            return
        if anchor is not None and head.size < anchor.size:
            # A head from the queue may be late; compare with the ledger's current one.
            head = self._ledger.head()
        reason = anchor and self._break(anchor, head)
        if reason or halted:
            anchor = self._read_anchor()
            reason = anchor and self._break(anchor, head)
        if entry_too or halted:
            reason = reason or self._other_entry()
        if reason:
            self._halt(anchor, reason, head)
        metrics.halted.labels(self.service).set(0)
        if anchor is None or head.size > anchor.size or anchor.halted_at:
            self._go_on(anchor, head)

    def _break(self, anchor: LineageRow, head: Head) -> str | None:
        if head.size < anchor.size:
            return (
                f"the ledger's newest head covers {head.size} entries, but this channel has seen one of {anchor.size}"
            )
        if head.size == anchor.size:
            same = head.root == anchor.root
        else:
            path = self._ledger.consistency(anchor.size, head.size)
            roots = bytes.fromhex(anchor.root), bytes.fromhex(head.root)
            same = verify_consistency(anchor.size, head.size, *roots, path)
        return None if same else f"the ledger's head of {head.size} entries does not continue the head of {anchor.size}"

    def _other_entry(self) -> str | None:
        """Return a reason if the last applied entry is not in the ledger. Heads alone come only every few seconds."""
        at, root = self._read_root()
        if at == 0:
            return None
        theirs = next(iter(self._entries.entries(at - 1, 1)), None)
        if theirs is None:
            return f"the ledger has no entry {at}, which this channel has applied"
        same = root in (None, theirs.roots.upto)
        return (
            None if same else f"entry {at} of the ledger, or one before it, differs from what this channel has applied"
        )

    def _read_root(self) -> tuple[int, bytes | None]:
        """Return the store's position and the ledger root there; None in a store from before roots were stored."""
        row = self._db.fetch(POSITION)[0]
        if row.position == 0:
            return 0, EMPTY_ROOT
        return int(row.position), bytes.fromhex(row.root) if row.root else None

    def _halt(self, anchor: LineageRow | None, reason: str, head: Head) -> None:
        """Store the evidence and halt the channel. Always raises `Halted`."""
        row = anchor or LineageRow(size=0, root=EMPTY_ROOT.hex(), checkpoint="")
        if row.halted_at is None or row.reason != reason:
            halted_at = row.halted_at or format_time(datetime.now(UTC))
            evidence = {"halted_at": halted_at, "reason": reason, "refused": head.model_dump_json()}
            row = self._replace(anchor, LineageRow(**{**row.model_dump(), **evidence}))
            _log.critical("halted: another ledger", channel=self.service, reason=reason)
            self._witness.refuse(head, "rollback" if head.size < row.size else "fork", reason)
        metrics.halted.labels(self.service).set(1)
        self._anchor = row
        raise Halted(f"{self.service}: {reason}")

    def _go_on(self, anchor: LineageRow | None, head: Head) -> None:
        self._anchor = self._replace(anchor, anchored(head))
        if anchor is not None and anchor.halted_at:
            _log.warning("resumed: the ledger continues the known history", channel=self.service, size=head.size)

    def _replace(self, read: LineageRow | None, row: LineageRow) -> LineageRow:
        """Write the anchor. Raises `Replaced` if it is no longer the one that was read, `Paused` if it is paused."""
        with self._db.write() as session:
            standing = session.get(LineageRow, ONLY, with_for_update=True)
            if standing is not None and standing.is_paused:
                self._anchor = None
                raise Paused(f"{self.service}: paused since {standing.halted_at}: {standing.reason}")
            if standing is None or (read is not None and (standing.size, standing.root) == (read.size, read.root)):
                return session.merge(row)
        raise Replaced(f"{self.service}: its anchor was replaced in the meantime")

    def _read_anchor(self) -> LineageRow | None:
        self._on_new_life()
        with self._db.read() as session:
            self._anchor = anchor_of(session)
        self._look_at = time.monotonic() + LOOK_SECONDS
        return self._anchor

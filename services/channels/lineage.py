"""A channel follows one ledger and no other: it never goes back, and never goes on with another history.

The newest head that was proven to continue all before it is the anchor. A ledger that has fewer entries than that
(restored from an older backup) or other ones (a fork) halts the channel: it keeps what it shows, takes nothing more,
and says so, until the ledger continues the anchor again or an operator has it rebuilt under a new epoch.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Text
from sqlmodel import Field, Session, col, delete

from contracts.base import Json, format_time
from contracts.publication import Head
from services.channels.commands import Channel, Row
from services.channels.erased import row_of
from services.channels.model import ONLY, ChannelModel, SeenHeadRow
from services.channels.port import Adapter
from services.channels.statements import POSITION
from services.channels.witness import Witness
from shared import log, metrics
from shared.comparison import is_withheld
from shared.database import Database
from shared.delivery import Message, Refusal
from shared.errors import Broken, Unavailable, UpstreamDown
from shared.follower import Moved, refusal
from shared.merkle import EMPTY_ROOT, verify_consistency
from shared.proof import Entry, Prover, Unproven, another_history
from shared.upstream import LedgerReader

_log = log.get("lineage")


class LineageRow(ChannelModel, table=True):
    """The anchor; while the channel is halted also since when, why, and the head that does not continue it."""

    __tablename__ = "lineage"

    id: int = Field(default=ONLY, primary_key=True)
    size: int
    root: str = Field(max_length=64)
    checkpoint: str = Field(sa_column=Column(Text, nullable=False))
    halted_at: str | None = Field(default=None, max_length=27)
    reason: str | None = Field(default=None, max_length=500)
    refused: str | None = Field(default=None, sa_column=Column(Text), description="The other head, as JSON: evidence.")


class Halted(Unavailable):
    """The ledger does not continue what this channel has seen of it."""


class AnotherHistory(Unavailable):
    """What comes next is signed by the ledger, and does not continue what this channel has applied."""


class AnchoredChannel(Channel):
    """A channel that applies nothing but what is proven to be in the ledger, and to continue what it has applied.

    Before it applies anything out of turn it asks whether it is still the same ledger.
    """

    def __init__(self, db: Database, adapter: Adapter, ledger: LedgerReader, keys: Iterable[str] = ()) -> None:
        """`keys`: verifier keys to believe, see `Witness`."""
        super().__init__(db, adapter, ledger)
        self.witness = Witness(db, ledger, keys)
        self._prover = Prover(self.witness.opened)
        # None: not read yet. Another process may write the anchor anew, so nobody is halted by this copy alone.
        self._anchor: LineageRow | None = None
        # The ledger's root where the last run ended; None: to be read.
        self._root: tuple[int, bytes | None] | None = None

    def take(self, messages: Sequence[Message]) -> list[Refusal]:
        """See `Follower`. Raises `Halted`."""
        if self._anchor is None:
            self._read_anchor()
        if self._anchor is not None and self._anchor.halted_at:
            self.require_lineage()
        try:
            return super().take(messages)
        except AnotherHistory as error:
            # Halted, when the ledger itself is another one. Else these are of one that is no more.
            self.require_lineage()
            self.catch_up()
            refused = Unproven(str(error))
            return [refusal(self.service, index, message, refused) for index, message in enumerate(messages)]

    def proven(self, entry: Entry) -> Entry:
        """See `Follower`."""
        return self._prover.proven(entry)

    def believes(self, head: Head) -> bool:
        """See `Follower`."""
        return self.witness.check(head)

    def advance(self, entries: Sequence[Entry]) -> list[Entry]:
        """See `Follower`. What comes a second time may be of a ledger that has gone back. Raises `Halted`."""
        if entries and entries[0].position <= self._where():
            try:
                self.require_lineage()
            except UpstreamDown as error:
                _log.info("not compared with the ledger", channel=self.service, reason=str(error))
        return super().advance(entries)

    def apply(self, entries: Sequence[Entry]) -> None:
        """See `Channel`. Raises `AnotherHistory`."""
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
        super().apply(entries)
        self._root = entries[-1].position, entries[-1].roots.upto

    def on_head(self, head: Head) -> None:
        """Remember a head that continues the anchor. While nobody can prove it, it is remembered and proven later."""
        if not self.witness.accepts(head):
            return
        try:
            self._prove(head)
        except Halted:
            return
        except UpstreamDown as error:
            _log.info("head not proven yet", channel=self.service, reason=str(error))
        super().on_head(head)

    def reconcile(self, *, patient: bool = False) -> int:
        """See `Channel`. A halted channel has said so, and takes nothing: the county must start, to be repaired."""
        try:
            return super().reconcile(patient=patient)
        except Halted:
            return 0

    def require_lineage(self) -> None:
        """Compare with the ledger as it is now. Raises `Halted`, `Unavailable`."""
        try:
            head = self.ledger.head()
        except Unavailable:
            if self._read_anchor() is not None:
                raise
            return
        if not self.witness.accepts(head):
            raise Unavailable(f"{self.service}: the ledger's newest head is not one to believe")
        self._prove(head, entry_too=True)

    def require_one_history(self, head: Head) -> None:
        """Raises `Broken` when a head, older or newer, is not of the history of the anchor; and `Halted`."""
        self.require_lineage()
        anchor = self._anchor or self._read_anchor()
        if anchor is None:
            return
        (first, root), (second, whole) = sorted([(anchor.size, anchor.root), (head.size, head.root)])
        path = self.ledger.consistency(first, second)
        if not verify_consistency(first, second, bytes.fromhex(root), bytes.fromhex(whole), path):
            raise Broken(f"the head of {head.size} entries is not of the history that this channel follows")

    def _row(self, entry: Entry) -> Row:
        return row_of(self.adapter, entry) if is_withheld(entry) else super()._row(entry)

    def _fetched(self, after: int, limit: int) -> list[Entry]:
        if self._known != after:
            self._known = None
        self.require_lineage()
        return super()._fetched(after, limit)

    def _prove(self, head: Head, *, entry_too: bool = False) -> None:
        """Raises `Halted` when the head does not continue the anchor; else it is the anchor if it goes further."""
        anchor = self._anchor or self._read_anchor()
        halted = anchor is not None and anchor.halted_at is not None
        if anchor is not None and (head.size, head.root) == (anchor.size, anchor.root) and not (entry_too or halted):
            return
        if anchor is not None and head.size < anchor.size:
            # From the queue it may be late; what counts is what the ledger says now.
            head = self.ledger.head()
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
            return f"the ledger's newest head covers {head.size} entries, this channel has seen one of {anchor.size}"
        if head.size == anchor.size:
            same = head.root == anchor.root
        else:
            path = self.ledger.consistency(anchor.size, head.size)
            roots = bytes.fromhex(anchor.root), bytes.fromhex(head.root)
            same = verify_consistency(anchor.size, head.size, *roots, path)
        return None if same else f"the ledger's head of {head.size} entries does not continue the one of {anchor.size}"

    def _other_entry(self) -> str | None:
        """Whether the ledger has another entry, or none, where this channel is; heads come every few seconds only."""
        at, root = self._read_root()
        if at == 0:
            return None
        theirs = next(iter(self.upstream(at - 1, 1)), None)
        if theirs is None:
            return f"the ledger has no entry {at}, which this channel has applied"
        same = root in (None, theirs.roots.upto)
        return (
            None if same else f"the ledger has another entry {at}, or another before it, than this channel has applied"
        )

    def _read_root(self) -> tuple[int, bytes | None]:
        """Where the store is, and the ledger's root there; None in a store of the time before roots were kept."""
        row = self.db.ask(POSITION)[0]
        if row.position == 0:
            return 0, EMPTY_ROOT
        return int(row.position), bytes.fromhex(row.root) if row.root else None

    def _halt(self, anchor: LineageRow | None, reason: str, head: Head) -> None:
        """Raises `Halted`, always."""
        row = anchor or LineageRow(size=0, root=EMPTY_ROOT.hex(), checkpoint="")
        metrics.halted.labels(self.service).set(1)
        if row.halted_at is None or row.reason != reason:
            _log.critical("halted: another ledger", channel=self.service, reason=reason)
            self.witness.refuse(head, "rollback" if head.size < row.size else "fork", reason)
            row.halted_at = row.halted_at or format_time(datetime.now(UTC))
            row.reason, row.refused = reason, head.model_dump_json()
            with self.db.write() as session:
                session.merge(row)
        self._anchor = row
        raise Halted(f"{self.service}: {reason}")

    def _go_on(self, anchor: LineageRow | None, head: Head) -> None:
        with self.db.write() as session:
            self._anchor = set_anchor(session, head)
        if anchor is not None and anchor.halted_at:
            _log.warning("goes on: the ledger continues what was seen", channel=self.service, size=head.size)

    def _read_anchor(self) -> LineageRow | None:
        # Another process may have rebuilt the channel: the place in memory is then of its former life.
        self._known = None
        with self.db.read() as session:
            self._anchor = anchor_of(session)
        return self._anchor


def anchor_of(session: Session) -> LineageRow | None:
    """The anchor; of a channel that has none yet, the newest head that it has seen."""
    found = session.get(LineageRow, ONLY)
    if found is not None:
        return found
    seen = session.get(SeenHeadRow, ONLY)
    return None if seen is None else LineageRow(size=seen.size, root=seen.root, checkpoint=seen.checkpoint)


def set_anchor(session: Session, head: Head) -> LineageRow:
    """From now on heads must continue this one; the channel is halted no more."""
    return session.merge(LineageRow(size=head.size, root=head.root, checkpoint=head.checkpoint))


def begin_anew(session: Session, head: Head) -> None:
    """Forget every head of the former ledger."""
    session.exec(delete(SeenHeadRow).where(col(SeenHeadRow.id) == ONLY))
    set_anchor(session, head)


def is_halted(session: Session) -> bool:
    """Whether the channel waits for an operator."""
    found = session.get(LineageRow, ONLY)
    return found is not None and found.halted_at is not None


def lineage(session: Session) -> Json:
    """The anchor, and since when and why the channel is halted; nulls while it is not."""
    found: Any = anchor_of(session)
    facts: Json = {"size": 0, "root": None} if found is None else {"size": found.size, "root": found.root}
    halted = None
    if found is not None and found.halted_at:
        halted = {"since": found.halted_at, "reason": found.reason}
    return {"anchor": facts, "halted": halted}

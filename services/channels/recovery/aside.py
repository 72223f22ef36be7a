"""aside: builds the channel's documents from the ledger beside those that it serves.

A long ledger is read from a snapshot plus the entries since, or entry by entry on request. `rebuild` then swaps what
was built in, and `drill` only compares it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

from sqlmodel import Session, delete, insert

from contracts.base import Json, format_time
from contracts.envelope.publication import Publication
from services.channels.core.channel import Channel
from services.channels.core.documents import Row
from services.channels.core.model import (
    AsideRow,
    DocumentRow,
    ParkedRow,
    ReleaseSetRow,
    ScheduledRow,
)
from services.channels.core.release_sets import completes_a_set, is_complete, members, set_of
from services.channels.core.store import opened, park
from services.channels.recovery.aside_table import AsideTable, versions_of
from services.channels.recovery.content_loss import UnreadableVersions
from services.channels.trust.anchor import is_halted
from services.channels.trust.snapshot import PAYS_FROM, Snapshot
from shared.errors import Broken, Conflict, Unavailable
from shared.transparency.merkle import EMPTY_ROOT
from shared.transparency.proof import another_history

PAGE = 500


@dataclass(frozen=True)
class Progress:
    """One step of a build. The last one has `done`, the differing keys, and the root digests before and after.

    `snapshot`: size in entries of the snapshot used, 0 without one. `keys`: keys read from it so far. `lost`: documents
    that were removed without an entry that says so, because an operator accepted that.
    """

    position: int
    of: int
    snapshot: int = 0
    keys: int = 0
    done: bool = False
    differences: list[str] = field(default_factory=list)
    root_before: str = ""
    root_after: str = ""
    lost: list[str] = field(default_factory=list)

    def as_json(self) -> Json:
        """Return the step as JSON."""
        return asdict(self)


Finish = Callable[[], Progress | None]
"""Uses what was built. Returns the last step, or None when the channel has moved on and more must be read."""


class AsideBuild:
    """One build of one channel. Publishing continues meanwhile.

    What is built is in the store alone: memory does not grow with the number of documents.
    """

    def __init__(
        self, channel: Channel, *, new_epoch: bool = False, full: bool = False, pays_from: int = PAYS_FROM
    ) -> None:
        """`new_epoch`: read the ledger as it is now, even if it does not continue the one followed so far.

        `full`: read every entry; otherwise a ledger of `pays_from` entries or more is read from a snapshot.
        """
        self.channel, self.new_epoch = channel, new_epoch
        self._full, self._pays_from = full, pays_from
        self.goes_back = False
        self.position, self.root = 0, EMPTY_ROOT
        self.snapshot: Snapshot | None = None
        self.unreadable = UnreadableVersions()
        self.table = AsideTable()
        self._parked: dict[int, tuple[Publication, Exception]] = {}
        self._later: list[Row] = []
        self._sets: dict[str, ReleaseSetRow] = {}

    def run(self, finish: Finish) -> Iterator[Progress]:
        """Read the ledger until `finish` returns the last step, and yield progress.

        Raises `Broken` if the ledger is shorter than the channel, roots differ, or the snapshot is not what was signed,
        and with a new epoch if the ledger is another county's; `Conflict` for a halted channel without a new epoch;
        `Unavailable` without the ledger.
        """
        with self.channel.db.write() as session:
            self.goes_back = is_halted(session)
            if self.goes_back and not self.new_epoch:
                raise Conflict(
                    "the channel is halted because its ledger lost entries. Find out which ledger is the right one "
                    "(docs/operating/backup.md); to follow the present one, rebuild with --new-epoch"
                )
            self.table.begin(session)
        if self.new_epoch:
            self._require_own_head()
        target = self.channel.ledger.head().size
        if not self._full and target >= self._pays_from:
            yield from self._read_snapshot(target)
        while True:
            target = target if self.goes_back else max(target, self.channel.position())
            yield from self._read(target)
            done = finish()
            if done is not None:
                yield done
                return

    def done(self, differences: list[str], before: str, after: str) -> Progress:
        """Return the last step."""
        at = self._progress(self.position)
        return replace(at, done=True, differences=differences, root_before=before, root_after=after)

    def turn_pages(self, session: Session) -> None:
        """Apply aside what has become effective or expired since it was read: readers may have seen that already.

        Raises `Broken` if the documents aside are no longer those that were built here.
        """
        self.table.require_whole(session)
        self._show_due(session)
        self.table.expire(session, datetime.now(UTC))

    def _show_due(self, session: Session) -> None:
        """Write aside the scheduled rows whose time has come and whose set, if any, is complete."""
        moment = format_time(datetime.now(UTC))
        completed = self._completions(session)
        due = [row for row in self._later if row["effective_at"] <= moment and row["part_of"] in (None, *completed)]
        if due:
            due = [opened(row, completed) for row in sorted(due, key=lambda row: int(row["version"]))]
            self.table.put(session, {row["key"]: row for row in due})
        built = versions_of(session, AsideRow, (row["key"] for row in self._later))
        self._later = [row for row in self._later if row["version"] > built.get(row["key"], 0)]

    def replace_waiting(self, session: Session) -> None:
        """Schedule and park what was read, in place of what the channel has scheduled and parked.

        Sets are completed from what was read, by the same rule as when entries are applied one by one.
        """
        now = datetime.now(UTC)
        self._completions(session)
        session.exec(delete(ReleaseSetRow))
        session.flush()
        session.add_all(ReleaseSetRow(**one.model_dump()) for one in self._sets.values())
        session.exec(delete(ScheduledRow))
        if self._later:
            session.exec(insert(ScheduledRow), params=self._later)
        session.exec(delete(ParkedRow))
        session.flush()
        shown = versions_of(session, DocumentRow, (entry.key for entry, _ in self._parked.values()))
        for entry, error in self._parked.values():
            if shown.get(entry.key, 0) < entry.version:
                park(session, entry, error, now)

    def _completions(self, session: Session) -> dict[str, datetime]:
        """Return when the act of each set of which everything was read was recorded."""
        incomplete = [one for one in self._sets.values() if not one.complete]
        here = versions_of(session, AsideRow, (key for one in incomplete for key, _ in members(one)))
        for row in self._later:
            here[row["key"]] = max(row["version"], here.get(row["key"], 0))

        def present(key: str, version: int) -> bool:
            return here.get(key, 0) >= version

        for one in incomplete:
            one.complete = is_complete(one, present)
        return {act: datetime.fromisoformat(one.recorded_at) for act, one in self._sets.items() if one.complete}

    def _require_own_head(self) -> None:
        """Raises `Broken` if no trusted key signed the newest head for the county's log; `Unavailable` without keys."""
        if not self.channel.witness.check(self.channel.ledger.head()):
            raise Unavailable("the ledger does not return its keys, so its county is unknown")

    def _require_own(self, entries: Sequence[Publication]) -> None:
        """Raises `Broken` for an entry of another region than the channel's."""
        county = self.channel.county
        for entry in entries:
            if county.region not in (None, entry.region):
                raise Broken(
                    f"entry {entry.position} belongs to {entry.region}, but this channel belongs to {county.title}: "
                    "this is another county's ledger"
                )

    def _read_snapshot(self, target: int) -> Iterator[Progress]:
        snapshot = Snapshot.newest(self.channel.ledger, self.channel.witness)
        if not self.goes_back:
            self.channel.continuity.require_one_history(snapshot.head)
        for entries in snapshot.pages():
            hidden = self._fold(entries)
            while hidden := [entry for entry in hidden if entry.version > 1]:
                hidden = self._fold(snapshot.before(hidden))
            yield Progress(0, target, snapshot=snapshot.size, keys=snapshot.keys)
        self.snapshot, self.position, self.root = snapshot, snapshot.size, bytes.fromhex(snapshot.head.root)

    def _read(self, target: int) -> Iterator[Progress]:
        while self.position < target:
            entries = self.channel.log.entries(self.position, min(PAGE, target - self.position))
            if not entries:
                raise Broken(f"the ledger ends at {self.position}, but the channel is already at {target}")
            odd = another_history(entries, self.root)
            if odd is not None:
                raise Broken(f"entry {odd.position} does not continue the entries before it")
            self._fold(entries)
            self.position, self.root = entries[-1].position, entries[-1].roots.upto
            yield self._progress(target)

    def _progress(self, target: int) -> Progress:
        begun = self.snapshot
        return Progress(self.position, target, snapshot=begun.size if begun else 0, keys=begun.keys if begun else 0)

    def _fold(self, entries: Sequence[Publication]) -> list[Publication]:
        """Write rows aside. Return entries not yet effective or not showable: their earlier versions still count."""
        if self.new_epoch:
            self._require_own(entries)
        hidden: list[Publication] = []
        moment = format_time(datetime.now(UTC))
        newest: dict[str, Row] = {}
        for entry in entries:
            try:
                row = self.unreadable.row_of(self.channel.adapter, entry)
            except Exception as error:  # noqa: BLE001  # parked, as in `ChannelStore.apply`
                self._parked[entry.position] = (entry, error)
                hidden.append(entry)
                continue
            if completes_a_set(entry):
                self._sets[entry.key] = set_of(entry)
            if row["part_of"] is not None or (row["effective_at"] and row["effective_at"] > moment):
                self._later.append(row)
                hidden.append(entry)
                continue
            if row["expires_at"] and row["expires_at"] <= moment:
                row.update(content=None, content_digest=None)
            newest[row["key"]] = row
        if newest:
            with self.channel.db.write() as session:
                self.table.put(session, newest)
        if any(completes_a_set(entry) for entry in entries):
            # Memory: what old sets showed need not wait until the whole ledger is read.
            with self.channel.db.write() as session:
                self._show_due(session)
        return hidden

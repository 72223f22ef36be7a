"""rebuild: builds the channel aside from the ledger, compares, and swaps in one transaction.

A long ledger is read from a snapshot plus the entries since, or entry by entry on request; `drill` compares both.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

from sqlalchemy import select as sa_select
from sqlalchemy import text
from sqlmodel import Session, col, delete, insert, select, update

from contracts.base import Json, format_time
from contracts.envelope.publication import Head, Publication
from services.channels.core.channel import Channel
from services.channels.core.content_loss import UnreadableVersions, accept, as_lines, lost, refuse
from services.channels.core.digests import digest_lines, served_lines, sha256_of
from services.channels.core.documents import Row, row_of
from services.channels.core.model import AsideRow, DocumentRow, ParkedRow, ScheduledRow, StateRow
from services.channels.core.snapshot import PAYS_FROM, Snapshot
from services.channels.core.statements import UPSERT
from services.channels.core.store import locked_state, park
from services.channels.trust.anchor import begin_anew, is_halted
from shared.errors import Broken, Conflict, Unavailable
from shared.feeds.follower import checked
from shared.transparency.comparison import is_case_without_body
from shared.transparency.merkle import EMPTY_ROOT
from shared.transparency.proof import another_history

PAGE = 500
LONGEST_REASON = 200
UNCONDITIONAL = UPSERT.replace("WHERE {table}.version < excluded.version", "").format(table="document")


@dataclass(frozen=True)
class Progress:
    """One step of a rebuild. The last one has `done`, the differing keys, and the root digests before and after.

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


_Mark = tuple[object, ...]
"""The values in which two rows of a key must agree, version first; content by the digest of its bytes."""

MARKED = ("version", "position", "kind", "digest", "content_digest", "effective_at", "expires_at")


class Rebuild:
    """One rebuild of one channel. Publishing continues meanwhile; only the swap blocks it."""

    def __init__(
        self,
        channel: Channel,
        *,
        new_epoch: bool = False,
        full: bool = False,
        accept_loss: bool = False,
        pays_from: int = PAYS_FROM,
    ) -> None:
        """`new_epoch`: accept the ledger as it is now, even if it does not continue the one followed so far.

        Every client then starts over, since the same positions may mean other entries. `full`: read every entry;
        otherwise a ledger of `pays_from` entries or more is read from a snapshot. `accept_loss`: swap even if documents
        that are shown now would be removed without an entry that says so, see `content_loss`.
        """
        self.channel, self.new_epoch = channel, new_epoch
        self._full, self._pays_from, self._accept_loss = full, pays_from, accept_loss
        self._unreadable = UnreadableVersions()
        self._goes_back = False
        self._snapshot: Snapshot | None = None
        self.position = 0
        self._built: dict[str, int] = {}
        self._parked: dict[int, tuple[Publication, Exception]] = {}
        self._later: list[Row] = []
        self._root = EMPTY_ROOT

    def run(self) -> Iterator[Progress]:
        """Rebuild and yield progress. If an error is raised, nothing was changed.

        Raises `Broken` if the ledger is shorter than the channel, roots differ, or the snapshot is not what was signed,
        and with a new epoch if the ledger is another county's; `Conflict` for a halted channel without a new epoch;
        `WouldLose` if documents would be removed without an entry that says so; `Unavailable` without the ledger.
        """
        with self.channel.db.write() as session:
            self._goes_back = is_halted(session)
            if self._goes_back and not self.new_epoch:
                raise Conflict(
                    "the channel is halted because its ledger lost entries. Find out which ledger is the right one "
                    "(docs/operating/backup.md); to follow the present one, rebuild with --new-epoch"
                )
            session.exec(delete(AsideRow))
        if self.new_epoch:
            self._require_own_head()
        target = self.channel.ledger.head().size
        if not self._full and target >= self._pays_from:
            yield from self._read_snapshot(target)
        while True:
            target = target if self._goes_back else max(target, self.channel.position())
            yield from self._read(target)
            done = self._swap()
            if done is not None:
                yield done
                return

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
        if not self._goes_back:
            self.channel.continuity.require_one_history(snapshot.head)
        for entries in snapshot.pages():
            hidden = self._fold(entries)
            while hidden := [entry for entry in hidden if entry.version > 1]:
                hidden = self._fold(snapshot.before(hidden))
            yield Progress(0, target, snapshot=snapshot.size, keys=snapshot.keys)
        self._snapshot, self.position, self._root = snapshot, snapshot.size, bytes.fromhex(snapshot.head.root)

    def _read(self, target: int) -> Iterator[Progress]:
        while self.position < target:
            entries = self.channel.log.entries(self.position, min(PAGE, target - self.position))
            if not entries:
                raise Broken(f"the ledger ends at {self.position}, but the channel is already at {target}")
            odd = another_history(entries, self._root)
            if odd is not None:
                raise Broken(f"entry {odd.position} does not continue the entries before it")
            self._fold(entries)
            self.position, self._root = entries[-1].position, entries[-1].roots.upto
            yield self._progress(target)

    def _progress(self, target: int) -> Progress:
        begun = self._snapshot
        return Progress(self.position, target, snapshot=begun.size if begun else 0, keys=begun.keys if begun else 0)

    def _done(self, differences: list[str], before: str, after: str) -> Progress:
        at = self._progress(self.position)
        return replace(at, done=True, differences=differences, root_before=before, root_after=after)

    def _fold(self, entries: Sequence[Publication]) -> list[Publication]:
        """Write rows aside. Return entries not yet effective or not showable: their earlier versions still count."""
        if self.new_epoch:
            self._require_own(entries)
        hidden: list[Publication] = []
        moment = format_time(datetime.now(UTC))
        newest: dict[str, Row] = {}
        for entry in entries:
            try:
                row = row_of(self.channel.adapter, checked(entry))
            except Exception as error:  # noqa: BLE001  # parked, as in `ChannelStore.apply`
                self._parked[entry.position] = (entry, error)
                self._unreadable.note(entry, f"{type(error).__name__}: {error}"[:LONGEST_REASON])
                hidden.append(entry)
                continue
            if is_case_without_body(entry):
                self._unreadable.note(entry, "its body is missing from the ledger")
            else:
                self._unreadable.read(entry)
            if row["effective_at"] and row["effective_at"] > moment:
                self._later.append(row)
                hidden.append(entry)
                continue
            if row["expires_at"] and row["expires_at"] <= moment:
                row.update(content=None, content_digest=None)
            newest[row["key"]] = row
        if newest:
            with self.channel.db.write() as session:
                self._put_aside(session, newest)
        return hidden

    def _put_aside(self, session: Session, newest: dict[str, Row]) -> None:
        rows = [{**row, "change": 0} for row in newest.values()]
        session.connection().execute(text(UPSERT.format(table="aside")), rows)
        for key, row in newest.items():
            self._built[key] = max(row["version"], self._built.get(key, 0))

    def _swap(self) -> Progress | None:
        """Replace what differs in one transaction; return None if the channel has moved on meanwhile."""
        with self.channel.db.write() as session:
            at = locked_state(session)
            if at.position > self.position and not self._goes_back:
                return None
            self._turn_pages(session)
            before = digest_lines(served_lines(session)).root
            gone = lost(session, self._unreadable, another_history=self._goes_back or self.new_epoch)
            if not self._accept_loss:
                refuse(self.channel.service, gone)
            differences = _replace_documents(session, at)
            self._replace_waiting(session)
            at.position, at.root = self.position, self._root.hex()
            if self.new_epoch:
                at.epoch = secrets.token_hex(4)
                begin_anew(session, self._new_anchor())
            session.add(at)
            after = digest_lines(served_lines(session)).root
            if after != digest_lines(served_lines(session, AsideRow)).root:
                raise Broken("the rebuilt channel differs from the ledger")
            session.exec(delete(AsideRow))
            self.channel.db.notifier.notify(session)
        accept(self.channel.service, gone)
        return replace(self._done(differences, before, after), lost=as_lines(gone))

    def _new_anchor(self) -> Head:
        """Return the head that later heads must continue."""
        return self._snapshot.head if self._snapshot else self.channel.ledger.head()

    def _turn_pages(self, session: Session) -> None:
        """Apply aside what has become effective or expired since it was read: readers may have seen that already.

        Raises `Broken` if another rebuild has written to the same table, so that its keys are not those built here.
        """
        moment = format_time(datetime.now(UTC))
        due = sorted((row for row in self._later if row["effective_at"] <= moment), key=lambda row: row["version"])
        if due:
            self._put_aside(session, {row["key"]: row for row in due})
        self._later = [row for row in self._later if row["version"] > self._built.get(row["key"], 0)]
        over = update(AsideRow).where(col(AsideRow.expires_at) <= moment)
        session.exec(over.values(content=None, content_digest=None))
        if dict(session.exec(select(AsideRow.key, AsideRow.version)).all()) != self._built:
            raise Broken("another rebuild of this channel is in progress; nothing was changed")

    def _replace_waiting(self, session: Session) -> None:
        now = datetime.now(UTC)
        session.exec(delete(ScheduledRow))
        if self._later:
            session.exec(insert(ScheduledRow), params=self._later)
        session.exec(delete(ParkedRow))
        session.flush()
        shown = dict(session.exec(select(DocumentRow.key, DocumentRow.version)).all())
        for entry, error in self._parked.values():
            if shown.get(entry.key, 0) < entry.version:
                park(session, entry, error, now)


def _replace_documents(session: Session, at: StateRow) -> list[str]:
    """Make the documents equal to those built aside. Return the keys that differed."""
    different, orphans = _compared(session)
    for start in range(0, len(different), PAGE):
        keys = different[start : start + PAGE]
        rows = []
        for row in session.exec(select(AsideRow).where(col(AsideRow.key).in_(keys)).order_by(AsideRow.key)):
            at.change += 1
            rows.append({**row.model_dump(), "change": at.change})
        session.connection().execute(text(UNCONDITIONAL), rows)
    for key in orphans:
        at.change += 1
        # version 0, so that any version that the source may release under this key later is newer
        session.exec(
            update(DocumentRow)
            .where(col(DocumentRow.key) == key)
            .values(content=None, content_digest=None, version=0, change=at.change)
        )
    return [*different, *orphans]


def differences(session: Session) -> list[str]:
    """Return keys whose live document differs from the one built aside, and keys that should not be there."""
    different, orphans = _compared(session)
    return [*different, *orphans]


def _compared(session: Session) -> tuple[list[str], list[str]]:
    live, aside = _marks(session, DocumentRow), _marks(session, AsideRow)
    different = sorted(key for key, mark in aside.items() if live.get(key) != mark)
    return different, sorted(key for key in live.keys() - aside.keys() if live[key][0])


def _marks(session: Session, table: type[DocumentRow] | type[AsideRow]) -> dict[str, _Mark]:
    columns = [col(getattr(table, name)) for name in ("key", *MARKED, "content")]
    rows = session.connection().execute(sa_select(*columns).execution_options(yield_per=PAGE))
    return {key: (*mark, content and sha256_of(content)) for key, *mark, content in rows}

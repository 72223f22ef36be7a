"""rebuild: build the channel aside from the ledger, compare, swap in one transaction. Readers never see less.

From a snapshot and the entries since, where the ledger is long; from every entry on request, and to prove that both
give the same (`drill`).
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

from sqlalchemy import select as sa_select
from sqlalchemy import text
from sqlmodel import Session, col, delete, insert, select, update

from contracts.base import Json, format_time
from contracts.publication import Head, Publication
from services.channels.commands import Row, locked_state, park
from services.channels.digests import digest_lines, served_lines, sha256_of
from services.channels.erased import row_of
from services.channels.lineage import AnchoredChannel, begin_anew, is_halted
from services.channels.model import AsideRow, DocumentRow, ParkedRow, ScheduledRow, StateRow
from services.channels.snapshot import PAYS_FROM, Snapshot
from services.channels.statements import UPSERT
from shared.errors import Broken, Conflict
from shared.follower import checked
from shared.merkle import EMPTY_ROOT
from shared.proof import another_history

PAGE = 500
UNCONDITIONAL = UPSERT.replace("WHERE {table}.version < excluded.version", "").format(table="document")


@dataclass(frozen=True)
class Progress:
    """One step. The last one is `done` and says how many documents differed, and the root digests.

    `snapshot`: size of the snapshot that it began with, 0 without one; `keys`: how many were taken from it so far.
    """

    position: int
    of: int
    snapshot: int = 0
    keys: int = 0
    done: bool = False
    differences: list[str] = field(default_factory=list)
    root_before: str = ""
    root_after: str = ""

    def as_json(self) -> Json:
        """For a script."""
        return asdict(self)


_Mark = tuple[object, ...]
"""What two rows of a key must agree in, the version first; the content by the digest of its very bytes."""

MARKED = ("version", "position", "kind", "digest", "content_digest", "effective_at", "expires_at")


class Rebuild:
    """One rebuild of one channel. Live traffic goes on meanwhile; only the swap holds it up."""

    def __init__(
        self, channel: AnchoredChannel, *, new_epoch: bool = False, full: bool = False, pays_from: int = PAYS_FROM
    ) -> None:
        """`new_epoch`: take the ledger as it is now, even if it does not continue the one that was followed so far.

        Every screen then starts over, since the same positions may mean other entries. `full`: read every entry;
        otherwise a ledger of `pays_from` entries or more is begun with a snapshot.
        """
        self.channel, self.new_epoch = channel, new_epoch
        self._full, self._pays_from = full, pays_from
        self._goes_back = False
        self._snapshot: Snapshot | None = None
        self.position = 0
        self._built: dict[str, int] = {}
        self._parked: dict[int, tuple[Publication, Exception]] = {}
        self._later: list[Row] = []
        self._root = EMPTY_ROOT

    def run(self) -> Iterator[Progress]:
        """Rebuild, reporting as it goes. Raises `Broken` when the ledger is shorter than the channel, roots differ, or
        the snapshot is not what was signed; `Conflict` for a halted channel, unless it gets a new epoch. Nothing is
        changed then.
        """
        with self.channel.db.write() as session:
            self._goes_back = is_halted(session)
            if self._goes_back and not self.new_epoch:
                raise Conflict("the channel is halted: its ledger went back; rebuild it with --new-epoch")
            session.exec(delete(AsideRow))
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

    def _read_snapshot(self, target: int) -> Iterator[Progress]:
        snapshot = Snapshot.newest(self.channel.ledger, self.channel.witness)
        if not self._goes_back:
            self.channel.require_one_history(snapshot.head)
        for entries in snapshot.pages():
            hidden = self._fold(entries)
            while hidden := [entry for entry in hidden if entry.version > 1]:
                hidden = self._fold(snapshot.before(hidden))
            yield Progress(0, target, snapshot=snapshot.size, keys=snapshot.keys)
        self._snapshot, self.position, self._root = snapshot, snapshot.size, bytes.fromhex(snapshot.head.root)

    def _read(self, target: int) -> Iterator[Progress]:
        while self.position < target:
            entries = self.channel.upstream(self.position, min(PAGE, target - self.position))
            if not entries:
                raise Broken(f"the ledger ends at {self.position}, the channel is at {target} already")
            odd = another_history(entries, self._root)
            if odd is not None:
                raise Broken(f"entry {odd.position} does not continue those before it")
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
        """Put aside what they give; those that show nothing yet, or cannot: what came before them still counts."""
        hidden: list[Publication] = []
        moment = format_time(datetime.now(UTC))
        newest: dict[str, Row] = {}
        for entry in entries:
            try:
                row = row_of(self.channel.adapter, checked(entry))
            except Exception as error:  # noqa: BLE001  # parked, as in `Channel.apply`
                self._parked[entry.position] = (entry, error)
                hidden.append(entry)
                continue
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
        """Replace what differs, all at once; None when live traffic has gone further meanwhile."""
        with self.channel.db.write() as session:
            at = locked_state(session)
            if at.position > self.position and not self._goes_back:
                return None
            self._turn_pages(session)
            before = digest_lines(served_lines(session)).root
            differences = _replace_documents(session, at)
            self._replace_waiting(session)
            at.position, at.root = self.position, self._root.hex()
            if self.new_epoch:
                at.epoch = secrets.token_hex(4)
                begin_anew(session, self._new_anchor())
            session.add(at)
            after = digest_lines(served_lines(session)).root
            if after != digest_lines(served_lines(session, AsideRow)).root:
                raise Broken("the swapped channel is not what the ledger gives")
            session.exec(delete(AsideRow))
            self.channel.db.bell.ring(session)
        return self._done(differences, before, after)

    def _new_anchor(self) -> Head:
        """What heads must continue from now on."""
        return self._snapshot.head if self._snapshot else self.channel.ledger.head()

    def _turn_pages(self, session: Session) -> None:
        """What has come into effect or ended since it was read: readers may have seen that already.

        Raises `Broken` when another rebuild has written to the same table: it holds more, or less, than this one read.
        """
        moment = format_time(datetime.now(UTC))
        due = sorted((row for row in self._later if row["effective_at"] <= moment), key=lambda row: row["version"])
        if due:
            self._put_aside(session, {row["key"]: row for row in due})
        self._later = [row for row in self._later if row["version"] > self._built.get(row["key"], 0)]
        over = update(AsideRow).where(col(AsideRow.expires_at) <= moment)
        session.exec(over.values(content=None, content_digest=None))
        if dict(session.exec(select(AsideRow.key, AsideRow.version)).all()) != self._built:
            raise Broken("another rebuild of this channel is under way; nothing was changed")

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
    """Make the documents those built aside; which keys differed."""
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
        # version 0: whatever the source may release under this key one day must win against it
        session.exec(
            update(DocumentRow)
            .where(col(DocumentRow.key) == key)
            .values(content=None, content_digest=None, version=0, change=at.change)
        )
    return [*different, *orphans]


def differences(session: Session) -> list[str]:
    """Keys whose live document is not the one built aside, and those that should not be there."""
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

"""apply: writes the ledger's entries to the channel's tables, in order of position, one transaction per batch."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, TextClause, insert, or_
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, delete, select

from contracts.base import format_time
from contracts.envelope.publication import Head, Publication
from contracts.kinds import CANARY
from services.channels.core import release_sets
from services.channels.core.documents import Row, row_of
from services.channels.core.model import ONLY, DocumentRow, ParkedRow, ReleaseSetRow, ScheduledRow, StateRow
from services.channels.core.port import Adapter
from services.channels.core.statements import (
    APPLY_ONE,
    MOVE,
    NEXT_TURN,
    OVERTAKEN,
    POSITION,
    REMEMBER_HEAD,
    SHOW,
    SHOW_AGAIN,
)
from shared import log, metrics
from shared.database.engine import Database
from shared.errors import Broken
from shared.feeds.follower import Moved, checked
from shared.transparency.comparison import is_case_without_body
from shared.transparency.proof import LedgerEntry
from shared.transparency.timeline import Completions

Poison = tuple[Publication, Exception]

LONGEST_TURN = timedelta(seconds=1)
_log = log.get("channel")


class ChannelStore:
    """The documents of one channel. Entries are applied in order of position, each batch in one transaction."""

    def __init__(self, db: Database, adapter: Adapter) -> None:
        self.db, self.adapter = db, adapter
        self._next_turn = datetime.min.replace(tzinfo=UTC)
        self._spoilt: dict[int, Broken] = {}

    def position(self) -> int:
        """Return the position of the last applied entry."""
        return int(self.db.fetch(POSITION)[0].position)

    def apply(self, entries: Sequence[LedgerEntry]) -> None:
        """Show, hide, schedule or park each entry, and move the position in the same transaction. Raises `Moved`."""
        now = datetime.now(UTC)
        rows, poison = self._rows(entries)
        due, later = in_time(rows, now)
        last = entries[-1]
        move = {"before": entries[0].position - 1, "to": last.position, "root": last.roots.upto.hex()}
        of_sets = any(release_sets.concerns_a_set(entry) for entry in entries)
        if len(due) == len(entries) == 1 and not self.db.is_sqlite and not of_sets:
            self._apply_one({**due[0], **move})
        else:
            with self.db.write() as session:
                for entry, error in poison:
                    park(session, entry, error, now)
                session.flush()
                self._apply_many(session, due, later, {**move, "shown": len(due)})
                if of_sets:
                    release_sets.note(session, entries)
        if of_sets or any(entry.effective_at or entry.expires_at for entry in entries):
            self._next_turn = now
        self._measure(entries)

    def _apply_one(self, values: Row) -> None:
        """Apply a single release in one statement: on PostgreSQL one round trip instead of five."""
        if not self.db.execute(APPLY_ONE, **values):
            raise Moved(f"{self.adapter.name} is not at {values['before']}")

    def _apply_many(self, session: Session, due: list[Row], later: list[Row], values: Row) -> None:
        moved = session.connection().execute(self.db.notifier.notifying(MOVE, session), values).first()
        if moved is None:
            raise Moved(f"{self.adapter.name} is not at {values['before']}")
        put(session, due, later, moved.change - len(due))
        if moved.waiting or later:
            forget_overtaken(session, due)

    def remember_head(self, head: Head) -> None:
        """Remember a head after everything it covers is applied. A head older than the remembered one is ignored."""
        values = head.model_dump(mode="json")
        self.db.execute(REMEMBER_HEAD, said=values.pop("statement"), **values)

    def turn_pages(self) -> int:
        """Show versions that have become effective and hide expired ones. Return the number of changed documents."""
        now = datetime.now(UTC)
        if now < self._next_turn:
            return 0
        turn = self._asked_turn(now)
        self._next_turn = min(turn, now + LONGEST_TURN)
        if turn > now:
            return 0
        self._next_turn = now
        with self.db.write() as session:
            at = locked_state(session)
            rows = _due(session, now)
            show(session, at, rows, now, again=True)
            session.exec(delete(ScheduledRow).where(col(ScheduledRow.effective_at) <= format_time(now), _is_open()))
            session.add(at)
            self.db.notifier.notify(session)
        return len(rows)

    def warn_of_sets(self) -> None:
        """Log the sets that are not complete although their time has come."""
        with self.db.read() as session:
            release_sets.warn(self.adapter.name, release_sets.waiting(session), datetime.now(UTC))

    def inspect(self, entry: LedgerEntry) -> None:
        """Note an entry with a wrong digest. It is parked, like any entry that cannot be shown, when it is applied."""
        try:
            checked(entry)
        except Broken as error:
            self._spoilt[entry.position] = error

    def _asked_turn(self, now: datetime) -> datetime:
        """Return when the next version begins or ends; without one, `LONGEST_TURN` from now."""
        moments = [datetime.fromisoformat(moment) for moment in self.db.fetch(NEXT_TURN)[0] if moment]
        return min(moments, default=now + LONGEST_TURN)

    def _rows(self, entries: Iterable[LedgerEntry]) -> tuple[list[Row], list[Poison]]:
        rows: list[Row] = []
        poison: list[Poison] = []
        for entry in entries:
            try:
                rows.append(self._row(entry))
            except Exception as error:  # noqa: BLE001  # any entry that cannot be shown is parked; other keys go on
                poison.append((entry, error))
        return rows, poison

    def _row(self, entry: LedgerEntry) -> Row:
        if (spoilt := self._spoilt.pop(entry.position, None)) and not is_case_without_body(entry):
            raise spoilt
        return row_of(self.adapter, entry)

    def _measure(self, entries: Sequence[LedgerEntry]) -> None:
        now = datetime.now(UTC)
        for entry in entries:
            metrics.applied.labels(self.adapter.name, entry.op).inc()
            if entry.key == CANARY:
                age = (now - entry.released_at).total_seconds()
                metrics.canary_latency.labels(self.adapter.name).observe(age)
            if entry.effective_at is None or entry.effective_at <= now:
                late = (now - max(entry.released_at, entry.effective_at or entry.released_at)).total_seconds()
                metrics.publication_latency.labels(self.adapter.name).observe(late)
        if entries:
            metrics.position.labels(self.adapter.name).set(entries[-1].position)


def show(session: Session, at: StateRow, rows: list[Row], now: datetime, *, again: bool = False) -> None:
    """Write rows under the next change numbers of `at`, which the caller has locked and saves.

    `again`: the rows come from this store because they have become due, so an equal version may replace itself.
    """
    due, later = in_time(rows, now)
    put(session, due, later, at.change, SHOW_AGAIN if again else SHOW)
    at.change += len(due)
    forget_overtaken(session, due)


def in_time(rows: Iterable[Row], now: datetime) -> tuple[list[Row], list[Row]]:
    """Return the rows to show now, newest per key, without content if expired; and the rows not yet effective.

    A row of a set is not effective yet: it waits for its set, and `turn_pages` shows it without `part_of`.
    """
    moment = format_time(now)
    later: list[Row] = []
    newest: dict[str, Row] = {}
    for row in rows:
        if row["part_of"] is not None or (row["effective_at"] and row["effective_at"] > moment):
            later.append(row)
        elif row["version"] >= newest.get(row["key"], row)["version"]:
            newest[row["key"]] = row
    for row in newest.values():
        if row["expires_at"] and row["expires_at"] <= moment:
            row.update(content=None, content_digest=None)
    return list(newest.values()), later


def put(session: Session, due: list[Row], later: list[Row], change: int, statement: TextClause = SHOW) -> None:
    """Write both lists; rows of `due` get the numbers after `change`. The stored version stays if it is newer."""
    if later:
        session.connection().execute(insert(ScheduledRow), later)
    if due:
        numbered = [{**row, "change": change + number} for number, row in enumerate(due, 1)]
        session.connection().execute(statement, numbered)


def park(session: Session, entry: Publication, error: Exception, now: datetime) -> None:
    """Store an entry that cannot be shown, with the reason, until an operator decides."""
    reason = f"{type(error).__name__}: {error}"[:500]
    _log.error("entry parked", kind=entry.kind, position=entry.position, reason=type(error).__name__)
    session.merge(
        ParkedRow(
            position=entry.position,
            key=entry.key,
            version=entry.version,
            reason=reason,
            parked_at=format_time(now),
            entry=entry.model_dump_json(exclude={"proof"}),
        )
    )


def state(session: Session) -> StateRow:
    """Return the channel's state row."""
    return session.get(StateRow, ONLY) or StateRow(id=ONLY)


def locked_state(session: Session) -> StateRow:
    """Return the state row, locked until the transaction ends, so that only one process applies at a time."""
    row = session.get(StateRow, ONLY, with_for_update=True)
    if row is None:
        raise Broken("the channel's store has no state row: restore the store, or remove it and rebuild")
    return row


def _due(session: Session, now: datetime) -> list[Row]:
    """Scheduled versions that have become effective, oldest first, and documents that have expired."""
    moment = format_time(now)
    due = session.exec(
        select(ScheduledRow)
        .where(col(ScheduledRow.effective_at) <= moment, _is_open())
        .order_by(col(ScheduledRow.effective_at), col(ScheduledRow.version))
    ).all()
    over = session.exec(
        select(DocumentRow).where(col(DocumentRow.expires_at) <= moment, col(DocumentRow.content).is_not(None))
    )
    completed = release_sets.completions(session) if any(row.part_of for row in due) else {}
    shown = [opened(row.model_dump(), completed) for row in due]
    return [*shown, *({**row.model_dump(exclude={"change"}), "part_of": None} for row in over)]


def opened(row: Row, completed: Completions) -> Row:
    """Return the row of a set's member for showing: it began no sooner than its set was complete."""
    began = completed.get(row["part_of"]) if row["part_of"] else None
    starts = row["starts_at"] if began is None else max(row["starts_at"], format_time(began))
    return {**row, "starts_at": starts, "part_of": None}


def _is_open() -> ColumnElement[bool]:
    """The scheduled versions that wait for no set."""
    complete = sa_select(col(ReleaseSetRow.act)).where(col(ReleaseSetRow.complete))
    return or_(col(ScheduledRow.part_of).is_(None), col(ScheduledRow.part_of).in_(complete))


def forget_overtaken(session: Session, due: list[Row]) -> None:
    """Delete parked and scheduled versions that are older than the ones now shown."""
    if due:
        session.flush()
        shown = [{"key": row["key"], "version": row["version"]} for row in due]
        for statement in OVERTAKEN:
            session.connection().execute(statement, shown)

"""apply: from the ledger's entries to what the channel shows, in order of position, one transaction a batch."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import TextClause, insert
from sqlmodel import Session, col, delete, select

from contracts.base import format_time
from contracts.publication import Head, Op, Publication
from services.channels.model import ONLY, DocumentRow, ParkedRow, ScheduledRow, StateRow
from services.channels.port import Adapter, source_of
from services.channels.statements import (
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
from shared.database import Database
from shared.errors import Broken
from shared.follower import Follower, Moved, checked
from shared.proof import Entry
from shared.upstream import LedgerReader

Row = dict[str, Any]
Poison = tuple[Publication, Exception]
SORTED = orjson.OPT_SORT_KEYS
"""RFC 8785, as far as documents go (docs/adr/0005): who has only parsed one can write its very bytes again."""

LONGEST_TURN = timedelta(seconds=1)
_log = log.get("channel")


class Channel(Follower[Entry]):
    """One channel follows the ledger into its own store."""

    def __init__(self, db: Database, adapter: Adapter, ledger: LedgerReader) -> None:
        super().__init__(adapter.name, Entry, ledger.entries)
        self.db, self.adapter, self.ledger = db, adapter, ledger
        self._next_turn = datetime.min.replace(tzinfo=UTC)
        self._spoilt: dict[int, Broken] = {}

    def number_of(self, entry: Entry) -> int:
        return entry.position

    def position(self) -> int:
        return int(self.db.ask(POSITION)[0].position)

    def apply(self, entries: Sequence[Entry]) -> None:
        """Show, hide, schedule or park each entry. The position moves in the same transaction."""
        now = datetime.now(UTC)
        rows, poison = self._rows(entries)
        due, later = in_time(rows, now)
        last = entries[-1]
        move = {"before": entries[0].position - 1, "to": last.position, "root": last.roots.upto.hex()}
        if len(due) == len(entries) == 1 and not self.db.is_sqlite:
            self._apply_one({**due[0], **move})
        else:
            with self.db.write() as session:
                for entry, error in poison:
                    park(session, entry, error, now)
                session.flush()
                self._apply_many(session, due, later, {**move, "shown": len(due)})
        if any(entry.effective_at or entry.expires_at for entry in entries):
            self._next_turn = now
        self._measure(entries)

    def _apply_one(self, values: Row) -> None:
        """The usual case, an editor's release, in one statement: PostgreSQL needs one round trip instead of five."""
        if not self.db.do(APPLY_ONE, **values):
            raise Moved(f"{self.service} is not at {values['before']}")

    def _apply_many(self, session: Session, due: list[Row], later: list[Row], values: Row) -> None:
        moved = session.connection().execute(self.db.bell.ringing(MOVE, session), values).first()
        if moved is None:
            raise Moved(f"{self.service} is not at {values['before']}")
        put(session, due, later, moved.change - len(due))
        if moved.waiting or later:
            forget_overtaken(session, due)

    def on_head(self, head: Head) -> None:
        """Remember the head, now that everything it covers is applied; an older one, come late, is old news."""
        values = head.model_dump(mode="json")
        self.db.do(REMEMBER_HEAD, said=values.pop("statement"), **values)

    def turn_pages(self) -> int:
        """Show what has become effective, hide what has expired; how many documents changed."""
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
            session.exec(delete(ScheduledRow).where(col(ScheduledRow.effective_at) <= format_time(now)))
            session.add(at)
            self.db.bell.ring(session)
        return len(rows)

    def reconcile(self, *, patient: bool = False) -> int:
        """Take from the ledger what never arrived, and its newest head; how many entries.

        `patient`: while entries come by the queue it is left to bring them.
        """
        fetched = self.catch_up_if_stuck() if patient else self.catch_up()
        head = self.ledger.head()
        if head.size <= self.position():
            self.on_head(head)
        return fetched

    def inspect(self, entry: Entry) -> None:
        """A wrong digest upstream is poison like any other: noted, and parked when its turn comes."""
        try:
            checked(entry)
        except Broken as error:
            self._spoilt[entry.position] = error

    def _asked_turn(self, now: datetime) -> datetime:
        """When the next version begins or ends; far away when none does."""
        moments = [datetime.fromisoformat(moment) for moment in self.db.ask(NEXT_TURN)[0] if moment]
        return min(moments, default=now + LONGEST_TURN)

    def _rows(self, entries: Iterable[Entry]) -> tuple[list[Row], list[Poison]]:
        rows: list[Row] = []
        poison: list[Poison] = []
        for entry in entries:
            try:
                rows.append(self._row(entry))
            except Exception as error:  # noqa: BLE001  # poison of any kind is parked and must not block other keys
                poison.append((entry, error))
        return rows, poison

    def _row(self, entry: Entry) -> Row:
        if spoilt := self._spoilt.pop(entry.position, None):
            raise spoilt
        return document_row(self.adapter, entry)

    def _measure(self, entries: Sequence[Entry]) -> None:
        now = datetime.now(UTC)
        for entry in entries:
            metrics.applied.labels(self.service, entry.op).inc()
            if entry.effective_at is None or entry.effective_at <= now:
                since = max(entry.released_at, entry.effective_at or entry.released_at)
                metrics.publication_latency.labels(self.service).observe((now - since).total_seconds())
        if entries:
            metrics.position.labels(self.service).set(entries[-1].position)


def document_row(adapter: Adapter, entry: Publication) -> Row:
    """What the channel keeps of an entry; content null where it shows nothing."""
    content = adapter.project(entry) if entry.op == Op.RELEASE else None
    served = None if content is None else orjson.dumps({**content, "source": source_of(entry)}, option=SORTED).decode()
    return {
        "key": entry.key,
        "kind": entry.kind,
        "version": entry.version,
        "position": entry.position,
        "digest": entry.digest,
        "content_digest": None if served is None else hashlib.sha256(served.encode()).hexdigest(),
        "effective_at": format_time(entry.effective_at) if entry.effective_at else None,
        "expires_at": format_time(entry.expires_at) if entry.expires_at else None,
        "released_at": format_time(entry.released_at),
        "content": served,
    }


def show(session: Session, at: StateRow, rows: list[Row], now: datetime, *, again: bool = False) -> None:
    """Put rows on show under the next change numbers of `at`, which the caller has locked and saves.

    `again`: rows come from this store itself (their time has come), so an equal version may replace itself.
    """
    due, later = in_time(rows, now)
    put(session, due, later, at.change, SHOW_AGAIN if again else SHOW)
    at.change += len(due)
    forget_overtaken(session, due)


def in_time(rows: Iterable[Row], now: datetime) -> tuple[list[Row], list[Row]]:
    """What is to be shown now, the newest of each key, without content if it has ended; and what waits for its time."""
    moment = format_time(now)
    later: list[Row] = []
    newest: dict[str, Row] = {}
    for row in rows:
        if row["effective_at"] and row["effective_at"] > moment:
            later.append(row)
        elif row["version"] >= newest.get(row["key"], row)["version"]:
            newest[row["key"]] = row
    for row in newest.values():
        if row["expires_at"] and row["expires_at"] <= moment:
            row.update(content=None, content_digest=None)
    return list(newest.values()), later


def put(session: Session, due: list[Row], later: list[Row], change: int, statement: TextClause = SHOW) -> None:
    """Write both down, each row of `due` under the next number after `change`. Older versions lose."""
    if later:
        session.connection().execute(insert(ScheduledRow), later)
    if due:
        numbered = [{**row, "change": change + number} for number, row in enumerate(due, 1)]
        session.connection().execute(statement, numbered)


def park(session: Session, entry: Publication, error: Exception, now: datetime) -> None:
    """Keep a poisonous entry with its reason, for a person."""
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
    """How far the channel is."""
    return session.get(StateRow, ONLY) or StateRow(id=ONLY)


def locked_state(session: Session) -> StateRow:
    """The same, locked until the transaction ends: one applier at a time."""
    row = session.get(StateRow, ONLY, with_for_update=True)
    assert row is not None, "the first migration makes this row"
    return row


def _due(session: Session, now: datetime) -> list[Row]:
    """Scheduled versions whose time has come, oldest first, and documents whose time is over."""
    moment = format_time(now)
    due = session.exec(
        select(ScheduledRow)
        .where(col(ScheduledRow.effective_at) <= moment)
        .order_by(col(ScheduledRow.effective_at), col(ScheduledRow.version))
    )
    over = session.exec(
        select(DocumentRow).where(col(DocumentRow.expires_at) <= moment, col(DocumentRow.content).is_not(None))
    )
    return [{**row.model_dump(exclude={"change"})} for row in [*due, *over]]


def forget_overtaken(session: Session, due: list[Row]) -> None:
    """What is newer than a parked version of its key makes up for it; one that still waits will never be shown."""
    if due:
        session.flush()
        shown = [{"key": row["key"], "version": row["version"]} for row in due]
        for statement in OVERTAKEN:
            session.connection().execute(statement, shown)

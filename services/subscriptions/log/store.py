"""Appends to the log and reads it. A position is given under the lock of the log's row, so there are no holes."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlmodel import Session

from contracts.base import Json
from contracts.kinds import event_type, is_listed
from services.subscriptions.model import ONLY, EventRow, LogRow
from services.subscriptions.statements import (
    CHAIN_AT,
    COMPLETE_SET,
    DEPARTMENT,
    EVENTS,
    FORGET_LOG,
    LOCK_LOG,
    LOG,
    NEWEST,
    SET_DEPARTMENT,
    START_ANEW,
)
from shared.database.engine import Database
from shared.errors import Broken

SOURCE = "/tongyuan/ledger"
OWN_SOURCE = "/tongyuan/subscriptions"
BEGINNING = "0" * 64
OWN_KIND = "subscription"


@dataclass(frozen=True, slots=True)
class LogState:
    """Where the log is; `chain` covers every event up to `position`."""

    epoch: str
    position: int
    chain: str
    ledger_position: int
    ledger_mark: str
    halted: str | None = None


class LogStore:
    """The log in the service's database."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def state(self) -> LogState:
        """Return where the log is."""
        return _state(self.db.fetch(LOG)[0])

    def events(self, after: int, upto: int, limit: int, subscription: str) -> Sequence[Any]:
        """Return the events for a subscription after a position, before filters."""
        return self.db.fetch(EVENTS, after=after, upto=upto, limit=limit, subscription=subscription)

    def newest(self, after: str, upto: int, limit: int) -> Sequence[Any]:
        """Return the newest event of each key after `after`, at position `upto` of the log."""
        return self.db.fetch(NEWEST, after=after, upto=upto, limit=limit)

    def chain_at(self, position: int) -> str | None:
        """Return the chain at a position; None if the log does not reach it."""
        if position == 0:
            return BEGINNING
        return next((row.chain for row in self.db.fetch(CHAIN_AT, position=position)), None)

    def forget(self, session: Session) -> str:
        """Begin a new epoch: the log is empty, and will hold what the ledger has now. Return the epoch."""
        row = _row(session)
        for statement in FORGET_LOG:
            session.connection().exec_driver_sql(statement)
        session.connection().execute(START_ANEW)
        row.epoch, row.position, row.chain = secrets.token_hex(8), 0, BEGINNING
        row.ledger_position, row.ledger_mark, row.halted = 0, "", None
        session.add(row)
        return row.epoch


class Appending:
    """Appends events in one transaction; the log's row is locked from the beginning and written by `close`."""

    def __init__(self, db: Database, session: Session) -> None:
        self._db, self.session = db, session
        self.state = _state(session.connection().execute(LOCK_LOG).one())
        self._first = self.state.position

    def entry(self, entry: Json, at: str) -> None:
        """Append an entry of the ledger that counts from `at` on."""
        item, department = self._place(entry)
        event = {
            "specversion": "1.0",
            "id": f"{entry['key']}/{entry['version']}",
            "source": SOURCE,
            "type": event_type(entry["kind"], entry["op"]),
            "subject": entry["key"],
            "time": at,
            "datacontenttype": "application/json",
            "traceparent": entry.get("traceparent"),
            "data": entry,
        }
        named = {"key": entry["key"], "kind": entry["kind"], "op": entry["op"], "version": entry["version"]}
        self._append(event, **named, item=item, department=department, at=at)
        # Members of the set that this entry completes count from now on.
        self.session.connection().execute(COMPLETE_SET, {"key": entry["key"], "at": at})

    def own(self, word: str, subscription: str, at: str, data: Json) -> int:
        """Append a word of this service to one subscription, such as `paused`. Return its position."""
        number = self.state.position + 1
        key = f"{OWN_KIND}:{subscription}"
        event = {
            "specversion": "1.0",
            "id": f"{key}/{number}-{secrets.token_hex(4)}",
            "source": OWN_SOURCE,
            "type": f"tongyuan.{OWN_KIND}.{word}",
            "subject": key,
            "time": at,
            "datacontenttype": "application/json",
            "data": {"subscription": subscription, **data},
        }
        named = {"key": key, "kind": OWN_KIND, "op": word, "version": number}
        self._append(event, **named, at=at, only_for=subscription)
        return number

    def read_to(self, position: int, mark: str) -> None:
        """Note how far the ledger is read."""
        self.state = replace(self.state, ledger_position=position, ledger_mark=mark)

    def close(self) -> None:
        """Write the log's state; the commit also notifies readers."""
        row = _row(self.session)
        row.position, row.chain = self.state.position, self.state.chain
        row.ledger_position, row.ledger_mark, row.halted = self.state.ledger_position, self.state.ledger_mark, None
        self.session.add(row)
        if self.state.position > self._first:
            self._db.notifier.notify(self.session)

    def _append(self, event: Json, **named: Any) -> None:
        number = self.state.position + 1
        event["sequence"] = str(number)
        text = orjson.dumps({name: value for name, value in event.items() if value is not None}).decode()
        digest = event["data"].get("digest", "")
        chain = hashlib.sha256(f"{self.state.chain}{number}:{event['id']}:{digest}".encode()).hexdigest()
        self.session.add(
            EventRow(position=number, id=event["id"], type=event["type"], event=text, chain=chain, **named)
        )
        self.session.flush()
        self.state = replace(self.state, position=number, chain=chain)

    def _place(self, entry: Json) -> tuple[str | None, str | None]:
        """Return the item that an entry is about, and its department; both None for an entry of no item."""
        if not is_listed(entry["kind"]):
            return None, None
        body, name = entry.get("body") or {}, entry["key"].partition(":")[2]
        if body.get("dept_code"):
            self.session.connection().execute(SET_DEPARTMENT, {"item": name, "department": body["dept_code"]})
            return name, body["dept_code"]
        found = self.session.connection().execute(DEPARTMENT, {"item": name}).first()
        return (name, found.department) if found else (name, None)


def _row(session: Session) -> LogRow:
    row = session.get(LogRow, ONLY, populate_existing=True, with_for_update=True)
    if row is None:
        raise Broken("the log of subscriptions has no state: its migration makes it")
    return row


def _state(row: Any) -> LogState:
    return LogState(row.epoch, row.position, row.chain, row.ledger_position, row.ledger_mark, row.halted)


def wanted(row: Any) -> dict[str, str | None]:
    """Return the attributes of an event that filters may ask for."""
    return {name: getattr(row, name) for name in ("kind", "op", "type", "key", "item", "department")}

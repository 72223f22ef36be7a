"""Reads of the ledger what anybody may read, and appends each entry to the log when it comes to count.

An entry whose time has not come, or whose set is not complete, is planned: nothing of it is in the log before. When its
time comes it is read again, so the ledger alone decides what may be read. An entry that was overtaken before its time
never counts. Kinds that are not public, or not known to this version, are passed over.

If the process dies, what was not committed is read again: position in the ledger, log and plans are one transaction.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from contracts.base import Json, format_time
from contracts.envelope.publication import NoBody
from contracts.kinds import Op, is_public, unknown
from services.subscriptions.log.store import Appending, LogState, LogStore
from services.subscriptions.model import LogRow, PlannedRow
from services.subscriptions.statements import (
    ACT_TOLD,
    DELETE_PLAN,
    DUE_PLANS,
    NEWEST_VERSION,
    POSTPONE_PLAN,
)
from shared import log, metrics
from shared.errors import Broken, NotFound, TongyuanError
from shared.transparency.timeline import Timed

BATCH = 200
DUE_AT_ONCE = 100
POLL_SECONDS = 0.5
AGAIN = timedelta(seconds=1)
NEVER = "9999"
ROLE = "log"
_log = log.get("subscriptions")


class PublicLedger(Protocol):
    """The ledger as a reader without a token sees it."""

    def entries(self, first: int, limit: int) -> Sequence[Json]:
        """Return the entries from position `first` on, at most `limit`, each with its proof. Raises `UpstreamDown`."""


class LedgerReading:
    """Follows the ledger into the log. `clock` returns the present moment."""

    def __init__(
        self, store: LogStore, ledger: PublicLedger, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store, self._ledger, self._clock = store, ledger, clock
        self._known: LogState | None = None

    def run(self, stop: threading.Event) -> None:
        """Follow the ledger until `stop` is set; of several processes one does. If anything is down, retry."""
        listener = self._store.db.notifier.listener()
        while not stop.is_set():
            try:
                more = listener.lead(ROLE) and self.step()
            except TongyuanError as error:
                _log.warning("the ledger is not followed", reason=str(error))
                more = False
            if not more:
                stop.wait(POLL_SECONDS)
        listener.close()

    def step(self) -> bool:
        """Take the next entries and what is due. Return whether more may be waiting."""
        state = self._store.state()
        if state.halted:
            return False
        # The entry before is read again: a ledger that was set back, or has another history, is noticed at once.
        first = max(state.ledger_position, 1)
        found = self._ledger.entries(first, BATCH + 1)
        if state.ledger_position and (not found or _mark(found[0]) != state.ledger_mark):
            self._halt(state)
            return False
        fresh = [one for one in found if one["position"] > state.ledger_position]
        _require_run(fresh, state.ledger_position)
        if fresh:
            self._take(fresh)
        metrics.subscription_log.set(self._store.state().position)
        return self._take_due() or len(fresh) >= BATCH

    def _halt(self, state: LogState) -> None:
        """Stop: what subscribers were told is not what the ledger holds. An operator begins a new epoch."""
        reason = f"账本在第{state.ledger_position}条与这里读过的不同 (the ledger differs at {state.ledger_position})"
        with self._store.db.write() as session:
            row = session.get(LogRow, 1)
            if row is not None:
                row.halted = reason
                session.add(row)
        metrics.subscription_log_halted.set(1)
        _log.critical("the log of subscriptions is halted", remedy="tongyuan subscription restart", reason=reason)

    def _take(self, entries: Sequence[Json]) -> None:
        with self._store.db.write() as session:
            log_ = Appending(self._store.db, session)
            for entry in entries:
                if entry["position"] == log_.state.ledger_position + 1:
                    self._take_one(log_, entry)
                    log_.read_to(entry["position"], _mark(entry))
            log_.close()

    def _take_one(self, log_: Appending, entry: Json) -> None:
        """Append an entry that counts now, plan one that will, and pass over what nobody may read."""
        if not is_public(entry["kind"]) or unknown(entry["kind"], entry["op"]):
            metrics.subscription_passed_over.inc()
            return
        own = format_time(Timed.of_json(entry).starts)
        session, set_, now = log_.session, entry.get("part_of"), format_time(self._clock())
        starts = own
        if set_ is not None:
            told = session.connection().execute(ACT_TOLD, {"key": set_}).one().at
            starts = NEVER if told is None else max(own, told)
        if starts <= now and not _is_withheld(entry):
            log_.entry(entry, max(starts, entry["recorded_at"]))
            return
        plan = {"key": entry["key"], "version": entry["version"], "own_start": own, "starts": starts, "part_of": set_}
        session.add(PlannedRow(ledger_position=entry["position"], **plan))
        session.flush()

    def _take_due(self) -> bool:
        """Append what has come to count. Return whether there was anything."""
        now = self._clock()
        plans = self._store.db.fetch(DUE_PLANS, now=format_time(now), limit=DUE_AT_ONCE)
        bodies = {plan.ledger_position: self._read(plan.ledger_position) for plan in plans}
        if not plans:
            return False
        with self._store.db.write() as session:
            log_ = Appending(self._store.db, session)
            for plan in plans:
                told = session.connection().execute(NEWEST_VERSION, {"key": plan.key}).one().version or 0
                entry = bodies[plan.ledger_position]
                if told < plan.version and _is_withheld(entry):
                    # Its time has come by our clock and not yet by the ledger's.
                    later = {"position": plan.ledger_position, "starts": format_time(now + AGAIN)}
                    session.connection().execute(POSTPONE_PLAN, later)
                    continue
                if told < plan.version:
                    log_.entry(entry, plan.starts)
                session.connection().execute(DELETE_PLAN, {"position": plan.ledger_position})
            log_.close()
        return True

    def _read(self, position: int) -> Json:
        found = self._ledger.entries(position, 1)
        if not found or found[0]["position"] != position:
            raise NotFound(f"the ledger has no entry {position}")
        return found[0]


def _require_run(entries: Sequence[Json], after: int) -> None:
    for number, entry in enumerate(entries, after + 1):
        if entry["position"] != number:
            raise Broken(f"the ledger sent {entry['position']}, expected {number}")


def _is_withheld(entry: Json) -> bool:
    return entry["op"] != Op.WITHDRAW and entry.get("body") is None and entry.get("no_body") == NoBody.WITHHELD


def _mark(entry: Json) -> str:
    return f"{entry['key']}/{entry['version']}/{entry['digest']}"

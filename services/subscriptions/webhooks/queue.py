"""What webhooks have to deliver, in the store. Of each key only the first open delivery is sent.

A delivery is open from the transaction that moves the webhook's mark in the log to the one that notes its answer. If
the process dies in between, it is sent again with the same id. So nothing is lost, and a receiver that drops repeats
sees each key in order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson
from sqlmodel import Session

from contracts.base import Json, format_time
from services.subscriptions.keys import MasterKey
from services.subscriptions.log.store import Appending, LogStore, wanted
from services.subscriptions.model import DeliveryState, SubscriptionRow, SubscriptionState
from services.subscriptions.registry.filters import matches
from services.subscriptions.statements import (
    ADD_ATTEMPT,
    ADD_DELIVERY,
    DUE,
    END_DELIVERY,
    FAILED,
    GENERATIONS,
    ONE_LESS,
    PRUNE_ATTEMPTS,
    PRUNE_DELIVERIES,
    PRUNE_TEXTS,
    RETRY_DELIVERY,
    SET_QUEUED,
    SUCCEEDED,
    TO_QUEUE,
    WAITING,
)
from services.subscriptions.webhooks.calling import Calling
from services.subscriptions.webhooks.message import GONE, Lane, Message, Outcome
from services.subscriptions.webhooks.payload import payload
from shared import log, metrics
from shared.audit.recording import AuditEntry, record
from shared.tokens.person import SYSTEM
from shared.webhooks.schedule import hold, later, next_rest
from shared.webhooks.signatures import signature_header

MOST_OPEN = 2000
"""Deliveries of one webhook that are stored ahead; the log holds the rest."""

QUEUED_AT_ONCE = 500
LIVELY = timedelta(days=1)
"""A webhook that has answered within this time is not paused: only the one event is given up."""

CONTENT_TYPE = "application/cloudevents+json"
_log = log.get("webhooks")


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery to send: the event's id and text, and the failures so far. The lane's id is the webhook's."""

    lane: Lane
    url: str
    payload_limit: int
    position: int
    key: str
    failures: int
    event_id: str
    event: str


class DeliveryQueue:
    """The deliveries of all webhooks, signed with what follows from `key`."""

    def __init__(self, log_: LogStore, key: MasterKey, calling: Calling) -> None:
        self._log, self._db, self._key = log_, log_.db, key
        self._calling, self._rests, self._keeping = calling, calling.rests, calling.keeping

    def fill(self) -> int:
        """Store the deliveries of events that webhooks have not seen. Return the number of webhooks that moved."""
        state = self._log.state()
        moved = 0
        for row in self._db.fetch(TO_QUEUE, most=MOST_OPEN):
            events = self._log.events(row.queued, state.position, QUEUED_AT_ONCE, row.id)
            filters = orjson.loads(row.filters)
            chosen = [one for one in events if one.only_for is not None or matches(filters, wanted(one))]
            upto = events[-1].position if len(events) == QUEUED_AT_ONCE else state.position
            moved += self._store(row.id, row.queued, upto, chosen)
        return moved

    def _store(self, webhook: str, seen: int, upto: int, chosen: Sequence[Any]) -> int:
        now = format_time(datetime.now(UTC))
        with self._db.write() as session:
            mark = {"id": webhook, "seen": seen, "upto": upto, "added": len(chosen)}
            if session.connection().execute(SET_QUEUED, mark).first() is None:
                return 0  # another process was faster
            if chosen:
                rows = [{"subscription": webhook, "position": e.position, "key": e.key, "now": now} for e in chosen]
                session.connection().execute(ADD_DELIVERY, rows)
        return 1

    def waiting(self) -> Sequence[Lane]:
        """Return the webhooks that have open deliveries and may be called now."""
        return [Lane(row.id, row.rate) for row in self._db.fetch(WAITING, now=format_time(datetime.now(UTC)))]

    def due(self, lane: Lane, limit: int) -> Sequence[Due]:
        """Return the deliveries to send now, the first open one of each key, longest due first."""
        rows = self._db.fetch(DUE, subscription=lane.id, now=format_time(datetime.now(UTC)), limit=limit)
        return [
            Due(lane, row.url, row.payload_limit, row.position, row.key, row.attempts, row.id, row.event)
            for row in rows
        ]

    def message(self, due: Due) -> Message:
        """Return the call, to be signed with every generation of secrets that signs now, newest first."""
        now = format_time(datetime.now(UTC))
        rows = self._db.fetch(GENERATIONS, subscription=due.lane.id, now=now)
        keys = [self._key.signing(due.lane.id, row.generation) for row in rows]
        body = payload(due.event, due.payload_limit)
        sign = partial(signature_header, due.event_id, body=body, generations=keys)
        rules, patience = self._calling.rules, self._calling.patience
        return Message(due.event_id, due.url, body, CONTENT_TYPE, "tongyuan-webhooks/1", sign, rules, patience)

    def note(self, outcomes: Sequence[Outcome[Due]]) -> None:
        """Store how calls went, in one transaction. If we die before its commit, they are sent again."""
        with self._db.write() as session:
            ended = [self._note_one(session, one) for one in outcomes]
            for subscription, reason in filter(None, ended):
                self._pause(session, subscription, reason)

    def _note_one(self, session: Session, one: Outcome[Due]) -> tuple[str, str] | None:
        """Return the webhook that has to be paused and why, if it has."""
        connection, now, of = session.connection(), format_time(one.at), one.due
        place = {"subscription": of.lane.id, "position": of.position}
        call = {"milliseconds": one.milliseconds, "status": one.status, "problem": one.problem, "now": now}
        connection.execute(ADD_ATTEMPT, {**place, **call, "request": one.request, "answer": one.answer})
        if one.problem is None:
            metrics.webhook_calls.labels("delivered").inc()
            self._end(session, one, DeliveryState.DELIVERED, failed=0)
            connection.execute(SUCCEEDED, {"now": now, "id": of.lane.id})
            return None
        metrics.webhook_calls.labels("failed").inc()
        rest = hold(one.status, one.asked)
        held = None if rest is None else format_time(later(one.at, rest))
        connection.execute(FAILED, {"now": now, "hold_until": held, "id": of.lane.id})
        wait = next_rest(of.failures + 1, one.asked, self._rests)
        if one.status == GONE:
            wait = self._rests[-1] if wait is None else wait
        if wait is not None:
            connection.execute(RETRY_DELIVERY, {**place, "next_at": format_time(later(one.at, wait))})
            return (of.lane.id, "接收方答复 410 (the receiver answered 410)") if one.status == GONE else None
        return self._exhausted(session, one)

    def _exhausted(self, session: Session, one: Outcome[Due]) -> tuple[str, str] | None:
        """After the last try: give up this event if the webhook answers otherwise; else pause, and lose nothing."""
        row = session.get(SubscriptionRow, one.due.lane.id)
        if row is not None and row.succeeded_at is not None and row.succeeded_at > format_time(one.at - LIVELY):
            metrics.webhook_calls.labels("given_up").inc()
            _log.error("a delivery was given up", subscription=row.id, delivery=one.due.event_id, problem=one.problem)
            self._end(session, one, DeliveryState.GIVEN_UP, failed=1)
            self._tell(session, row.id, "undelivered", {"event": one.due.event_id, "reason": one.problem})
            return None
        place = {"subscription": one.due.lane.id, "position": one.due.position}
        session.connection().execute(RETRY_DELIVERY, {**place, "next_at": format_time(one.at)})
        return one.due.lane.id, f"三天内每次都失败：{one.problem} (failed for three days: {one.problem})"[:200]

    def _end(self, session: Session, one: Outcome[Due], state: DeliveryState, failed: int) -> None:
        place = {"subscription": one.due.lane.id, "position": one.due.position}
        ended = {"state": str(state), "failed": failed, "now": format_time(one.at)}
        if session.connection().execute(END_DELIVERY, {**place, **ended}).first() is not None:
            session.connection().execute(ONE_LESS, {"id": one.due.lane.id})

    def _pause(self, session: Session, subscription: str, reason: str) -> None:
        """Stop calling a webhook: by metric, log, audit row and an event of its own."""
        row = session.get(SubscriptionRow, subscription, populate_existing=True, with_for_update=True)
        if row is None or row.state != SubscriptionState.ACTIVE:
            return
        before: Json = {"state": row.state}
        row.state, row.reason, row.revision = SubscriptionState.PAUSED, reason, row.revision + 1
        session.add(row)
        metrics.webhook_calls.labels("paused").inc()
        _log.critical("a webhook is paused", subscription=row.id, reason=reason, remedy="tongyuan subscription resume")
        self._tell(session, row.id, "paused", {"reason": reason})
        after = {"state": row.state, "reason": reason}
        record(session, SYSTEM, AuditEntry("subscription.pause", f"subscription:{row.id}", before, after))

    def _tell(self, session: Session, subscription: str, word: str, data: Json) -> None:
        """Append a word to the subscription's feed."""
        session.flush()
        log_ = Appending(self._db, session)
        log_.own(word, subscription, format_time(datetime.now(UTC)), data)
        log_.close()

    def prune(self) -> None:
        """Remove texts of calls, and later the calls and ended deliveries, as `Keeping` says. Nothing that is open."""
        now = datetime.now(UTC)
        of_texts, of_rows = format_time(now - self._keeping.texts), format_time(now - self._keeping.rows)
        parts = (
            ("texts", PRUNE_TEXTS, of_texts),
            ("calls", PRUNE_ATTEMPTS, of_rows),
            ("deliveries", PRUNE_DELIVERIES, of_rows),
        )
        for part, statement, before in parts:
            with self._db.write() as session:
                removed = session.connection().execute(statement, {"before": before}).rowcount
            metrics.webhook_pruned.labels(part).inc(max(removed, 0))

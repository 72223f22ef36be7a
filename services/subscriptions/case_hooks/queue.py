"""What hooks have to tell, in the store: of each hook only the newest state.

News is due from the transaction that stores it to the one that notes the answer. If the process dies in between, it is
sent again with the same id, so that a receiver that drops repeats hears each state once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session

from contracts.base import format_time
from services.subscriptions.case_hooks.addresses import HostRules
from services.subscriptions.case_hooks.sealing import HookSeals
from services.subscriptions.case_hooks.statements import (
    ADD_CALL,
    DELETE_EXPIRED,
    DUE_NEWS,
    FAILED,
    HOSTS,
    PRUNE_CALLS,
    TOLD,
)
from services.subscriptions.case_hooks.store import end_hook
from services.subscriptions.model import CaseHookState
from services.subscriptions.webhooks.message import GONE, Lane, Message, Outcome
from shared import log, metrics
from shared.database.engine import Database
from shared.errors import Broken
from shared.webhooks.schedule import later, next_rest
from shared.webhooks.signatures import hmac_signature

RATE = 20
"""Most calls to one host per second."""

SHOWN_NO_MORE = "x"
"""Last character of the mark of a case that is shown no more."""

_log = log.get("hooks")


@dataclass(frozen=True, slots=True)
class DueNews:
    """News to tell, and the failures so far."""

    lane: Lane
    hook: str
    url: str
    secret: bytes
    failures: int
    mark: str
    body: str

    @property
    def key(self) -> str:
        """A hook has one call at a time."""
        return self.hook

    @property
    def last(self) -> bool:
        """Whether nothing comes after it."""
        return self.mark.endswith(SHOWN_NO_MORE)


@dataclass(frozen=True)
class HookCalling:
    """Which addresses may be called, and the seconds for one call. `rests`: see `schedule.RESTS`."""

    rules: HostRules
    rests: Sequence[float]
    patience: float
    log_kept: timedelta


class HookQueue:
    """The news of all hooks. Hooks of one host share its calls, so a slow host delays no other."""

    def __init__(self, db: Database, seals: HookSeals, calling: HookCalling) -> None:
        self._db, self._seals, self._calling = db, seals, calling

    def waiting(self) -> Sequence[Lane]:
        """Return the hosts for which something is due now."""
        return [Lane(row.host, RATE) for row in self._db.fetch(HOSTS, now=_now())]

    def due(self, lane: Lane, limit: int) -> Sequence[DueNews]:
        """Return what to tell a host now, longest due first."""
        rows = self._db.fetch(DUE_NEWS, host=lane.id, now=_now(), limit=limit)
        return [news for row in rows if (news := self._opened(lane, row)) is not None]

    def _opened(self, lane: Lane, row: Any) -> DueNews | None:
        """Return the news with the key that signs it. A secret that cannot be opened ends the hook."""
        try:
            secret = self._seals.signing_key(row.id, row.secret)
        except Broken as error:
            _log.error("a hook of a case cannot be signed", hook=row.id, reason=str(error))
            with self._db.write() as session:
                self._end(session, row.id, row.failures, "the county's key has changed", CaseHookState.DEAD)
            return None
        return DueNews(lane, row.id, row.url, secret, row.failures, row.mark, row.body)

    def message(self, due: DueNews) -> Message:
        """Return the call. One mark always has the same id and body."""
        name, body = f"{due.hook}.{due.mark}", due.body.encode()
        return Message(
            id=name,
            url=due.url,
            body=body,
            content_type="application/json",
            agent="tongyuan-hooks/1",
            sign=lambda moment: hmac_signature(due.secret, name, moment, body),
            rules=self._calling.rules,
            patience=self._calling.patience,
            reads=False,
        )

    def note(self, outcomes: Sequence[Outcome[DueNews]]) -> None:
        """Store how calls went, in one transaction. If we die before its commit, they are made again."""
        with self._db.write() as session:
            for one in outcomes:
                self._note_one(session, one)

    def _note_one(self, session: Session, one: Outcome[DueNews]) -> None:
        connection, now, due = session.connection(), format_time(one.at), one.due
        call = {"milliseconds": one.milliseconds, "status": one.status, "problem": one.problem}
        connection.execute(ADD_CALL, {**call, "hook": due.hook, "now": now})
        if one.problem is None:
            metrics.hook_calls.labels("told").inc()
            connection.execute(TOLD, {"id": due.hook, "mark": due.mark, "now": now})
            if due.last:
                end_hook(session, due.hook, CaseHookState.ENDED)
            return
        failures, wait = due.failures + 1, next_rest(due.failures + 1, one.asked, self._calling.rests)
        if one.status == GONE or wait is None:
            state = CaseHookState.ENDED if one.status == GONE else CaseHookState.DEAD
            metrics.hook_calls.labels(str(state)).inc()
            self._end(session, due.hook, failures, one.problem, state)
            return
        metrics.hook_calls.labels("failed").inc()
        again = {"failures": failures, "problem": one.problem[:100], "next_at": format_time(later(one.at, wait))}
        connection.execute(FAILED, {**again, "id": due.hook})

    def _end(self, session: Session, hook: str, failures: int, problem: str, state: CaseHookState) -> None:
        _log.warning("a hook of a case ended", hook=hook, state=str(state), failures=failures, problem=problem)
        last = {"failures": failures, "problem": problem[:100], "next_at": _now()}
        session.connection().execute(FAILED, {**last, "id": hook})
        end_hook(session, hook, state)

    def prune(self) -> None:
        """Delete hooks that have expired, and calls that are older than the delivery log keeps them."""
        now = datetime.now(UTC)
        with self._db.write() as session:
            session.connection().execute(DELETE_EXPIRED, {"now": format_time(now)})
            before = format_time(now - self._calling.log_kept)
            session.connection().execute(PRUNE_CALLS, {"before": before})


def _now() -> str:
    return format_time(datetime.now(UTC))

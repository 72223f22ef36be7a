"""The hooks in the store of subscriptions. Each change is a transaction of its own, and may be asked for twice."""

import hmac
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from contracts.base import Json, format_time
from services.subscriptions.case_hooks.addresses import HostRules, host_of
from services.subscriptions.case_hooks.requests import CaseHook, News
from services.subscriptions.case_hooks.sealing import HookSeals, secret_hash
from services.subscriptions.case_hooks.statements import ADD_HOOK, CALLS, DELETE_CALLS, DELETE_HOOK, END_HOOK
from services.subscriptions.model import CaseHookRow, CaseHookState
from shared.database.engine import Database
from shared.errors import NotFound


class CaseHookStore:
    """What mobile asks for. If we die before a commit, mobile gets no answer and asks again."""

    def __init__(self, db: Database, seals: HookSeals, rules: HostRules) -> None:
        self._db, self._seals, self._rules = db, seals, rules

    def put(self, hook: str, wanted: CaseHook) -> None:
        """Store a hook. One that is there stays as it is: its news may have gone on since the first request.

        Raises `Invalid` for an address that may not be called.
        """
        if not wanted.moved:
            self._rules.require_url(wanted.url)
        active = CaseHookState(wanted.state) == CaseHookState.ACTIVE
        values = {
            "id": hook,
            "url": wanted.url if active else "",
            "host": host_of(wanted.url) if active else "",
            "secret": self._seals.seal(hook, wanted.secret) if active else "",
            "secret_hash": secret_hash(wanted.secret),
            "next_at": format_time(wanted.next_at or datetime.now(UTC)),
            "expires_at": format_time(wanted.expires_at),
            **{name: getattr(wanted, name) for name in ("told", "state", "failures", "problem")},
        }
        with self._db.write() as session:
            session.connection().execute(ADD_HOOK, {**values, "due": False})

    def news(self, hook: str, news: News) -> str | None:
        """Make a state due, unless another one came in between. Return the mark that is here now.

        None: this hook has ended or is unknown, so it needs no news any more. The same mark again changes nothing.
        """
        with self._db.write() as session:
            row = _locked(session, hook)
            if row is None or row.state != CaseHookState.ACTIVE:
                return None
            if row.mark == news.after and row.mark != news.mark:
                # What was told before and is shown again, as after a restored backup, is no news.
                row.due = news.mark != row.told
                row.mark, row.body = news.mark, news.body if row.due else None
                session.add(row)
                self._db.notifier.notify(session)
            return row.mark

    def state(self, hook: str, secret: str) -> Json:
        """Return how a hook is. Raises `NotFound`, the same for a wrong id and a wrong secret."""
        with self._db.read() as session:
            row = _owned(session.get(CaseHookRow, hook), secret)
        return {name: getattr(row, name) for name in ("id", "state", "failures", "problem", "expires_at")}

    def end(self, hook: str, secret: str | None) -> None:
        """Delete a hook and its calls. `secret` None: by mobile's own decision; what is gone already is fine then.

        Raises `NotFound`, as above.
        """
        with self._db.write() as session:
            if secret is not None:
                _owned(_locked(session, hook), secret)
            session.connection().execute(DELETE_CALLS, {"hook": hook})
            session.connection().execute(DELETE_HOOK, {"hook": hook})

    def calls(self, hook: str) -> Json:
        """Return the calls of a hook, oldest first: when, how long, and how it went."""
        rows: Any = self._db.fetch(CALLS, hook=hook)
        names = ("at", "milliseconds", "status", "problem")
        return {"hook": hook, "calls": [{name: getattr(row, name) for name in names} for row in rows]}


def end_hook(session: Session, hook: str, state: CaseHookState) -> None:
    """Nobody is called any more: delete address and secret at once. How it ended can be read until it expires."""
    session.connection().execute(END_HOOK, {"id": hook, "state": str(state), "due": False})


def _locked(session: Session, hook: str) -> CaseHookRow | None:
    return session.get(CaseHookRow, hook, with_for_update=True)


def _owned(row: CaseHookRow | None, secret: str) -> CaseHookRow:
    # Compare in any case, so that an existing id takes as long as an unknown one.
    same = hmac.compare_digest(row.secret_hash if row else secret_hash(""), secret_hash(secret))
    if not same or row is None:
        raise NotFound("there is no such subscription")
    return row

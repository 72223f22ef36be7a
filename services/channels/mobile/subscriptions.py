"""Subscriptions: an app's backend is told when a case changes. Which case that is, is stored here and nowhere else.

A client with case number and query code subscribes with an address. The service subscriptions stores the address and
the secret, and calls; `news` pushes to it what is due.
"""

import hashlib
import secrets
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import Field
from sqlmodel import Session, col, func, or_, select

from contracts.base import Json, format_time
from services.channels.api.case_lookup import LookupRequest
from services.channels.core.model import FormerHookRow, HookRow
from services.channels.mobile.case_hooks import CaseHooks
from services.channels.mobile.statements import ABANDONED, DELETE_EXPIRED, DELETE_HOOK, UNMOVED
from shared.database.engine import Database
from shared.errors import Conflict, Refused, TongyuanError

MOST_OF_A_CASE = 5
PREFIX = "whsec_"
MOVED = "moved"
ABANDONED_AFTER = timedelta(minutes=5)
"""Longer than any request takes."""


class Subscription(LookupRequest):
    """Number and code of the receipt, and the address to call."""

    url: str = Field(
        max_length=300, description="`https` URL of the app's backend, without a query and without personal data.",
        examples=["https://app.example.gov.cn/hooks/tongyuan"],
    )  # fmt: skip
    days: int = Field(default=90, ge=1, le=365, description="Days after which the subscription expires.")


@dataclass(frozen=True, slots=True)
class Last:
    """The last news of a hook: its case is shown no more. `after`: the mark that subscriptions has confirmed."""

    after: str | None = None
    mark: str | None = None
    body: str | None = None


class SubscriptionStore:
    """The subscriptions in the mobile channel's database, and the hooks that belong to them at subscriptions."""

    def __init__(self, db: Database, hooks: CaseHooks) -> None:
        self._db, self._hooks = db, hooks

    def add(self, wanted: Subscription, case: Json) -> Json:
        """Subscribe to `case`, the document found by number and code; `secret` is returned only now.

        Replaces a subscription with the same address for the same case. Raises `Conflict` if the case has the maximum,
        `Invalid` for an address that may not be called, `UpstreamDown`.
        """
        now, secret = datetime.now(UTC), PREFIX + b64encode(secrets.token_bytes(24)).decode()
        expires_at = format_time(now + timedelta(days=wanted.days))
        hook = f"hook_{secrets.token_hex(12)}"
        row = HookRow(
            id=hook,
            case_ref=case["code"],
            told=str(case["source"]["version"]),
            next_at=format_time(now),
            expires_at=expires_at,
            address=digest(wanted.url),
            state=MOVED,
            url=hook,
            host="",
            secret="",
        )
        self._ask(row, wanted.url)
        # If we die here, a row is left without a hook, or with one whose secret nobody has: `clean` ends it.
        try:
            told = {"told": row.told, "expires_at": expires_at}
            self._hooks.put(hook, {"url": wanted.url, "secret": secret, **told})
        except Refused:
            self._db.execute(DELETE_HOOK, id=hook)
            raise
        except TongyuanError:
            # It may have been stored all the same.
            self.end(hook)
            raise
        # If we die here, likewise.
        self._confirm(hook, row.told, wanted.url)
        return {"id": hook, "secret": secret, "expires_at": expires_at}

    def _ask(self, row: HookRow, url: str) -> None:
        with self._db.write() as session:
            others = select(func.count()).where(col(HookRow.case_ref) == row.case_ref, ~_leads_to(url))
            if session.exec(others).one() >= MOST_OF_A_CASE:
                raise Conflict(f"a case has at most {MOST_OF_A_CASE} subscriptions")
            session.add(row)

    def _confirm(self, hook: str, told: str, url: str) -> None:
        """Note that subscriptions has the hook, forget whom it calls, and end the hooks that it replaces."""
        with self._db.write() as session:
            row = session.get(HookRow, hook, with_for_update=True)
            if row is None or row.pushed is not None:
                return  # another process was faster
            same = select(HookRow).where(HookRow.case_ref == row.case_ref, _leads_to(url), HookRow.id != hook)
            # One that is only asked for will replace this one.
            there = or_(col(HookRow.pushed).is_not(None), HookRow.secret != "")
            for one in session.exec(same.where(there)).all():
                _make_former(session, one)
            row.pushed, row.address, row.state = told, digest(url), MOVED
            row.url, row.host, row.secret = hook, "", ""
            session.add(row)
            self._db.notifier.notify(session)

    def move(self, hook: str) -> None:
        """Give subscriptions one hook of the release before, if this is one. Raises `UpstreamDown`."""
        now = format_time(datetime.now(UTC))
        for row in self._db.fetch(UNMOVED, now=now, after="", one=hook, limit=1):
            self.move_row(row)

    def move_row(self, row: Any) -> None:
        """Give subscriptions the hook of a row of `UNMOVED`."""
        names = ("url", "secret", "told", "state", "failures", "problem", "next_at", "expires_at")
        self._hooks.put(row.id, {**{name: getattr(row, name) for name in names}, "moved": True})
        # If we die here, it is there and here: it is sent once more, which changes nothing, and calls nobody meanwhile.
        self._confirm(row.id, row.told, row.url)

    def end(self, hook: str, last: Last | None = None) -> None:
        """Forget a hook here at once, and have subscriptions told until it confirms that.

        Without last news the hook is deleted there.
        """
        with self._db.write() as session:
            row = session.get(HookRow, hook, with_for_update=True)
            if row is not None:
                _make_former(session, row, last)
                self._db.notifier.notify(session)

    def forget(self, hook: str) -> None:
        """Delete a hook here that is gone at subscriptions."""
        self._db.execute(DELETE_HOOK, id=hook)

    def clean(self) -> None:
        """Delete subscriptions that have expired, and end those whose request was not finished."""
        now = datetime.now(UTC)
        self._db.execute(DELETE_EXPIRED, now=format_time(now))
        for row in self._db.fetch(ABANDONED, before=format_time(now - ABANDONED_AFTER)):
            self.end(row.id)


def digest(url: str) -> str:
    """Return what is kept of an address: it says whether another one is the same."""
    return hashlib.sha256(url.encode()).hexdigest()


def _leads_to(url: str) -> Any:
    return or_(func.coalesce(HookRow.address, "") == digest(url), col(HookRow.url) == url)


def _make_former(session: Session, row: HookRow, last: Last | None = None) -> None:
    told = last or Last()
    session.delete(row)
    session.merge(FormerHookRow(id=row.id, after=told.after, mark=told.mark, body=told.body))

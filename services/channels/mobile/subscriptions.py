"""Subscriptions: an app's backend is told when a case changes. Stored here; `webhook_delivery` makes the calls.

A client with case number and query code subscribes with an address on a host that the county allows. Nothing is queued:
a subscription stores a mark of the state last told, and any later state that the channel has applied is due. Therefore
a killed process, a restored backup or a rebuild loses nothing, and a receiver that was down gets the newest state once.
"""

import hmac
import secrets
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson
from pydantic import Field
from sqlmodel import Session, col, delete, func, select

from contracts.base import Json, format_time
from services.channels.api.case_lookup import LookupRequest
from services.channels.core.model import HookRow
from services.channels.mobile.statements import CLAIM, DELETE_EXPIRED, DUE, HOSTS, SET_FAILED, SET_TOLD
from shared.config import Settings
from shared.database.engine import Database
from shared.errors import Conflict, Invalid, NotFound, Violation
from shared.security.privacy import find_personal_data

MOST_OF_A_CASE = 5
PREFIX = "whsec_"
ACTIVE, DEAD, ENDED = "active", "dead", "ended"


class Subscription(LookupRequest):
    """Number and code of the receipt, and the address to call."""

    url: str = Field(
        max_length=300, description="`https` URL of the app's backend, without a query and without personal data.",
        examples=["https://app.example.gov.cn/hooks/tongyuan"],
    )  # fmt: skip
    days: int = Field(default=90, ge=1, le=365, description="Days after which the subscription expires.")


@dataclass(frozen=True, slots=True)
class News:
    """One call to make."""

    id: str
    url: str
    secret: str
    failures: int
    mark: str
    body: bytes
    last: bool


class SubscriptionStore:
    """The subscriptions in the mobile channel's database. Each change is a transaction of its own."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, wanted: Subscription, case: Json, settings: Settings) -> Json:
        """Store a subscription to `case`, the document found by number and code; `secret` is returned only now.

        Replaces a subscription with the same address for the same case. Raises `Conflict` if the case has the maximum.
        """
        host = allowed_host(wanted.url, settings)
        now = datetime.now(UTC)
        row = HookRow(
            id=f"hook_{secrets.token_hex(12)}",
            case_ref=case["code"],
            url=wanted.url,
            host=host,
            secret=PREFIX + b64encode(secrets.token_bytes(24)).decode(),
            told=str(case["source"]["version"]),
            next_at=format_time(now),
            expires_at=format_time(now + timedelta(days=wanted.days)),
        )
        with self._db.write() as session:
            of_case = col(HookRow.case_ref) == row.case_ref
            session.exec(delete(HookRow).where(of_case, col(HookRow.url) == row.url))
            if session.exec(select(func.count()).select_from(HookRow).where(of_case)).one() >= MOST_OF_A_CASE:
                raise Conflict(f"a case has at most {MOST_OF_A_CASE} subscriptions")
            session.add(row)
            self._db.notifier.notify(session)
        return {"id": row.id, "secret": row.secret, "expires_at": row.expires_at}

    def state(self, wanted: str, secret: str) -> Json:
        """Return the state of a subscription. Raises `NotFound`, the same for a wrong id and a wrong secret."""
        with self._db.read() as session:
            row = _owned(session, wanted, secret)
        return {
            "id": row.id,
            "state": row.state,
            "failures": row.failures,
            "problem": row.problem,
            "expires_at": row.expires_at,
        }

    def end(self, wanted: str, secret: str) -> None:
        """Delete the subscription. Raises `NotFound`, as above."""
        with self._db.write() as session:
            session.delete(_owned(session, wanted, secret))

    def forget_expired(self) -> None:
        """Delete subscriptions that have expired."""
        self._db.execute(DELETE_EXPIRED, now=format_time(datetime.now(UTC)))

    def hosts(self) -> list[str]:
        """Return the hosts that have subscriptions."""
        return [row.host for row in self._db.fetch(HOSTS)]

    def claim(self, host: str, limit: int, lease: timedelta) -> list[News]:
        """Claim at most `limit` calls that are due to a host; nobody else gets them before `lease` has passed."""
        now = datetime.now(UTC)
        rows = self._db.fetch(DUE, host=host, now=format_time(now), limit=limit)
        until = format_time(now + lease)
        return [_news(row) for row in rows if self._db.execute(CLAIM, id=row.id, seen=row.next_at, until=until)]

    def note_told(self, news: News) -> None:
        """Store that a call was answered."""
        state = ENDED if news.last else ACTIVE
        self._db.execute(SET_TOLD, id=news.id, mark=news.mark, now=format_time(datetime.now(UTC)), state=state)

    def note_failed(self, news: News, problem: str, state: str, next_at: datetime) -> None:
        """Store that a call failed, and when to try again."""
        values = {"failures": news.failures + 1, "problem": problem[:100], "next_at": format_time(next_at)}
        self._db.execute(SET_FAILED, id=news.id, state=state, **values)


def allowed_host(url: str, settings: Settings) -> str:
    """Return `name` or `name:port` of an address that may be called. Raises `Invalid` (field `url`)."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _refused("form", "is not a URL") from None
    schemes = ("https", "http") if settings.hook_private else ("https",)
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    if parts.scheme not in schemes or not plain or not url.isascii() or not url.isprintable() or " " in url:
        raise _refused(
            "form", f"must be {' or '.join(schemes)}://host/path, in ASCII and without user, query, fragment"
        )
    if find_personal_data(url):
        raise _refused("personal", "must not contain personal numbers")
    named = host if port is None else f"{host}:{port}"
    if named not in settings.hook_hosts.split(",") or not host:
        raise _refused(
            "host", "this county does not call this host; its operators list the allowed hosts (TONGYUAN_HOOK_HOSTS)"
        )
    return named


def _refused(rule: str, message: str) -> Invalid:
    return Invalid(Violation("url", rule, message))


def _owned(session: Session, wanted: str, secret: str) -> HookRow:
    row = session.get(HookRow, wanted)
    # Compare in any case, so that an existing id takes as long as an unknown one.
    if not hmac.compare_digest((row.secret if row else PREFIX).encode(), secret.encode()) or row is None:
        raise NotFound("there is no such subscription")
    return row


def _news(row: Any) -> News:
    """Build the call: it tells the public stage and nothing personal. One mark always gives the same body."""
    shown: Mapping[str, Any] = orjson.loads(row.content) if row.content else {}
    body = {
        "type": "application.advanced" if shown else "application.ended",
        "timestamp": row.released_at,
        "data": {
            "subscription": row.id,
            "version": row.version,
            "stage": shown.get("stage"),
            "stage_label": shown.get("stage_label"),
        },
    }
    return News(row.id, row.url, row.secret, row.failures, row.mark, orjson.dumps(body), last=not shown)

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
from sqlalchemy import text
from sqlmodel import Session, col, delete, func, select

from contracts.base import Json, format_time
from services.channels.api.case_lookup import LookupRequest
from services.channels.core.model import HookRow
from shared.config import Settings
from shared.database.engine import Database
from shared.errors import Conflict, Invalid, NotFound, Violation
from shared.security.privacy import find_personal_data

MOST_OF_A_CASE = 5
PREFIX = "whsec_"
ACTIVE, DEAD, ENDED = "active", "dead", "ended"
MARK = "coalesce(CAST(d.version AS TEXT) || CASE WHEN d.content IS NULL THEN 'x' ELSE '' END, 'x')"
DUE = text(
    f"SELECT h.id, h.url, h.host, h.secret, h.failures, h.next_at, d.version, d.content, d.released_at, {MARK} AS mark "  # noqa: S608  # our own text
    "FROM hook h LEFT JOIN document d ON d.key = 'application:' || h.case_ref "
    f"WHERE h.host = :host AND h.state = 'active' AND h.next_at <= :now AND h.expires_at > :now AND h.told <> {MARK} "
    "ORDER BY h.next_at, h.id LIMIT :limit"
)
HOSTS = text("SELECT DISTINCT host FROM hook WHERE state = 'active'")
CLAIM = "UPDATE hook SET next_at = :until WHERE id = :id AND next_at = :seen AND state = 'active' RETURNING id"
TOLD = "UPDATE hook SET told = :mark, failures = 0, problem = NULL, next_at = :now, state = :state WHERE id = :id"
FAILED = (
    "UPDATE hook SET failures = :failures, problem = :problem, next_at = :next_at, state = :state "
    "WHERE id = :id AND state = 'active'"
)


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


def subscribe(db: Database, wanted: Subscription, case: Json, settings: Settings) -> Json:
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
    with db.write() as session:
        of_case = col(HookRow.case_ref) == row.case_ref
        session.exec(delete(HookRow).where(of_case, col(HookRow.url) == row.url))
        if session.exec(select(func.count()).select_from(HookRow).where(of_case)).one() >= MOST_OF_A_CASE:
            raise Conflict(f"a case has at most {MOST_OF_A_CASE} subscriptions")
        session.add(row)
        db.notifier.notify(session)
    return {"id": row.id, "secret": row.secret, "expires_at": row.expires_at}


def standing(db: Database, wanted: str, secret: str) -> Json:
    """Return the state of a subscription. Raises `NotFound`, the same for a wrong id and a wrong secret."""
    with db.read() as session:
        row = _owned(session, wanted, secret)
    return {
        "id": row.id,
        "state": row.state,
        "failures": row.failures,
        "problem": row.problem,
        "expires_at": row.expires_at,
    }


def unsubscribe(db: Database, wanted: str, secret: str) -> None:
    """Delete the subscription. Raises `NotFound`, as above."""
    with db.write() as session:
        session.delete(_owned(session, wanted, secret))


def forget_expired(db: Database) -> None:
    """Delete subscriptions that have expired."""
    db.execute("DELETE FROM hook WHERE expires_at <= :now", now=format_time(datetime.now(UTC)))


def claimed(db: Database, host: str, limit: int, lease: timedelta) -> list[News]:
    """Claim at most `limit` calls that are due to a host; nobody else gets them before `lease` has passed."""
    now = datetime.now(UTC)
    rows = db.fetch(DUE, host=host, now=format_time(now), limit=limit)
    until = format_time(now + lease)
    return [_news(row) for row in rows if db.execute(CLAIM, id=row.id, seen=row.next_at, until=until)]


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

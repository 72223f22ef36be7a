"""Keys of subscribers: shown once, stored as SHA-256, with scopes, revocable at once."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import Request
from sqlmodel import Session

from contracts.base import Json, format_time
from services.subscriptions.model import AccessKeyRow, SubscriptionRow, SubscriptionState
from shared.database.engine import Database
from shared.errors import Forbidden, NotAllowed

PREFIX = "tysub_"
KEY = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
SECURITY = "subscriber"


@dataclass(frozen=True)
class Subscriber:
    """Who reads: a subscription, with the scopes of the key."""

    subscription: SubscriptionRow
    scopes: frozenset[str]


def key_hash(key: str) -> str:
    """Return the hash by which a key is known. 256 random bits need no slow hash."""
    return hashlib.sha256(key.encode()).hexdigest()


def made_key(session: Session, subscription: str, scopes: list[str], expires_at: str | None) -> Json:
    """Store a new key; `key` in the answer is told only now."""
    key = PREFIX + secrets.token_urlsafe(32)
    row = AccessKeyRow(
        hash=key_hash(key),
        id=secrets.token_hex(8),
        subscription=subscription,
        scopes=" ".join(sorted(set(scopes))),
        created_at=format_time(datetime.now(UTC)),
        expires_at=expires_at,
    )
    session.add(row)
    return {"key": key, **told(row)}


def told(row: AccessKeyRow) -> Json:
    """Return a key without its secret part."""
    return {
        "id": row.id,
        "scopes": row.scopes.split(),
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
    }


class SubscriberDoor:
    """Recognises subscribers by `Authorization: Bearer tysub_…`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def subscriber(self, header: str, scope: str) -> Subscriber:
        """Return who reads. Raises `Forbidden` for a key that does not count now, `NotAllowed` without the scope."""
        scheme, _, rest = header.partition(" ")
        key = rest.strip()
        if scheme.lower() != "bearer" or not KEY.fullmatch(key):
            raise Forbidden("需要 Authorization: Bearer tysub_…（订阅的密钥） (needs the key of a subscription)")
        now = format_time(datetime.now(UTC))
        with self._db.read() as session:
            row = session.get(AccessKeyRow, key_hash(key))
            subscription = session.get(SubscriptionRow, row.subscription) if row else None
        ended = row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now)
        if row is None or ended or subscription is None or subscription.state == SubscriptionState.REVOKED:
            raise Forbidden(
                "这个密钥无效或已撤销：请向本县索取新的 (the key does not count, or no longer: ask for a new one)"
            )
        if scope not in row.scopes.split():
            raise NotAllowed(f"这个密钥没有 {scope} 权限 (the key lacks the scope {scope})")
        return Subscriber(subscription, frozenset(row.scopes.split()))


class ReadsAs:
    """Dependency of a route: the subscriber, whose key has the scope."""

    def __init__(self, door: SubscriberDoor, scope: str) -> None:
        self._door, self._scope = door, scope

    def __call__(self, request: Request) -> Subscriber:
        """Return the subscriber, or raise."""
        return self._door.subscriber(request.headers.get("authorization", ""), self._scope)

    def openapi_security(self) -> Json:
        """See `shared.tokens.access.DeclaredAccess`."""
        return {SECURITY: [self._scope]}

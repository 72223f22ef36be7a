"""Subscriptions in the service's database. Each change is one transaction, with its row in the audit log."""

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import orjson
from sqlmodel import Session, col, func, select

from contracts.base import Json, format_time
from services.subscriptions.keys import MasterKey, shown_secret
from services.subscriptions.log.store import Appending, LogStore
from services.subscriptions.model import (
    AccessKeyRow,
    DeliveryKind,
    SigningRow,
    SubscriptionRow,
    SubscriptionState,
)
from services.subscriptions.registry import access
from services.subscriptions.registry.filters import require_filters
from services.subscriptions.registry.requests import (
    SCOPES,
    ChangedSubscription,
    NewKey,
    NewSubscription,
    Rotation,
)
from services.subscriptions.statements import RESUME
from shared.audit.recording import AuditEntry, record
from shared.database.engine import Database
from shared.errors import Conflict, Invalid, NotFound, Violation
from shared.tokens.person import Actor
from shared.webhooks.addresses import AddressRules

MOST = 1000
IN_AUDIT = ("name", "contact", "filters", "delivery", "url", "rate", "payload_limit", "state", "reason", "revision")
WITHOUT_QUEUE = "队列尚未建立：tongyuan subscription rotate-password (its queue is not made yet)"
NO_BROKER = (
    "AMQP 需要 RabbitMQ：请用生产形态运行（tongyuan run，TONGYUAN_AMQP_URL）；这里可用 feed 和 webhook "
    "(AMQP needs RabbitMQ: run the county in production, with TONGYUAN_AMQP_URL; feed and webhooks work here)"
)


class Registry:
    """Adds, changes, pauses, resumes and revokes subscriptions, and gives out their keys."""

    def __init__(
        self, db: Database, log: LogStore, key: MasterKey, rules: AddressRules, *, broker: bool = False
    ) -> None:
        """`broker`: whether there is one, so that subscriptions can have queues."""
        self.db, self._log, self._key, self._rules, self._broker = db, log, key, rules, broker

    def add(self, wanted: NewSubscription, by: Actor) -> Json:
        """Store a subscription. `key` and `webhook` with its secret are told only now. Raises `Invalid`, `Conflict`."""
        require_filters(wanted.filters)
        self._require_delivery(wanted)
        now = _now()
        waits = wanted.delivery == DeliveryKind.AMQP
        row = SubscriptionRow(
            id=f"sub_{secrets.token_hex(12)}",
            **wanted.model_dump(exclude={"start", "filters"}),
            filters=orjson.dumps(wanted.filters).decode(),
            state=SubscriptionState.PAUSED if waits else SubscriptionState.ACTIVE,
            reason=WITHOUT_QUEUE if waits else None,
            from_position=0,
            queued=0,
            created_at=now,
            changed_at=now,
        )
        with self.db.write() as session:
            self._require_room(session, wanted.name)
            row.from_position = row.queued = self._start(wanted, Appending(self.db, session).state.position)
            session.add(row)
            session.flush()
            key = access.made_key(session, row.id, list(SCOPES), None)
            session.add(SigningRow(subscription=row.id, generation=1, created_at=now))
            record(session, by, AuditEntry("subscription.add", f"subscription:{row.id}", after=_audited(row)))
            self.db.notifier.notify(session)
        webhook = self.secrets(row.id, 1, shown=True) if row.delivery == DeliveryKind.WEBHOOK else None
        return {**self._told(row), "key": key["key"], "webhook": webhook}

    def listed(self) -> Sequence[Json]:
        """Return every subscription, in order of names, without secrets."""
        with self.db.read() as session:
            return [self._told(row) for row in session.exec(select(SubscriptionRow).order_by("name"))]

    def one(self, subscription: str) -> Json:
        """Return one subscription with its keys, without secrets. Raises `NotFound`."""
        now = _now()
        with self.db.read() as session:
            row = _get(session, subscription)
            keys = session.exec(select(AccessKeyRow).where(AccessKeyRow.subscription == row.id).order_by("created_at"))
            found = [access.told(key) for key in keys]
            signing = session.exec(select(SigningRow).where(SigningRow.subscription == row.id)).all()
        counting = [one for one in signing if one.signs_until is None or one.signs_until > now]
        shown = [
            {**self.secrets(row.id, one.generation), "created_at": one.created_at, "signs_until": one.signs_until}
            for one in sorted(counting, key=lambda one: -one.generation)
        ]
        return {**self._told(row), "keys": found, "webhook_keys": shown}

    def secrets(self, subscription: str, generation: int, *, shown: bool = False) -> Json:
        """Return the public key of a generation, and the HMAC secret if it is to be `shown`."""
        keys = self._key.signing(subscription, generation)
        found = {"generation": generation, "public_key": keys.public}
        return {**found, "secret": shown_secret(keys)} if shown else found

    def change(self, subscription: str, wanted: ChangedSubscription, revision: int | None, by: Actor) -> Json:
        """Change a subscription. Raises `Conflict` when it has another revision or is revoked, `Invalid`."""
        given = wanted.model_dump(exclude_none=True)
        if wanted.filters is not None:
            given["filters"] = orjson.dumps(require_filters(wanted.filters)).decode()
        if wanted.url is not None:
            self._rules.require_url(wanted.url)

        def apply(_session: Session, row: SubscriptionRow) -> None:
            if revision is not None and revision != row.revision:
                raise Conflict(
                    f"订阅已被改过：现在是第{row.revision}版，请重新读取 (it has changed meanwhile: read it again)"
                )
            if wanted.url is not None and row.delivery != DeliveryKind.WEBHOOK:
                raise Invalid(Violation("url", "delivery", "这个订阅不是 webhook (this subscription is not a webhook)"))
            for name, value in given.items():
                setattr(row, name, value)

        return self.changed(subscription, "subscription.change", apply, by)

    def pause(self, subscription: str, reason: str, by: Actor) -> Json:
        """Stop calling a webhook or filling a queue; its events wait."""

        def apply(_session: Session, row: SubscriptionRow) -> None:
            row.state, row.reason = SubscriptionState.PAUSED, reason

        return self.changed(subscription, "subscription.pause", apply, by, word="paused")

    def resume(self, subscription: str, by: Actor) -> Json:
        """Call a paused webhook or fill a queue again: everything that waits is due."""

        def apply(session: Session, row: SubscriptionRow) -> None:
            row.state, row.reason, row.hold_until = SubscriptionState.ACTIVE, None, None
            session.connection().execute(RESUME, {"now": _now(), "subscription": row.id})

        return self.changed(subscription, "subscription.resume", apply, by, word="resumed")

    def revoke(self, subscription: str, by: Actor) -> None:
        """End a subscription for good: its keys count no more, and it is not called again."""

        def apply(session: Session, row: SubscriptionRow) -> None:
            row.state, row.reason, row.name = SubscriptionState.REVOKED, None, f"{row.name[:60]} · {row.id}"
            for key in session.exec(select(AccessKeyRow).where(AccessKeyRow.subscription == row.id)):
                key.revoked_at = key.revoked_at or _now()
                session.add(key)

        self.changed(subscription, "subscription.revoke", apply, by)

    def add_key(self, subscription: str, wanted: NewKey, by: Actor) -> Json:
        """Give out a further key; `key` is told only now."""
        now = datetime.now(UTC)
        made: Json = {}

        def apply(session: Session, row: SubscriptionRow) -> None:
            if wanted.old_keys_hours is not None:
                until = format_time(now + timedelta(hours=wanted.old_keys_hours))
                for old in session.exec(select(AccessKeyRow).where(AccessKeyRow.subscription == row.id)):
                    old.expires_at = min(filter(None, (old.expires_at, until)))
                    session.add(old)
            expires = None if wanted.days is None else format_time(now + timedelta(days=wanted.days))
            made.update(access.made_key(session, row.id, list(wanted.scopes), expires))

        self.changed(subscription, "subscription.key-add", apply, by)
        return made

    def revoke_key(self, subscription: str, key: str, by: Actor) -> None:
        """Revoke one key. Raises `NotFound`."""

        def apply(session: Session, row: SubscriptionRow) -> None:
            of_row = (AccessKeyRow.subscription == row.id, AccessKeyRow.id == key)
            found = session.exec(select(AccessKeyRow).where(*of_row)).first()
            if found is None:
                raise NotFound("没有这个密钥 (there is no such key)")
            found.revoked_at = found.revoked_at or _now()
            session.add(found)

        self.changed(subscription, "subscription.key-revoke", apply, by)

    def rotate(self, subscription: str, wanted: Rotation, by: Actor) -> Json:
        """Make new webhook secrets, told only now; the old ones sign as well until the overlap has passed."""
        until = format_time(datetime.now(UTC) + timedelta(hours=wanted.overlap_hours))
        made: list[int] = []

        def apply(session: Session, row: SubscriptionRow) -> None:
            of_row = SigningRow.subscription == row.id
            newest = session.exec(select(func.max(SigningRow.generation)).where(of_row)).one()
            for old in session.exec(select(SigningRow).where(of_row)):
                old.signs_until = min(filter(None, (old.signs_until, until)))
                session.add(old)
            made.append(newest + 1)
            session.add(SigningRow(subscription=row.id, generation=newest + 1, created_at=_now()))

        self.changed(subscription, "subscription.rotate", apply, by)
        return {**self.secrets(subscription, made[0], shown=True), "old_sign_until": until}

    def changed(
        self,
        subscription: str,
        action: str,
        apply: Callable[[Session, SubscriptionRow], None],
        by: Actor,
        word: str | None = None,
    ) -> Json:
        """Apply a change with its audit row; with a `word` the subscription is told by an event of its own.

        Raises `NotFound`, `Conflict` for a revoked one, and what `apply` raises.
        """
        with self.db.write() as session:
            row = _get(session, subscription, for_update=True)
            if row.state == SubscriptionState.REVOKED:
                raise Conflict("这个订阅已撤销 (the subscription is revoked)")
            before = _audited(row)
            apply(session, row)
            row.revision, row.changed_at = row.revision + 1, _now()
            session.add(row)
            if word is not None:
                log = Appending(self.db, session)
                log.own(word, row.id, row.changed_at, {"reason": row.reason})
                log.close()
            session.flush()
            record(session, by, AuditEntry(action, f"subscription:{row.id}", before, _audited(row)))
            self.db.notifier.notify(session)
        return self._told(row)

    def _told(self, row: SubscriptionRow) -> Json:
        return {**row.model_dump(exclude={"filters"}), "filters": orjson.loads(row.filters)}

    def _require_delivery(self, wanted: NewSubscription) -> None:
        if wanted.delivery == DeliveryKind.AMQP and not self._broker:
            raise Conflict(NO_BROKER)
        if wanted.delivery == DeliveryKind.WEBHOOK:
            if wanted.url is None:
                raise Invalid(Violation("url", "required", "webhook 需要回调地址 (a webhook needs an address)"))
            self._rules.require_url(wanted.url)
        elif wanted.url is not None:
            raise Invalid(Violation("url", "delivery", "只有 webhook 有回调地址 (only a webhook has an address)"))

    @staticmethod
    def _require_room(session: Session, name: str) -> None:
        if session.exec(select(SubscriptionRow.id).where(SubscriptionRow.name == name)).first() is not None:
            raise Conflict(f"已有名为“{name}”的订阅 (there is a subscription of this name)")
        alive = col(SubscriptionRow.state) != SubscriptionState.REVOKED
        if session.exec(select(func.count()).select_from(SubscriptionRow).where(alive)).one() >= MOST:
            raise Conflict(f"最多{MOST}个订阅 (there are {MOST} subscriptions already)")

    @staticmethod
    def _start(wanted: NewSubscription, position: int) -> int:
        if wanted.start == "now":
            return position
        if wanted.start == "everything":
            return 0
        if not 0 <= wanted.start <= position:
            raise Invalid(
                Violation("start", "position", f"应为 0 到 {position} (must be 0 to {position})", str(wanted.start))
            )
        return wanted.start


def _get(session: Session, subscription: str, *, for_update: bool = False) -> SubscriptionRow:
    row = session.get(SubscriptionRow, subscription, with_for_update=for_update or None)
    if row is None:
        raise NotFound("没有这个订阅 (there is no such subscription)")
    return row


def _audited(row: SubscriptionRow) -> Json:
    return {name: getattr(row, name) for name in IN_AUDIT}


def _now() -> str:
    return format_time(datetime.now(UTC))

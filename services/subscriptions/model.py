"""Tables of subscriptions: the log of events, who subscribes, and what webhooks have to deliver. No I/O."""

from enum import StrEnum

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Text
from sqlmodel import Field, SQLModel

subscriptions_metadata = MetaData()
ONLY = 1


class SubscriptionState(StrEnum):
    """`paused`: its webhook is not called, nothing is lost, and its feed can be read. `revoked`: for good."""

    ACTIVE = "active"
    PAUSED = "paused"
    REVOKED = "revoked"


class DeliveryKind(StrEnum):
    """How a subscription is delivered. Every subscription can also read the feed."""

    FEED = "feed"
    WEBHOOK = "webhook"
    AMQP = "amqp"


class DeliveryState(StrEnum):
    """`open`: to be sent, or sent without an answer yet. `given_up`: failed for three days while others succeeded."""

    OPEN = "open"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class CaseHookState(StrEnum):
    """`dead`: too many calls failed in a row. `ended`: the case is no longer shown, or the receiver answered 410."""

    ACTIVE = "active"
    DEAD = "dead"
    ENDED = "ended"


class LogRow(SQLModel, table=True):
    """The log's state. `chain`: SHA-256 over the chain before it and the newest event, so that cursors can be checked.

    `ledger_mark`: key, version and digest of the entry at `ledger_position`. `halted`: why the log does not grow.
    """

    metadata = subscriptions_metadata
    __tablename__ = "log"

    id: int = Field(default=ONLY, primary_key=True)
    epoch: str = Field(max_length=16)
    position: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    chain: str = Field(max_length=64)
    ledger_position: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    ledger_mark: str = Field(default="", max_length=300)
    halted: str | None = Field(default=None, max_length=300)


class EventRow(SQLModel, table=True):
    """One event: an entry of the ledger from the moment at which anybody may read it, or a word to one subscription.

    `position`: 1, 2, 3 … without holes. `item`, `department`: what filters know of it. `event`: the CloudEvents JSON.
    """

    metadata = subscriptions_metadata
    __tablename__ = "event"
    __table_args__ = (Index("event_key", "key", "position"),)

    position: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    id: str = Field(max_length=200)
    key: str = Field(max_length=160)
    kind: str = Field(max_length=16)
    op: str = Field(max_length=16)
    type: str = Field(max_length=64)
    item: str | None = Field(default=None, max_length=128)
    department: str | None = Field(default=None, max_length=50)
    version: int = Field(sa_column=Column(BigInteger, nullable=False))
    at: str = Field(max_length=27)
    only_for: str | None = Field(default=None, max_length=32)
    event: str = Field(sa_column=Column(Text, nullable=False))
    chain: str = Field(max_length=64)


class PlannedRow(SQLModel, table=True):
    """An entry of the ledger whose time has not come, or whose set is not complete. It is told when it counts."""

    metadata = subscriptions_metadata
    __tablename__ = "planned"
    __table_args__ = (Index("planned_starts", "starts"),)

    ledger_position: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    key: str = Field(max_length=160)
    version: int = Field(sa_column=Column(BigInteger, nullable=False))
    own_start: str = Field(max_length=27)
    starts: str = Field(max_length=27)
    part_of: str | None = Field(default=None, max_length=128, index=True)


class UnitRow(SQLModel, table=True):
    """The department of an item, so that filters can ask it of guides and withdrawals, too."""

    metadata = subscriptions_metadata
    __tablename__ = "item_department"

    item: str = Field(primary_key=True, max_length=128)
    department: str = Field(max_length=50)


class SubscriptionRow(SQLModel, table=True):
    """One subscription. `filters`: JSON of a list; all must match. `from_position`: events after it are its own.

    `queued`: position up to which its webhook's deliveries are stored, or its queue at the broker has been filled.
    `open`: how many of the deliveries are not ended.
    """

    metadata = subscriptions_metadata
    __tablename__ = "subscription"

    id: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=100, unique=True)
    contact: str = Field(default="", max_length=200)
    filters: str = Field(sa_column=Column(Text, nullable=False))
    delivery: str = Field(max_length=8)
    url: str | None = Field(default=None, max_length=300)
    rate: int = Field(default=20, description="Most calls per second.")
    payload_limit: int = Field(default=20_480, description="Bytes; a larger event is sent without its body.")
    state: str = Field(max_length=8)
    reason: str | None = Field(default=None, max_length=200)
    from_position: int = Field(sa_column=Column(BigInteger, nullable=False))
    queued: int = Field(sa_column=Column(BigInteger, nullable=False))
    open: int = Field(default=0)
    hold_until: str | None = Field(default=None, max_length=27, description="The receiver asked not to be called.")
    succeeded_at: str | None = Field(default=None, max_length=27)
    failed_at: str | None = Field(default=None, max_length=27)
    created_at: str = Field(max_length=27)
    changed_at: str = Field(max_length=27)
    revision: int = Field(default=1)


class AccessKeyRow(SQLModel, table=True):
    """A key with which a subscriber reads the feed. Only its SHA-256 is stored. `scopes`: words, space-separated."""

    metadata = subscriptions_metadata
    __tablename__ = "access_key"

    hash: str = Field(primary_key=True, max_length=64)
    id: str = Field(max_length=16, unique=True)
    subscription: str = Field(max_length=32, foreign_key="subscription.id", index=True)
    scopes: str = Field(max_length=100)
    created_at: str = Field(max_length=27)
    expires_at: str | None = Field(default=None, max_length=27)
    revoked_at: str | None = Field(default=None, max_length=27)


class SigningRow(SQLModel, table=True):
    """One generation of a webhook's secrets. They follow from the process's key; no secret is stored."""

    metadata = subscriptions_metadata
    __tablename__ = "signing"

    subscription: str = Field(primary_key=True, max_length=32, foreign_key="subscription.id")
    generation: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    created_at: str = Field(max_length=27)
    signs_until: str | None = Field(default=None, max_length=27)


class DeliveryRow(SQLModel, table=True):
    """One event for one webhook. Of the open ones of a key only the first is sent. `attempts`: failures in a row."""

    metadata = subscriptions_metadata
    __tablename__ = "delivery"
    __table_args__ = (
        Index("delivery_key", "subscription", "state", "key", "position"),
        Index("delivery_next", "subscription", "state", "next_at"),
        Index("delivery_done", "done_at"),
    )

    subscription: str = Field(primary_key=True, max_length=32, foreign_key="subscription.id")
    position: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    key: str = Field(max_length=160)
    state: str = Field(max_length=10)
    attempts: int = Field(default=0)
    next_at: str = Field(max_length=27)
    created_at: str = Field(max_length=27)
    done_at: str | None = Field(default=None, max_length=27)


class AttemptRow(SQLModel, table=True):
    """One call. `request`, `answer`: shortened texts, removed after some days; `status` null: there was no answer."""

    metadata = subscriptions_metadata
    __tablename__ = "attempt"
    __table_args__ = (
        Index("attempt_of", "subscription", "position", "id"),
        Index("attempt_at", "at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    subscription: str = Field(max_length=32, foreign_key="subscription.id")
    position: int = Field(sa_column=Column(BigInteger, nullable=False))
    at: str = Field(max_length=27)
    milliseconds: int
    status: int | None = Field(default=None)
    problem: str | None = Field(default=None, max_length=200)
    request: str | None = Field(default=None, sa_column=Column(Text))
    answer: str | None = Field(default=None, sa_column=Column(Text))


class CaseHookRow(SQLModel, table=True):
    """An app that is told when one case moves; mobile knows which. Nothing here names the case.

    `told`: mark of the state that the receiver was last told. `mark`, `body`: the state that mobile has pushed last;
    the body is there while it is `due`. Once the hook has ended, address, secret and body are empty.
    """

    metadata = subscriptions_metadata
    __tablename__ = "case_hook"
    __table_args__ = (Index("case_hook_due", "due", "host", "next_at"),)

    id: str = Field(primary_key=True, max_length=32)
    url: str = Field(max_length=300)
    host: str = Field(max_length=300)
    secret: str = Field(max_length=250, description="Sealed.")
    secret_hash: str = Field(max_length=64)
    told: str = Field(max_length=24)
    mark: str = Field(max_length=24)
    body: str | None = Field(default=None, sa_column=Column(Text))
    due: bool = Field(default=False)
    state: str = Field(max_length=8)
    failures: int = Field(default=0, description="Failures in a row.")
    problem: str | None = Field(default=None, max_length=100)
    next_at: str = Field(max_length=27, description="Earliest time of the next call.")
    expires_at: str = Field(max_length=27)


class CaseHookCallRow(SQLModel, table=True):
    """One call of a hook. Neither request nor answer is kept: they would tie an app's user to a case."""

    metadata = subscriptions_metadata
    __tablename__ = "case_hook_call"
    __table_args__ = (Index("case_hook_call_of", "hook", "id"), Index("case_hook_call_at", "at"))

    id: int | None = Field(default=None, primary_key=True)
    hook: str = Field(max_length=32)
    at: str = Field(max_length=27)
    milliseconds: int
    status: int | None = Field(default=None)
    problem: str | None = Field(default=None, max_length=200)

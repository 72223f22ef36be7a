"""What operators send: a new subscription, a change, a key, a rotation, a redelivery."""

from typing import Annotated, Any, Literal

from pydantic import Field

from contracts.base import Contract
from services.subscriptions.model import DeliveryKind

MOST_RATE = 100
SCOPES: tuple["Scope", ...] = ("feed", "deliveries")
Scope = Literal["feed", "deliveries"]
Filters = Annotated[
    list[dict[str, Any]],
    Field(description="All must match; see docs/integrating/subscriptions.md. [] takes everything."),
]


class NewSubscription(Contract):
    """Who, what, from where, and how it is delivered."""

    name: str = Field(min_length=1, max_length=100, title="名称", description="Of the subscribing system; unique.")
    contact: str = Field(default="", max_length=200, title="联系部门", description="An office, no person.")
    filters: Filters = Field(default=[])
    start: Literal["now", "everything"] | int = Field(
        default="now", title="从何处开始", description="`now`, `everything`, or the position after which it begins."
    )
    delivery: DeliveryKind = DeliveryKind.FEED
    url: str | None = Field(default=None, max_length=300, title="回调地址")
    rate: int = Field(default=20, ge=1, le=MOST_RATE, title="每秒最多次数")
    payload_limit: int = Field(default=20_480, ge=4_096, le=1_048_576, title="报文上限（字节）")


class ChangedSubscription(Contract):
    """What may be changed later. Filters count for events after the change."""

    contact: str | None = Field(default=None, max_length=200)
    filters: Filters | None = None
    url: str | None = Field(default=None, max_length=300)
    rate: int | None = Field(default=None, ge=1, le=MOST_RATE)
    payload_limit: int | None = Field(default=None, ge=4_096, le=1_048_576)


class NewKey(Contract):
    """A further key for a subscriber; `old_keys_hours`: when the keys so far end, so that both work for a while."""

    scopes: list[Scope] = Field(default=["feed", "deliveries"], min_length=1)
    days: int | None = Field(default=None, ge=1, le=3650, description="Days after which it ends; null: never.")
    old_keys_hours: int | None = Field(default=None, ge=0, le=720, description="null: they go on.")


class Rotation(Contract):
    """New webhook secrets; both old and new ones sign for `overlap_hours`."""

    overlap_hours: int = Field(default=24, ge=0, le=168)


class Redelivery(Contract):
    """Which ended deliveries are sent again: a range of positions, both ends included."""

    first: int = Field(ge=1)
    last: int = Field(ge=1)
    everything: bool = Field(default=False, description="Also what was delivered; otherwise only what was given up.")


class Replay(Contract):
    """From where on the events are put into the queue again."""

    after: int = Field(ge=0, description="Position; all events after it come again, in order. 0: everything.")

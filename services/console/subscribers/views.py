"""What pages show of subscribers, made from what the service tells. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from contracts.base import Json
from contracts.kinds import KINDS
from services.console.subscribers.filters import OP_CHOICES, words
from services.console.subscribers.words import DELIVERIES, DELIVERY_STATES, STANDING, STATES, chinese

OWN_EVENTS: Mapping[str, str] = {
    "test": "测试事件",
    "paused": "通知：已暂停",
    "resumed": "通知：已恢复",
    "undelivered": "通知：有一条没有送达",
}
REVOKED = "revoked"


def shown(one: Json, now: datetime) -> Json:
    """Return a subscription with its words: state, trouble, delivery, filters, and how long it has been behind."""
    lag = one["lag"]
    since = lag["since"]
    return {
        **one,
        "state_words": _state(one),
        "troubled": one["state"] == "paused" or lag["standing"],
        "delivery_words": DELIVERIES.get(one["delivery"], one["delivery"]),
        "filter_words": words(one["filters"]),
        "behind_seconds": max((now - datetime.fromisoformat(since)).total_seconds(), 0) if since else None,
    }


def listed(found: Sequence[Json], now: datetime) -> tuple[list[Json], list[Json]]:
    """Return those that count, the troubled ones first, and those that are revoked."""
    told = [shown(one, now) for one in found]
    alive = [one for one in told if one["state"] != REVOKED]
    return sorted(alive, key=lambda one: not one["troubled"]), [one for one in told if one["state"] == REVOKED]


def delivery(row: Json) -> Json:
    """Return a delivery with its words."""
    state = DELIVERY_STATES.get(row["state"], row["state"])
    return {**row, "state_words": state, "event_words": event_words(row["type"])}


def event_words(event_type: str) -> str:
    """`tongyuan.item.released` → `事项：发布`; a type that this version does not know stays."""
    _, _, rest = event_type.partition(".")
    kind, _, word = rest.partition(".")
    if kind == "subscription":
        return OWN_EVENTS.get(word, event_type)
    entry = KINDS.get(kind)
    op = next((op for op, one in entry.words.items() if one == word), None) if entry else None
    return f"{entry.title}：{OP_CHOICES.get(str(op), word)}" if entry and op else event_type


def _state(one: Json) -> str:
    state = STATES.get(one["state"], one["state"])
    if one["reason"]:
        return f"{state}：{chinese(one['reason'])}"
    return STANDING if one["lag"]["standing"] else state

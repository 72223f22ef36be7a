"""Messages of an attacker with the ledger's broker account and all public data, but without its key."""

from dataclasses import replace
from typing import Any

import orjson

from contracts.base import Json
from contracts.content.items import Item
from contracts.envelope.publication import Op, Publication, Release
from contracts.topology import routing_key
from shared.feeds.outbox import envelope
from shared.messaging.delivery import Message
from shared.transparency.canonical import canonical, digest
from shared.transparency.merkle import leaf_hash
from tests.harness.pipeline import Pipeline


def forged_next(county: Pipeline, one: Item, **fields: Any) -> Message:
    """Return the item as the entry after the ledger's last: valid by every rule, but never recorded.

    `fields` override its data; without any it carries the proof of the last true entry.
    """
    (last,) = county.ledger_messages()[-1:]
    body = one.model_dump(mode="json")
    return message_of(last, f"item:{one.code}", body, **{"position": last.sequence + 1, **fields})


def message_of(true: Message, key: str, body: Json | None, **fields: Any) -> Message:
    """Return a message like a true one, with another key and body and a matching digest."""
    said = {"key": key, "kind": key.partition(":")[0], "version": 1, "body": body}
    op = Op.RELEASE if body else Op.WITHDRAW
    data = {**orjson.loads(true.body)["data"], **said, "op": op, **fields}
    data["digest"] = fields.get("digest") or digest(Release.model_validate(data).content())
    return replace(as_sent(data), message_id="forged")


def as_sent(data: Json) -> Message:
    """Return the message of an entry's data, as the ledger's relay would send it."""
    body = envelope("ledger", data["position"], orjson.dumps(data).decode(), data)
    key = routing_key(data["region"], data["kind"], data["op"])
    return Message(body, key, f"{data['key']}/{data['version']}", data["position"])


def leaf_of(data: Json) -> bytes:
    """Return the leaf hash of an entry's data."""
    return leaf_hash(canonical(Publication.model_validate(data).leaf()))

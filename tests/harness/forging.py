"""Messages of somebody who has the ledger's account at the broker and knows all that is public, but not its key."""

from dataclasses import replace
from typing import Any

import orjson

from contracts.base import Json
from contracts.catalog import Item
from contracts.publication import Op, Publication, Release
from contracts.topology import routing_key
from shared.canonical import canonical, digest
from shared.delivery import Message
from shared.merkle import leaf_hash
from shared.outbox import envelope
from tests.harness.pipeline import Pipeline


def forged_next(county: Pipeline, one: Item, **fields: Any) -> Message:
    """The item as the entry that follows the ledger's last one: every rule is kept, but it was never recorded.

    `fields` are put into its data as they are; without any it borrows the proof of the last true entry.
    """
    (last,) = county.ledger_messages()[-1:]
    body = one.model_dump(mode="json")
    return message_of(last, f"item:{one.code}", body, **{"position": last.sequence + 1, **fields})


def message_of(true: Message, key: str, body: Json | None, **fields: Any) -> Message:
    """A message like a true one, of another key and body, with the digest that fits."""
    said = {"key": key, "kind": key.partition(":")[0], "version": 1, "body": body}
    op = Op.RELEASE if body else Op.WITHDRAW
    data = {**orjson.loads(true.body)["data"], **said, "op": op, **fields}
    data["digest"] = fields.get("digest") or digest(Release.model_validate(data).content())
    return replace(as_sent(data), message_id="forged")


def as_sent(data: Json) -> Message:
    """The message of an entry's data, as the ledger's relay would send it."""
    body = envelope("ledger", data["position"], orjson.dumps(data).decode(), data)
    key = routing_key(data["region"], data["kind"], data["op"])
    return Message(body, key, f"{data['key']}/{data['version']}", data["position"])


def leaf_of(data: Json) -> bytes:
    """The leaf hash of an entry's data."""
    return leaf_hash(canonical(Publication.model_validate(data).leaf()))

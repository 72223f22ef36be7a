"""A whole channel: a head without a trusted signature changes nothing, by whatever way it comes."""

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.ledger.signing.signer import Signer
from shared.errors import Unavailable
from shared.messaging.delivery import Message
from tests.harness.pipeline import SERVICE, code_of, item, pipeline

WEB = ["web"]


def forged(county, size):
    signer = Signer(county.signer.name, Ed25519PrivateKey.generate())
    root = bytes(32)
    head = county.ledger.head().model_dump(mode="json")
    return head | {"size": size, "root": root.hex(), "checkpoint": signer.checkpoint(size, root)}


def test_a_false_head_from_the_broker_is_not_remembered(tmp_path):
    with pipeline(tmp_path, channels=WEB) as county:
        county.release(item(1))
        county.flow()
        before = county.get("web/v1/position").json()["head"]
        event = orjson.loads(county.relays[-1].feed.head_message(county.dbs["ledger"], 1).body)
        event["data"] = forged(county, 1)
        county.channels["web"].take([Message(orjson.dumps(event), "head", "head/1/x")])

        assert county.get("web/v1/position").json()["head"] == before
        assert county.get("web/v1/witness", SERVICE).json()["refused"]["count"] == 1
        county.release(item(2))
        county.flow()
        assert county.get(f"web/v1/items/{code_of(2)}").status_code == 200
        assert county.get("web/v1/position").json()["head"]["size"] == 2


def test_nothing_is_fetched_from_a_ledger_whose_head_a_stranger_has_signed(tmp_path):
    with pipeline(tmp_path, channels=WEB) as county:
        county.release(item(1))
        county.flow()
        county.release(item(2))
        while sum(relay.step() for relay in county.relays[:-2]):
            pass
        lie = forged(county, 2)
        county.execute("ledger", "DELETE FROM head WHERE size = 2")
        county.execute(
            "ledger",
            "INSERT INTO head (size, root, time, checkpoint) VALUES (:size, :root, :time, :checkpoint)",
            **{name: value for name, value in lie.items() if name != "statement"},
        )
        channel = county.channels["web"]
        with pytest.raises(Unavailable, match="cannot be trusted"):
            channel.reconcile()
        assert channel.position() == 1
        assert county.get("web/v1/witness", SERVICE).json()["refused"]["count"] >= 1

"""Makes `contracts/webhooks/v1a-vectors.json`: 24 calls for a receiver that checks `v1a`, 6 good and 18 bad.

    python -m tests.harness.webhook_vectors    (part of `make contracts`)

The keys are of this file only. What is good is signed by the service's own code; what is bad differs from a good one in
one thing, which `why` names.
"""

import hashlib
from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.webhooks.signatures import SigningKeys, signature_header, signed_content

FILE = Path(__file__).parents[2] / "contracts" / "webhooks" / "v1a-vectors.json"
NOW = 1_796_000_000
ID = "item:11339921003991014U4000700001000/3"
BODY = '{"specversion":"1.0","type":"tongyuan.item.released","data":{"title":"居民身份证办理"}}'
ABOUT = (
    "Calls by Standard Webhooks with Ed25519 signatures (v1a). A receiver that holds `public_keys` and whose clock "
    "says `now` must accept exactly those with `valid`: true. Bodies are UTF-8."
)


def _keys(name: str) -> SigningKeys:
    seed = hashlib.sha256(f"tongyuan v1a vector {name}".encode()).digest()
    return SigningKeys(hashlib.sha256(seed).digest(), Ed25519PrivateKey.from_private_bytes(seed))


OURS, NEXT, FOREIGN = _keys("ours"), _keys("next"), _keys("foreign")


@dataclass(frozen=True)
class Vector:
    """One call."""

    why: str
    valid: bool = False
    message_id: str = ID
    timestamp: str = str(NOW)
    signature: str = ""
    body: str = BODY
    public_keys: tuple[str, ...] = (OURS.public,)

    def told(self) -> dict[str, Any]:
        """Return it as the file has it."""
        headers = {
            "webhook-id": self.message_id,
            "webhook-timestamp": self.timestamp,
            "webhook-signature": self.signature,
        }
        return {
            "why": self.why,
            "valid": self.valid,
            "now": NOW,
            "public_keys": list(self.public_keys),
            "headers": headers,
            "body": self.body,
        }


def v1a(keys: SigningKeys = OURS, message_id: str = ID, timestamp: int = NOW, body: str = BODY) -> str:
    """Return one `v1a` signature."""
    signature = keys.private.sign(signed_content(message_id, timestamp, body.encode()))
    return f"v1a,{b64encode(signature).decode()}"


def good() -> list[Vector]:
    """Return the calls to accept."""
    both = signature_header(ID, NOW, BODY.encode(), [OURS])
    rotated = signature_header(ID, NOW, BODY.encode(), [NEXT, OURS])
    made = [
        Vector("one v1a signature", signature=v1a()),
        Vector("v1 and v1a, as the county sends them", signature=both),
        Vector("rotation: signed by the new and the old key, the receiver knows the old one", signature=rotated),
        Vector("rotation: the receiver knows both keys", signature=v1a(NEXT), public_keys=(OURS.public, NEXT.public)),
        Vector("299 seconds old", timestamp=str(NOW - 299), signature=v1a(timestamp=NOW - 299)),
        Vector("an empty body", body="", signature=v1a(body="")),
    ]
    return [replace(one, valid=True) for one in made]


def bad() -> list[Vector]:
    """Return the calls to refuse."""
    raw = bytearray(b64decode(v1a().removeprefix("v1a,")))
    flipped = bytes([raw[0] ^ 1, *raw[1:]])
    # S + L is the other way to write the same number: Ed25519 as RFC 8032 says it accepts only the smaller one.
    order = 2**252 + 27742317777372353535851937790883648493
    other = bytes(raw[:32]) + (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little")

    def coded(content: bytes) -> str:
        return f"v1a,{b64encode(content).decode()}"

    key = OURS.public
    return [
        Vector("the body differs in one character", body=BODY.replace("证", "証"), signature=v1a()),
        Vector("the body has one space more", body=BODY + " ", signature=v1a()),
        Vector("another id", message_id=ID[:-1] + "4", signature=v1a()),
        Vector("another timestamp", timestamp=str(NOW - 1), signature=v1a()),
        Vector("301 seconds old", timestamp=str(NOW - 301), signature=v1a(timestamp=NOW - 301)),
        Vector("301 seconds in the future", timestamp=str(NOW + 301), signature=v1a(timestamp=NOW + 301)),
        Vector("a timestamp that is no number", timestamp=f"{NOW}.0", signature=v1a()),
        Vector("no timestamp", timestamp="", signature=v1a()),
        Vector("no id", message_id="", signature=v1a(message_id="")),
        Vector(
            "an id with a full stop, which could move the border to the timestamp",
            message_id="a.b",
            signature=v1a(message_id="a.b"),
        ),
        Vector("no signature", signature=""),
        Vector("a valid v1 signature only", signature=signature_header(ID, NOW, BODY.encode(), [OURS]).split(" ")[0]),
        Vector("the signature stands under v1", signature=v1a().replace("v1a,", "v1,")),
        Vector("signed by a key that the receiver does not know", signature=v1a(FOREIGN)),
        Vector(
            "the foreign key is offered in a header of its own form", signature=f"{v1a(FOREIGN)} whpk,{FOREIGN.public}"
        ),
        Vector("one bit of the signature differs", signature=coded(flipped)),
        Vector("the signature's second half is not reduced", signature=coded(other)),
        Vector("the key has no prefix whpk_", signature=v1a(), public_keys=(key.removeprefix("whpk_"),)),
    ]


def text() -> str:
    """Return the file's content."""
    cases = [one.told() for one in (*good(), *bad())]
    return orjson.dumps({"about": ABOUT, "cases": cases}, option=orjson.OPT_INDENT_2).decode() + "\n"


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text(), encoding="utf-8")

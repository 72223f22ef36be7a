"""A release as its source makes it, and the publication it becomes in the ledger (发布账本).

`Release`      one immutable version of one key, numbered within its source's lane
`Publication`  the same, with the county-wide position that the ledger gave it
`Head`         how far the ledger has come, signed
"""

from enum import StrEnum
from typing import Any

from pydantic import Field

from contracts.base import Json, Timestamp, TolerantContract, format_time


class Kind(StrEnum):
    """What a key names; the first word of the key."""

    ITEM = "item"
    GUIDE = "guide"
    APPLICATION = "application"


class Op(StrEnum):
    """What a version does to its key."""

    RELEASE = "release"
    WITHDRAW = "withdraw"


class Lane(StrEnum):
    """Two queues, so that an import never stands in front of an editor."""

    LIVE = "live"
    BACKFILL = "backfill"


class Release(TolerantContract):
    """Full state of one key at one version. A body is null exactly when the version withdraws."""

    source: str = Field(examples=["catalog"], description="Service that owns the key.")
    lane: Lane = Lane.LIVE
    sequence: int = Field(ge=1, description="1, 2, 3 … within source and lane, without holes.")
    key: str = Field(max_length=128, pattern=r"^(item|guide|application):[0-9A-Za-z_-]+$")
    kind: Kind
    version: int = Field(ge=1, description="1, 2, 3 … within the key, without holes.")
    op: Op
    region: str = Field(pattern=r"^\d{12}$", description="行政区划代码, 12 digits.")
    effective_at: Timestamp | None = Field(default=None, description="Shown from then on; null: at once.")
    expires_at: Timestamp | None = Field(default=None, description="Not shown from then on; null: never ends.")
    released_at: Timestamp
    body: Json | None
    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="See `content`.")
    traceparent: str | None = Field(default=None, description="W3C Trace Context of the act that released it.")

    def content(self) -> dict[str, Any]:
        """What `digest` covers: hex SHA-256 over its RFC 8785 JSON."""
        return {
            "key": self.key,
            "kind": self.kind,
            "version": self.version,
            "op": self.op,
            "region": self.region,
            "effective_at": _time(self.effective_at),
            "expires_at": _time(self.expires_at),
            "body": self.body,
        }


class Publication(Release):
    """An entry of the ledger."""

    position: int = Field(ge=1, description="1, 2, 3 … in the county, without holes.")
    recorded_at: Timestamp
    proof: str | None = Field(
        default=None,
        max_length=16_384,
        description="C2SP tlog-proof of the leaf: whoever shows an entry checks it first. Not part of digest or leaf.",
    )

    def leaf(self) -> dict[str, Any]:
        """What the Merkle leaf covers: SHA-256(0x00 ‖ RFC 8785 JSON). Without the body, so that law may erase it."""
        return {
            "position": self.position,
            "key": self.key,
            "kind": self.kind,
            "version": self.version,
            "op": self.op,
            "region": self.region,
            "effective_at": _time(self.effective_at),
            "expires_at": _time(self.expires_at),
            "released_at": _time(self.released_at),
            "recorded_at": _time(self.recorded_at),
            "digest": self.digest,
        }


class Head(TolerantContract):
    """The ledger's size and root at a time; `checkpoint` is the C2SP signed note over size and root.

    `statement` is the signed note of the newest `HeadStatement`: a checkpoint has no time, so this says how old it is.
    """

    size: int = Field(ge=0)
    root: str = Field(pattern=r"^[0-9a-f]{64}$")
    time: Timestamp
    checkpoint: str
    statement: str | None = Field(default=None, max_length=16_384)


class SourceMark(TolerantContract):
    """What a channel says about each document it serves, and a page about itself."""

    key: str
    version: int
    position: int
    digest: str


def _time(moment: Any) -> str | None:
    return None if moment is None else format_time(moment)

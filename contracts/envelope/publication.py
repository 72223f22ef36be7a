"""A release as its source makes it, and the publication it becomes in the ledger (发布账本).

`Release`      one immutable version of one key, numbered within its source's lane
`Publication`  the same, with the county-wide position that the ledger assigned
`Head`         the signed size of the ledger

Kind and op are open: a reader that meets an unknown one parks the entry and goes on with the others.
"""

from enum import StrEnum
from typing import Any

from pydantic import Field

from contracts.base import Json, Timestamp, TolerantContract, format_time
from contracts.kinds import KEY, KIND, OP, Kind, Op

__all__ = ["Head", "Kind", "Lane", "NoBody", "Op", "Publication", "Release", "SourceMark"]

SIGNED_TYPE = "tongyuan-release/1"
"""A source's signed text begins with this, so that nothing else it signs can pass for a release."""

LONGEST_SIGNATURE = 4096


class Lane(StrEnum):
    """Two queues, so that an import never delays an editor."""

    LIVE = "live"
    BACKFILL = "backfill"


class NoBody(StrEnum):
    """Why an entry comes without its body. `withheld`: from this reader, or until its time; `erased`: by law."""

    WITHDRAWN = "withdrawn"
    WITHHELD = "withheld"
    ERASED = "erased"


class Release(TolerantContract):
    """Full state of one key at one version. As a source makes it, a body is null exactly when the version withdraws."""

    source: str = Field(examples=["catalog"], description="Service that owns the key.")
    lane: Lane = Lane.LIVE
    sequence: int = Field(ge=1, description="1, 2, 3 … within source and lane, without gaps.")
    key: str = Field(max_length=128, pattern=rf"^{KEY}$")
    kind: str = Field(pattern=rf"^{KIND}$", description="See `contracts.kinds`; the first word of the key.")
    version: int = Field(ge=1, description="1, 2, 3 … within the key, without gaps.")
    op: str = Field(pattern=rf"^{OP}$", description="`release` or `withdraw`; newer versions may add values.")
    region: str = Field(pattern=r"^\d{12}$", description="行政区划代码, 12 digits.")
    effective_at: Timestamp | None = Field(default=None, description="Shown from this time on; null: immediately.")
    expires_at: Timestamp | None = Field(default=None, description="No longer shown from this time on; null: no end.")
    released_at: Timestamp
    body: Json | None
    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="See `content`.")
    part_of: str | None = Field(
        default=None,
        max_length=128,
        pattern=rf"^{KEY}$",
        description="Key of the act that completes the set this version belongs to: it counts once that act is "
        "recorded and `effective_at` has come. Absent for a version on its own.",
    )
    traceparent: str | None = Field(
        default=None, description="W3C Trace Context of the request that released this version."
    )
    source_signature: str | None = Field(
        default=None,
        max_length=LONGEST_SIGNATURE,
        description="Signature lines of a C2SP signed note over `signed`. Not part of digest or leaf.",
    )

    def signed(self) -> dict[str, Any]:
        """Return what a source signs: the leaf's fields that it knows, its own numbering, and the body's digest.

        The note's text is the RFC 8785 JSON of this and a newline. It has no body, so that law may erase the body.
        """
        return {
            "type": SIGNED_TYPE,
            "source": self.source,
            "lane": self.lane,
            "sequence": self.sequence,
            "key": self.key,
            "kind": self.kind,
            "version": self.version,
            "op": self.op,
            "region": self.region,
            "effective_at": _time(self.effective_at),
            "expires_at": _time(self.expires_at),
            "released_at": _time(self.released_at),
            "digest": self.digest,
        }

    def content(self) -> dict[str, Any]:
        """Return what `digest` covers: hex SHA-256 over its RFC 8785 JSON.

        `part_of` is covered where there is one. A reader that does not know sets gets another digest and does not show
        the version, so it cannot show half a set.
        """
        content = {
            "key": self.key,
            "kind": self.kind,
            "version": self.version,
            "op": self.op,
            "region": self.region,
            "effective_at": _time(self.effective_at),
            "expires_at": _time(self.expires_at),
            "body": self.body,
        }
        return content if self.part_of is None else {**content, "part_of": self.part_of}


class Publication(Release):
    """An entry of the ledger."""

    position: int = Field(ge=1, description="1, 2, 3 … in the county, without gaps.")
    recorded_at: Timestamp
    proof: str | None = Field(
        default=None,
        max_length=16_384,
        description="C2SP tlog-proof of the leaf; check it before showing the entry. Not part of digest or leaf.",
    )
    no_body: str | None = Field(
        default=None,
        pattern=r"^[a-z]{1,16}$",
        description="Why `body` is null: withdrawn, withheld or erased. Absent if there is a body.",
    )
    withheld_until: Timestamp | None = Field(
        default=None, description="Time from which a withheld body is readable; null: it always needs a token."
    )

    def leaf(self) -> dict[str, Any]:
        """Return what the Merkle leaf covers: SHA-256(0x00 ‖ RFC 8785 JSON). No body, so that law may erase it."""
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

    `statement` is the signed note of the newest `HeadStatement`. It tells the head's age; a checkpoint has no time.
    """

    size: int = Field(ge=0)
    root: str = Field(pattern=r"^[0-9a-f]{64}$")
    time: Timestamp
    checkpoint: str
    statement: str | None = Field(default=None, max_length=16_384)


class VersionDates(TolerantContract):
    """The three dates of a version that was backdated: declared, said to apply, and readable by anybody."""

    released_at: Timestamp = Field(title="发布时间")
    effective_at: Timestamp = Field(title="生效时间")
    shown_from: Timestamp = Field(title="公开时间")


class SourceMark(TolerantContract):
    """The origin that a channel states for each document, and a page for itself."""

    key: str
    version: int
    position: int
    digest: str
    dates: VersionDates | None = Field(
        default=None,
        title="追溯生效的三个日期",
        description="Only where the version is said to apply from a time before its release.",
    )


def _time(moment: Any) -> str | None:
    return None if moment is None else format_time(moment)

"""What the ledger signs besides checkpoints. Each is the text of a C2SP signed note, one line of JSON."""

from typing import Literal

from pydantic import Field

from contracts.base import Timestamp, TolerantContract

STATEMENT_TYPE = "tongyuan-head-statement/1"
KEY_TYPE = "tongyuan-key/1"
PRIVATE_BEFORE = "application"
"""The one kind that was not in the state tree before statements listed the kinds."""

Hash = Field(pattern=r"^[0-9a-f]{64}$")


class Start(TolerantContract):
    """The start of something: a position of the ledger, and a sequence in each lane of the source.

    Reaching either is enough. The position is in the leaf, so forged numbering cannot evade it; the sequence tells a
    source what it must do before its release has a position.
    """

    position: int = Field(ge=1)
    sequences: dict[str, int] = Field(default={}, description="Lane → first sequence.")

    def covers(self, position: int, lane: str, sequence: int) -> bool:
        """Whether an entry is at or after the start."""
        return position >= self.position or sequence >= self.sequences.get(lane, sequence + 1)


class SourceKey(TolerantContract):
    """A public key of a source, named `<origin>/<source>`; several may overlap while a key is replaced."""

    source: str = Field(max_length=32)
    key_id: str = Field(pattern=r"^[0-9a-f]{8}$")
    public_key: str = Hash
    signs_from: Start = Field(description="Start from which its signatures are valid.")
    revoked_from: Start | None = Field(
        default=None, description="Start from which they are invalid: the key was stolen."
    )
    compulsory_from: Start | None = Field(
        default=None, description="Start from which every release of the source must be signed; null: not required yet."
    )


class AuditHead(TolerantContract):
    """The newest row of an audit log, as its service said it last. Its hash covers every earlier row."""

    source: str = Field(max_length=32, description="A source, or `console`.")
    sequence: int = Field(ge=0)
    hash: str = Hash


class HeadStatement(TolerantContract):
    """The newest head with its time and the root of the state tree. Issued every ten seconds, even without changes."""

    type: Literal["tongyuan-head-statement/1"]
    origin: str = Field(description="First line of the log's checkpoints.")
    sequence: int = Field(ge=1, description="1, 2, 3 …")
    size: int = Field(ge=0)
    root: str = Hash
    state_root: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="Root of the tree of the newest version of every public key."
    )
    snapshot_root: str = Field(
        pattern=r"^[0-9a-f]{64}$",
        description="Root of the tree of the newest entry of every key, cases included, in order of first release.",
    )
    issued_at: Timestamp
    expires_at: Timestamp = Field(
        description="A reader that has no newer statement by then is being denied newer ones."
    )
    state_kinds: list[str] | None = Field(
        default=None,
        description="Kinds whose keys are in the state tree. Null in older statements: all but `application`.",
    )
    sources: list[SourceKey] = Field(
        default=[],
        max_length=100,
        description="Keys with which sources sign their releases; empty in older statements.",
    )
    audit_heads: list[AuditHead] = Field(
        default=[],
        max_length=100,
        description="Newest rows of the audit logs of the sources and the desk; empty in older statements.",
    )

    def has_in_state(self, kind: str) -> bool:
        """Whether keys of this kind, known to this version or not, are in the state tree."""
        return kind != PRIVATE_BEFORE if self.state_kinds is None else kind in self.state_kinds


class KeyEndorsement(TolerantContract):
    """A key of the log states that a newer key belongs to the log, too."""

    type: Literal["tongyuan-key/1"]
    origin: str
    key_id: str = Field(pattern=r"^[0-9a-f]{8}$")
    public_key: str = Hash
    signs_from: Timestamp

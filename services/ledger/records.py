"""Tables of what is signed beside the heads: the newest head statement, the life of each key, why nothing is signed."""

from sqlalchemy import Column, Text
from sqlmodel import Field

from services.ledger.model import LedgerModel

NEWEST = ONLY = 1


class StatementRow(LedgerModel, table=True):
    """The newest signed head statement; `note` is all that counts, the rest is for finding one's way."""

    __tablename__ = "statement"

    id: int = Field(default=NEWEST, primary_key=True)
    sequence: int
    size: int
    issued_at: str = Field(max_length=27)
    state_root: str = Field(max_length=64)
    note: str = Field(sa_column=Column(Text, nullable=False))


class KeyLifeRow(LedgerModel, table=True):
    """Until when a key signs, and what the key before it says about it: a signed note, see `heads.endorsement`."""

    __tablename__ = "key_life"

    key_id: str = Field(primary_key=True, max_length=8)
    signs_until: str | None = Field(default=None, max_length=27)
    endorsement: str | None = Field(default=None, sa_column=Column(Text))


class RefusalRow(LedgerModel, table=True):
    """Since when and why the signer refuses, and the tree that it was asked to sign. No row: it signs."""

    __tablename__ = "signer_refusal"

    id: int = Field(default=ONLY, primary_key=True)
    since: str = Field(max_length=27)
    reason: str = Field(max_length=1000)
    size: int
    root: str = Field(max_length=64)


class SecondKeyRow(LedgerModel, table=True):
    """A public key that signs checkpoints, or once did, beside the log's own; `kind` in hex, see `NoteKey`."""

    __tablename__ = "second_key"

    key_id: str = Field(primary_key=True, max_length=8)
    name: str = Field(max_length=200)
    kind: str = Field(max_length=100)
    public_key: str = Field(max_length=1000)
    created_at: str = Field(max_length=27)

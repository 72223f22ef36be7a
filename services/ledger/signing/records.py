"""Tables beside the heads: the newest head statement, the lifetime of each key, and why the signer refuses."""

from sqlalchemy import Column, Text
from sqlmodel import Field

from contracts.envelope.statement import AuditHead, SourceKey, Start
from services.ledger.model import LedgerModel

NEWEST = ONLY = 1


class StatementRow(LedgerModel, table=True):
    """The newest signed head statement. `note` is authoritative; the other columns repeat parts of it for queries."""

    __tablename__ = "statement"

    id: int = Field(default=NEWEST, primary_key=True)
    sequence: int
    size: int
    issued_at: str = Field(max_length=27)
    state_root: str = Field(max_length=64)
    note: str = Field(sa_column=Column(Text, nullable=False))


class KeyLifeRow(LedgerModel, table=True):
    """Until when a key signs, and its endorsement by the previous key, see `shared.signing.offer.endorsement`."""

    __tablename__ = "key_life"

    key_id: str = Field(primary_key=True, max_length=8)
    signs_until: str | None = Field(default=None, max_length=27)
    endorsement: str | None = Field(default=None, sa_column=Column(Text))


class RefusalRow(LedgerModel, table=True):
    """Since when and why the signer refuses, and the tree that it was asked to sign. No row: the signer signs."""

    __tablename__ = "signer_refusal"

    id: int = Field(default=ONLY, primary_key=True)
    since: str = Field(max_length=27)
    reason: str = Field(max_length=1000)
    size: int
    root: str = Field(max_length=64)


class SourceKeyRow(LedgerModel, table=True):
    """A public key by which a source signs its releases.

    `signs_from`, `revoked_from` and `compulsory_from` are JSON of `contracts.envelope.statement.Start`.
    """

    __tablename__ = "source_key"

    key_id: str = Field(primary_key=True, max_length=8)
    source: str = Field(max_length=32)
    public_key: str = Field(max_length=64)
    signs_from: str = Field(sa_column=Column(Text, nullable=False))
    revoked_from: str | None = Field(default=None, sa_column=Column(Text))
    compulsory_from: str | None = Field(default=None, sa_column=Column(Text))

    def listed(self) -> SourceKey:
        """Return the key as a head statement lists it."""
        starts = {name: getattr(self, name) for name in ("signs_from", "revoked_from", "compulsory_from")}
        read = {name: text and Start.model_validate_json(text) for name, text in starts.items()}
        return SourceKey(source=self.source, key_id=self.key_id, public_key=self.public_key, **read)


class SourceAuditRow(LedgerModel, table=True):
    """The newest row of a source's audit log, as the source said it last."""

    __tablename__ = "source_audit"

    source: str = Field(primary_key=True, max_length=32)
    sequence: int
    hash: str = Field(max_length=64)

    def head(self) -> AuditHead:
        """Return it as a head statement lists it."""
        return AuditHead(source=self.source, sequence=self.sequence, hash=self.hash)


class SecondKeyRow(LedgerModel, table=True):
    """A public key that gives checkpoints a second signature, or once did. `kind` is hex, see `NoteKey`."""

    __tablename__ = "second_key"

    key_id: str = Field(primary_key=True, max_length=8)
    name: str = Field(max_length=200)
    kind: str = Field(max_length=100)
    public_key: str = Field(max_length=1000)
    created_at: str = Field(max_length=27)

"""Tables of the ledger (发布账本): entries, tiles, signed heads, and how far each lane of each source was recorded."""

from sqlalchemy import Column, LargeBinary, MetaData, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

ledger_metadata = MetaData()
SIZE_ROW = 1


class LedgerModel(SQLModel):
    """Base of the tables that only the ledger has."""

    metadata = ledger_metadata


class EntryRow(LedgerModel, table=True):
    """One publication. `meta` is its JSON without the body. `body` can be erased by law; the proof remains valid."""

    __tablename__ = "entry"
    __table_args__ = (UniqueConstraint("key", "version"),)

    position: int = Field(primary_key=True)
    key: str = Field(max_length=128)
    version: int
    kind: str = Field(max_length=16)
    released_at: str = Field(max_length=27)
    meta: str = Field(sa_column=Column(Text, nullable=False))
    body: str | None = Field(default=None, sa_column=Column(Text))
    proof: str | None = Field(
        default=None,
        sa_column=Column(Text),
        description="Path to the checkpoint of its batch; null for entries recorded before proofs were stored.",
    )

    def document(self, *, with_body: bool = True) -> str:
        """Return the publication as JSON, without its proof."""
        body = self.body if with_body and self.body is not None else "null"
        return f'{self.meta[:-1]},"body":{body}}}'


class KeyRow(LedgerModel, table=True):
    """The newest version of a key: recognizes duplicates, and is the list for snapshots."""

    __tablename__ = "key"

    key: str = Field(primary_key=True, max_length=128)
    version: int
    position: int
    op: str = Field(max_length=16)
    effective_at: str | None = Field(default=None, max_length=27)
    expires_at: str | None = Field(default=None, max_length=27)
    first_position: int = Field(
        unique=True, description="Position of version 1; defines the order of keys in a snapshot."
    )


class SourceRow(LedgerModel, table=True):
    """How far a lane of a source is recorded."""

    __tablename__ = "source"

    source: str = Field(primary_key=True, max_length=32)
    lane: str = Field(primary_key=True, max_length=16)
    sequence: int = 0


class LogRow(LedgerModel, table=True):
    """The number of entries, in one row that every sequencer locks."""

    __tablename__ = "log"

    id: int = Field(default=SIZE_ROW, primary_key=True)
    size: int = 0


class TileRow(LedgerModel, table=True):
    """Up to 256 hashes of the tree, see `shared.transparency.merkle`."""

    __tablename__ = "tile"

    level: int = Field(primary_key=True)
    number: int = Field(primary_key=True)
    hashes: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class HeadRow(LedgerModel, table=True):
    """The newest signed head of a size."""

    __tablename__ = "head"

    size: int = Field(primary_key=True)
    root: str = Field(max_length=64)
    time: str = Field(max_length=27)
    checkpoint: str = Field(sa_column=Column(Text, nullable=False))


class SigningKeyRow(LedgerModel, table=True):
    """A public key that has signed heads."""

    __tablename__ = "signing_key"

    key_id: str = Field(primary_key=True, max_length=8)
    name: str = Field(max_length=200)
    public_key: str = Field(max_length=64)
    created_at: str = Field(max_length=27)

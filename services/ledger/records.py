"""Tables of what is signed beside the heads: the newest head statement, and the life of each key."""

from sqlalchemy import Column, Text
from sqlmodel import Field

from services.ledger.model import LedgerModel

NEWEST = 1


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

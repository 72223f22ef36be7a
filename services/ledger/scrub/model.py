"""Tables of the scrub: the position of the current round, and the damage found."""

from enum import StrEnum

from sqlalchemy import BigInteger, Column, Text
from sqlmodel import Field, Session, col, func, select

from services.ledger.model import LedgerModel

ONLY = 1
LONGEST_DETAIL = 500


class DamagedPart(StrEnum):
    """The damaged part of an entry. `tile`: the tile with its leaf; `tree`: the whole tree, compared with the head."""

    ENTRY = "entry"
    META = "meta"
    BODY = "body"
    COLUMNS = "columns"
    TILE = "tile"
    TREE = "tree"


class ScrubRow(LedgerModel, table=True):
    """The current round: entries up to `position` were read. `finished_at`: when the last complete round ended."""

    __tablename__ = "scrub"

    id: int = Field(default=ONLY, primary_key=True)
    position: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    began_at: str = Field(max_length=27)
    finished_at: str | None = Field(default=None, max_length=27)


class DamageRow(LedgerModel, table=True):
    """One damage, from detection to repair. `problem`: why it cannot be repaired here."""

    __tablename__ = "damage"

    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    part: str = Field(primary_key=True, max_length=16)
    key: str = Field(max_length=128)
    version: int
    detail: str = Field(sa_column=Column(Text, nullable=False))
    found_at: str = Field(max_length=27)
    mended_at: str | None = Field(default=None, max_length=27)
    problem: str | None = Field(default=None, sa_column=Column(Text))


def count_damaged(session: Session) -> int:
    """Return the number of unrepaired damages."""
    return int(session.exec(select(func.count()).where(col(DamageRow.mended_at).is_(None))).one())

"""Tables of receipts."""

from sqlalchemy import BigInteger, Column, Text
from sqlmodel import Field, SQLModel

from services.console.model import console_metadata

TIME = 27
KEY = 128


class ReceiptRow(SQLModel, table=True):
    """A release that is followed until every channel shows it. Rows are never deleted."""

    metadata = console_metadata
    __tablename__ = "receipt"

    id: int | None = Field(default=None, primary_key=True)
    title: str = Field(max_length=200)
    by: str = Field(max_length=40, description="Display name of the person; what released it, where nobody is known.")
    released_at: str = Field(max_length=TIME)
    due_at: str = Field(max_length=TIME, description="From when it is to be shown.")
    versions: str = Field(sa_column=Column(Text, nullable=False), description="JSON: key, version, op.")
    position: int | None = Field(default=None, sa_column=Column(BigInteger), description="In the ledger, if known.")
    state: str = Field(max_length=16, index=True, description="See `services.console.receipts.opening.ReceiptState`.")
    places: str = Field(sa_column=Column(Text, nullable=False), description="JSON, by channel: since when, how late.")
    screens: str = Field(sa_column=Column(Text, nullable=False), description="JSON: screens of the hall, which not.")
    problem: str | None = Field(default=None, sa_column=Column(Text))
    settled_at: str | None = Field(default=None, max_length=TIME)
    origin: str | None = Field(
        default=None, max_length=KEY, unique=True, index=True, description="Act of a set: it has one receipt."
    )
    many: str | None = Field(
        default=None,
        sa_column=Column(Text),
        description="JSON, of an import: by source, how many; `versions` then has the newest of each.",
    )
    newest_at: str | None = Field(default=None, max_length=TIME, description="When the newest of many was released.")


class ReceiptVersionRow(SQLModel, table=True):
    """The receipt of a version, so that it has one only. Versions of an import have none: its lane is counted."""

    metadata = console_metadata
    __tablename__ = "receipt_version"

    key: str = Field(primary_key=True, max_length=KEY)
    version: int = Field(primary_key=True)
    receipt: int


class ReceiptFeedRow(SQLModel, table=True):
    """How far the feed of a source's lane is read: up to here everything has its receipt."""

    metadata = console_metadata
    __tablename__ = "receipt_feed"

    source: str = Field(primary_key=True, max_length=32)
    lane: str = Field(primary_key=True, max_length=16)
    sequence: int = Field(sa_column=Column(BigInteger, nullable=False))

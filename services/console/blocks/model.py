"""Tables of content blocks: the blocks, which documents use them, and their changes."""

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from services.console.model import console_metadata

TIME = 27
"""Characters of a time as `contracts.base.format_time` writes it."""


class BlockRow(SQLModel, table=True):
    """A content block: one value that many documents use."""

    metadata = console_metadata
    __tablename__ = "content_block"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=100)
    value: str = Field(sa_column=Column(Text, nullable=False))
    version: int = Field(default=1, description="Grows with each change of name, value or uses.")
    created_by: str = Field(max_length=32)
    changed_at: str = Field(max_length=TIME)


class BlockUseRow(SQLModel, table=True):
    """A field of a document that holds the block's value. Parts of lists are found by value, so there is no path."""

    metadata = console_metadata
    __tablename__ = "content_block_use"

    block: int = Field(primary_key=True)
    kind: str = Field(primary_key=True, max_length=8)
    code: str = Field(primary_key=True, max_length=64)


class BlockChangeRow(SQLModel, table=True):
    """One change of a block's value in many drafts, and what it did to each: what an undo needs."""

    metadata = console_metadata
    __tablename__ = "content_block_change"

    id: int | None = Field(default=None, primary_key=True)
    block: int = Field(index=True)
    person: str = Field(max_length=32)
    at: str = Field(max_length=TIME)
    before: str = Field(sa_column=Column(Text, nullable=False))
    after: str = Field(sa_column=Column(Text, nullable=False))
    outcome: str = Field(sa_column=Column(Text, nullable=False), description="JSON: list of documents and results.")
    undoes: int | None = Field(default=None, description="The change that this one takes back.")

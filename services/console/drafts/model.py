"""The table of working copies."""

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from services.console.model import console_metadata

TIME = 27
"""Characters of a time as `contracts.base.format_time` writes it."""


class WorkingCopyRow(SQLModel, table=True):
    """What one person has typed about one code, item and guide, and what it started from."""

    metadata = console_metadata
    __tablename__ = "working_copy"

    person: str = Field(primary_key=True, max_length=32)
    code: str = Field(primary_key=True, max_length=64)
    version: int = Field(description="Grows with each change; two windows of one person tell by it who was first.")
    name: str = Field(default="", max_length=200, description="The item's name as typed, for the list.")
    texts: str = Field(default="", sa_column=Column(Text, nullable=False), description="JSON: form path → text.")
    bases: str = Field(default="", sa_column=Column(Text, nullable=False), description="JSON: kind → `Base`.")
    changed_at: str = Field(default="", max_length=TIME)
    touched: bool = Field(default=False, description="Something is typed that is not saved at the sources.")

"""The record of what operators did. Rows are added, and completed once with the outcome; never deleted."""

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from services.console.model import console_metadata


class OperatorActionRow(SQLModel, table=True):
    """One action: who, when, on what, why, and what came of it. `outcome` is null while it runs."""

    metadata = console_metadata
    __tablename__ = "operator_action"

    id: int | None = Field(default=None, primary_key=True)
    at: str = Field(max_length=27, index=True)
    actor: str = Field(max_length=40)
    address: str = Field(max_length=64)
    action: str = Field(max_length=20)
    target: str = Field(max_length=160, description="`<channel>` or `<channel>/<position>`.")
    reason: str = Field(max_length=300)
    outcome: str | None = Field(default=None, max_length=10)
    detail: str = Field(default="", sa_column=Column(Text, nullable=False))
    finished_at: str | None = Field(default=None, max_length=27)

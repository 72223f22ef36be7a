"""Tables of releasing: sets, and links to previews."""

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from services.console.model import console_metadata

TIME = 27
KEY = 128


class SetRow(SQLModel, table=True):
    """A set that is being released or was. Rows are never deleted."""

    metadata = console_metadata
    __tablename__ = "release_set"

    act: str = Field(primary_key=True, max_length=KEY, description="Ledger key of the act that completes it.")
    state: str = Field(max_length=16, index=True, description="See `services.console.release.sets.SetState`.")
    effective_at: str = Field(max_length=TIME)
    note: str | None = Field(default=None, max_length=500, description="Public note.")
    undoes: str | None = Field(default=None, max_length=KEY, description="The set that it takes back.")
    by: str = Field(sa_column=Column(Text, nullable=False), description="JSON: the person, as `Person.claim`.")
    members: str = Field(sa_column=Column(Text, nullable=False), description="JSON, by source: what was asked.")
    recorded: str = Field(sa_column=Column(Text, nullable=False), description="JSON: key, version, digest, op.")
    problem: str | None = Field(default=None, sa_column=Column(Text), description="Why it does not go on, in Chinese.")
    created_at: str = Field(max_length=TIME)
    changed_at: str = Field(max_length=TIME)
    at_once: bool = Field(default=False, description="No time was asked for: it is shown as soon as it is complete.")
    receipt: int | None = Field(default=None, description="Number of its receipt, once it is complete.")


class PreviewRow(SQLModel, table=True):
    """A link to a preview of drafts. Only the hash of its token is stored."""

    metadata = console_metadata
    __tablename__ = "preview"

    token_hash: str = Field(primary_key=True, max_length=64)
    code: str = Field(max_length=64, index=True)
    drafts: str = Field(sa_column=Column(Text, nullable=False), description="JSON, by source: digest of the draft.")
    by: str = Field(sa_column=Column(Text, nullable=False), description="JSON: the person, as `Person.claim`.")
    created_at: str = Field(max_length=TIME)
    expires_at: str = Field(max_length=TIME)
    revoked_at: str | None = Field(default=None, max_length=TIME)

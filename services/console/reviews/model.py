"""The table of delegations: who signs a gate while its reviewer is away."""

from sqlmodel import Field, SQLModel

from services.console.model import console_metadata

TIME = 27


class DelegationRow(SQLModel, table=True):
    """One gate of an absent reviewer, given to a colleague for a time. Rows are never deleted."""

    metadata = console_metadata
    __tablename__ = "delegation"

    id: int | None = Field(default=None, primary_key=True)
    gate: str = Field(max_length=16)
    giver: str = Field(max_length=32, index=True, description="Account of the reviewer who is away.")
    taker: str = Field(max_length=32, index=True, description="Account of the colleague who signs.")
    starts_at: str = Field(max_length=TIME)
    ends_at: str = Field(max_length=TIME)
    created_at: str = Field(max_length=TIME)
    revoked_at: str | None = Field(default=None, max_length=TIME)

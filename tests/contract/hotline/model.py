"""The table that only this channel has: how often callers asked for an item."""

from sqlmodel import Field

from services.channels.core.model import ChannelModel


class CallRow(ChannelModel, table=True):
    """One row per item that somebody has asked for."""

    __tablename__ = "call"

    code: str = Field(primary_key=True, max_length=64)
    calls: int = 0

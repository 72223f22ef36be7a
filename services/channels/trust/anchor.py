"""The anchor: the newest head proven to continue all heads before it, and whether the channel is halted."""

from typing import Any

from sqlalchemy import Column, Text
from sqlmodel import Field, Session, col, delete

from contracts.base import Json
from contracts.envelope.publication import Head
from services.channels.core.model import ONLY, ChannelModel, SeenHeadRow


class LineageRow(ChannelModel, table=True):
    """The anchor. While the channel is halted, also when and why it halted, and the head that does not continue it."""

    __tablename__ = "lineage"

    id: int = Field(default=ONLY, primary_key=True)
    size: int
    root: str = Field(max_length=64)
    checkpoint: str = Field(sa_column=Column(Text, nullable=False))
    halted_at: str | None = Field(default=None, max_length=27)
    reason: str | None = Field(default=None, max_length=500)
    refused: str | None = Field(
        default=None, sa_column=Column(Text), description="The conflicting head as JSON, kept as evidence."
    )


def anchor_of(session: Session) -> LineageRow | None:
    """Return the anchor; a channel without one uses the newest head that it has seen."""
    found = session.get(LineageRow, ONLY)
    if found is not None:
        return found
    seen = session.get(SeenHeadRow, ONLY)
    return None if seen is None else LineageRow(size=seen.size, root=seen.root, checkpoint=seen.checkpoint)


def anchored(head: Head) -> LineageRow:
    """Return the anchor row for a head, not halted: later heads must continue this one."""
    return LineageRow(size=head.size, root=head.root, checkpoint=head.checkpoint)


def begin_anew(session: Session, head: Head) -> None:
    """Replace the anchor and forget the heads of the former ledger."""
    session.exec(delete(SeenHeadRow).where(col(SeenHeadRow.id) == ONLY))
    session.merge(anchored(head))


def is_halted(session: Session) -> bool:
    """Whether the channel is halted and needs an operator."""
    found = session.get(LineageRow, ONLY)
    return found is not None and found.halted_at is not None


def lineage(session: Session) -> Json:
    """Return the anchor, and when and why the channel halted; null if it is not."""
    found: Any = anchor_of(session)
    facts: Json = {"size": 0, "root": None} if found is None else {"size": found.size, "root": found.root}
    halted = None
    if found is not None and found.halted_at:
        halted = {"since": found.halted_at, "reason": found.reason}
    return {"anchor": facts, "halted": halted}

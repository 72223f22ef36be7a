"""The anchor: the newest head proven to continue all heads before it, and whether the channel is halted or paused."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Text
from sqlmodel import Field, Session, col, delete

from contracts.base import Json, format_time
from contracts.envelope.publication import Head
from services.channels.core.model import ONLY, ChannelModel, SeenHeadRow
from shared.errors import Conflict
from shared.transparency.merkle import EMPTY_ROOT


class LineageRow(ChannelModel, table=True):
    """The anchor. While the channel is halted, also when and why it halted, and the head that does not continue it.

    A person may stop the channel too: then `reason` is that person's, and there is no refused head.
    """

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

    @property
    def is_paused(self) -> bool:
        """Whether a person stopped the channel."""
        return self.halted_at is not None and self.reason is not None and self.refused is None


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
    """Whether the channel is halted because its ledger does not continue what it has seen."""
    found = session.get(LineageRow, ONLY)
    return found is not None and found.halted_at is not None and not found.is_paused


def pause(session: Session, reason: str) -> Json:
    """Make the channel take no more entries until `resume`. Return `lineage`. Raises `Conflict` for a halted channel.

    Repeated, only the reason changes.
    """
    found = session.get(LineageRow, ONLY, with_for_update=True) or anchor_of(session)
    row = found or LineageRow(size=0, root=EMPTY_ROOT.hex(), checkpoint="")
    if row.halted_at is not None and not row.is_paused:
        raise Conflict("the channel is halted because its ledger lost entries; it takes none until that is settled")
    row.halted_at, row.reason = row.halted_at or format_time(datetime.now(UTC)), reason
    session.merge(row)
    session.flush()
    return lineage(session)


def resume(session: Session) -> Json:
    """Let a paused channel take entries again. Return `lineage`. Raises `Conflict` if it is not paused."""
    row = session.get(LineageRow, ONLY, with_for_update=True)
    if row is None or not row.is_paused:
        raise Conflict("the channel is not paused")
    if row.size == 0:
        # Paused before its first head: it has no anchor to go on from.
        session.delete(row)
    else:
        row.halted_at = row.reason = None
        session.add(row)
    session.flush()
    return lineage(session)


def lineage(session: Session) -> Json:
    """Return the anchor; when and why the channel halted, or a person paused it; each null if it is not so."""
    found: Any = anchor_of(session)
    facts: Json = {"size": 0, "root": None} if found is None else {"size": found.size, "root": found.root}
    stopped = None
    if found is not None and found.halted_at:
        stopped = {"since": found.halted_at, "reason": found.reason}
    paused = stopped is not None and found.is_paused
    return {"anchor": facts, "halted": None if paused else stopped, "paused": stopped if paused else None}

"""Releases that the ledger does not record: of an unknown kind, or of a kind that another source owns.

If only a message holds such a release, the message is refused and the lane does not advance: the source's feed decides
what belongs at that sequence number. If the feed holds it too, the release is passed over: its row is stored here and
the lane advances. Once a newer version of the program knows the kind, the release is fetched again and recorded.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlmodel import Field, Session, col, func, select

from contracts.base import format_time
from contracts.envelope.publication import Release
from contracts.kinds import misplaced
from services.ledger.model import LedgerModel
from shared import log, metrics

LONGEST_REASON = 300
_log = log.get("ledger")


class PassedOverRow(LedgerModel, table=True):
    """A release in a source's feed that has no entry in the ledger."""

    __tablename__ = "passed_over"

    source: str = Field(primary_key=True, max_length=32)
    lane: str = Field(primary_key=True, max_length=16)
    sequence: int = Field(primary_key=True)
    key: str = Field(max_length=128)
    version: int
    kind: str = Field(max_length=16)
    op: str = Field(max_length=16)
    digest: str = Field(max_length=64)
    reason: str = Field(max_length=LONGEST_REASON)
    passed_at: str = Field(max_length=27)


def objection(release: Release) -> str | None:
    """Return why the ledger does not record this release; None if it does."""
    return misplaced(release.source, release.key, release.kind, release.op)


def pass_over(session: Session, releases: Sequence[Release]) -> list[Release]:
    """Store a row for each release that the ledger does not record; return the other releases."""
    taken: list[Release] = []
    for release in releases:
        reason = objection(release)
        if reason is None:
            taken.append(release)
            continue
        metrics.refused.labels("ledger", "PassedOver").inc()
        _log.critical(
            "release skipped", source=release.source, lane=str(release.lane), sequence=release.sequence,
            reason=reason,
        )  # fmt: skip
        session.merge(
            PassedOverRow(
                source=release.source, lane=str(release.lane), sequence=release.sequence, key=release.key,
                version=release.version, kind=release.kind, op=release.op, digest=release.digest,
                reason=reason[:LONGEST_REASON], passed_at=format_time(datetime.now(UTC)),
            )
        )  # fmt: skip
    return taken


def takeable(session: Session, source: str, lane: str) -> list[PassedOverRow]:
    """Return the rows of a lane whose releases this version of the program can record, oldest first."""
    query = select(PassedOverRow).where(PassedOverRow.source == source, PassedOverRow.lane == lane)
    rows = session.exec(query.order_by(col(PassedOverRow.sequence))).all()
    return [row for row in rows if misplaced(row.source, row.key, row.kind, row.op) is None]


def was_passed_over(session: Session, release: Release) -> bool:
    """Return whether this release, with this digest, is passed over."""
    row = session.get(PassedOverRow, (release.source, str(release.lane), release.sequence))
    return row is not None and (row.key, row.version, row.digest) == (release.key, release.version, release.digest)


def counts(session: Session) -> dict[tuple[str, str], int]:
    """Return the number of rows by source and lane."""
    query = select(PassedOverRow.source, PassedOverRow.lane, func.count()).group_by(
        PassedOverRow.source, PassedOverRow.lane
    )
    return {(source, lane): count for source, lane, count in session.exec(query)}

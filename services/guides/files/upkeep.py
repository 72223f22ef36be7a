"""Removes files that nothing names: uploads whose draft was never saved, or was changed before it was released.

What a released version has named stays for ever, as the version does. Bounded: a round reads a part of the new releases
and removes a few files; the next round goes on.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import orjson
from sqlmodel import Session, col, delete, select, update

from contracts.base import Json, format_time
from contracts.envelope.publication import Lane
from services.guides.files.model import FileRow, FileScanRow
from shared.audit.recording import AuditEntry, record
from shared.database.engine import Database
from shared.feeds.outbox import ReleaseRow, SourceFeed
from shared.publishing.editions.model import EditionRow
from shared.publishing.reviews.model import ReviewMemberRow
from shared.tokens.person import SYSTEM

UNUSED_DAYS = 30
UPKEEP_SECONDS = 3600.0
RELEASES_A_ROUND, REMOVED_A_ROUND = 2_000, 50
FEW = 20
"""Releases and drafts in memory at once."""

MENTION = '"sha256"'


class FileUpkeep:
    """One round after the other, by a timer."""

    def __init__(self, db: Database, source: str) -> None:
        self._db, self._source = db, source

    def step(self, now: datetime | None = None) -> int:
        """Remove files that were uploaded more than `UNUSED_DAYS` ago and are named nowhere. Return how many."""
        before = format_time((now or datetime.now(UTC)) - timedelta(days=UNUSED_DAYS))
        # One transaction: if the process dies before its commit, everything is as it was and the next round repeats it.
        with self._db.write() as session:
            is_behind = [self._note_released(session, lane) for lane in Lane]
            if any(is_behind):
                return 0
            unused = _unused(session, before)
            if unused:
                session.exec(delete(FileRow).where(col(FileRow.sha256).in_(unused)))
            record(session, SYSTEM, *(AuditEntry("file_removed", f"file:{one}") for one in unused))
        return len(unused)

    def _note_released(self, session: Session, lane: Lane) -> bool:
        """Mark the files that new releases of a lane name. Return whether more releases follow."""
        mark = session.get(FileScanRow, str(lane), with_for_update=True) or FileScanRow(lane=str(lane))
        head = SourceFeed(self._source, lane).head(session)
        until = min(head, mark.sequence + RELEASES_A_ROUND)
        place = col(ReleaseRow.sequence)
        within = (ReleaseRow.lane == lane, place > mark.sequence, place <= until)
        query = select(ReleaseRow.document).where(*within, col(ReleaseRow.document).contains(MENTION))
        named = {
            one
            for document in session.exec(query.execution_options(yield_per=FEW))
            for one in hashes_in(orjson.loads(document).get("body"))
        }
        if named:
            session.exec(update(FileRow).where(col(FileRow.sha256).in_(sorted(named))).values(released=True))
        mark.sequence = until
        session.add(mark)
        return until < head


def _unused(session: Session, before: str) -> list[str]:
    """Return files that nothing names. They are locked first: a draft that is being saved is waited for, and seen."""
    old = (col(FileRow.released).is_(False), col(FileRow.uploaded_at) < before)
    query = select(FileRow.sha256).where(*old).order_by(FileRow.uploaded_at).limit(REMOVED_A_ROUND)
    wanted = list(session.exec(query.with_for_update()))
    if not wanted:
        return []
    named: set[str] = set()
    for column in (col(EditionRow.draft), col(ReviewMemberRow.body)):
        bodies = session.exec(select(column).where(column.contains(MENTION)).execution_options(yield_per=FEW))
        named |= {one for body in bodies if body for one in hashes_in(orjson.loads(body))}
    return [one for one in wanted if one not in named]


def hashes_in(body: Json | None) -> Iterator[str]:
    """Yield the SHA-256 of each file that a stored body names."""
    materials: Iterable[Json] = (body or {}).get("materials") or ()
    for material in materials:
        yield from (file["sha256"] for file in material.get("files") or ())

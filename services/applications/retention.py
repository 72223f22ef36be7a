"""Erasure by law at the source: the case is taken off every channel, and the bodies of its releases go.

The feed goes on giving those releases, without bodies and with their digests: a ledger that reads it anew comes to the
same entries, and every proof still holds.
"""

from datetime import UTC, datetime, timedelta

import orjson
from sqlalchemy import text
from sqlmodel import Session, col, select

from contracts.base import Json, format_time
from contracts.publication import Op
from services.applications import docket, settling
from services.applications.model import CaseRow
from services.applications.private import reading, writing
from shared import erasing, log, metrics
from shared.database import Database
from shared.errors import Conflict, NotFound
from shared.outbox import Draft, ReleaseRow

BATCH = 500
BARE = '%"body":null%'
# A body that the ledger has not taken yet would come to it as a message without one, which it refuses.
TAKEN = "release.sequence <= (SELECT sequence FROM relayed WHERE relayed.lane = release.lane)"
NEWER = "version < (SELECT max(version) FROM release newest WHERE newest.key = release.key)"
ERASE = text("UPDATE release SET document = :document WHERE lane = :lane AND sequence = :sequence")
_log = log.get("retention")


def erase_case(db: Database, region: str, key: str) -> Json:
    """Withdraw the case where it is still shown, forget all that is personal of it, and erase its bodies.

    Raises `NotFound`; `Conflict` while a release of it is not with the ledger yet. Repeating it is no error.
    """
    with reading(db) as session:
        number = session.exec(select(CaseRow.project_no).where(CaseRow.case_ref == key.partition(":")[2])).first()
    with writing(db) as session:
        row = docket.locked(session, [number])[number] if number else None
        newest = _newest(session, key)
        if _untaken(session, key):
            raise Conflict("the newest release of this case is not with the ledger yet: try again in a moment")
        erasing.overwrite(db, session)
        erased = 0
        while more := _erase(session, _bodies(session, "key = :key", {"key": key})):
            erased += more
        drafts = []
        if row is not None and row.key == key:
            drafts = [] if row.withdrawn else [settling.withdrawal(row, region)]
            row.withdrawn = True
            row.revision += 1
            session.add(row)
            if not row.erased:
                docket.erase(session, row)
        elif newest.op != Op.WITHDRAW:
            drafts = [Draft(key, newest.version + 1, Op.WITHDRAW, region, None)]
        settling.release(session, drafts)
    _finish(db, erased)
    return {"erased": erased, "version": newest.version + len(drafts)}


def compact_cases(db: Database, older_than: timedelta) -> int:
    """Erase bodies of releases that a newer version took the place of, released longer ago than that; how many."""
    before = format_time(datetime.now(UTC) - older_than)
    total = 0
    while True:
        with writing(db) as session:
            erasing.overwrite(db, session)
            where = f"released_at < :before AND {TAKEN} AND {NEWER}"
            erased = _erase(session, _bodies(session, where, {"before": before}))
        _finish(db, erased)
        total += erased
        if erased < BATCH:
            return total


def _newest(session: Session, key: str) -> ReleaseRow:
    query = select(ReleaseRow).where(ReleaseRow.key == key).order_by(col(ReleaseRow.version).desc()).limit(1)
    found = session.exec(query).first()
    if found is None:
        raise NotFound("no release of this key")
    return found


def _untaken(session: Session, key: str) -> bool:
    query = text(f"SELECT 1 FROM release WHERE key = :key AND op = 'release' AND NOT coalesce({TAKEN}, false) LIMIT 1")  # noqa: S608  # our own text
    return session.connection().execute(query, {"key": key}).first() is not None


def _bodies(session: Session, where: str, values: Json) -> list[Json]:
    """Releases that still have a body, at most `BATCH`."""
    query = text(
        f"SELECT lane, sequence, document FROM release WHERE op = 'release' AND {where} "  # noqa: S608  # our own text
        "AND document NOT LIKE :bare ORDER BY lane, sequence LIMIT :limit"
    )
    rows = session.connection().execute(query, {**values, "bare": BARE, "limit": BATCH})
    return [{"lane": row.lane, "sequence": row.sequence, "document": row.document} for row in rows]


def _erase(session: Session, found: list[Json]) -> int:
    bare = [
        {**row, "document": orjson.dumps({**orjson.loads(row["document"]), "body": None}).decode()} for row in found
    ]
    if bare:
        session.connection().execute(ERASE, bare)
    return len(bare)


def _finish(db: Database, count: int) -> None:
    if count:
        erasing.empty_journal(db)
        metrics.erased.labels("applications").inc(count)
        _log.info("bodies erased", count=count)

"""Erase a case at the source as the law requires: withdraw it from every channel, and erase its releases' bodies.

The feed keeps these releases without bodies, with their digests: a ledger that reads it again records the same entries,
and every proof remains valid.
"""

from datetime import UTC, datetime, timedelta

import orjson
from sqlalchemy import TextClause
from sqlmodel import Session, col, select

from contracts.base import Json, format_time
from contracts.envelope.publication import Op
from services.applications.case_repository import CaseRepository
from services.applications.lifecycle import recompute
from services.applications.model import CaseRow
from services.applications.privacy.error_guard import reading, writing
from services.applications.statements import BODIES_OF_KEY, ERASE_BODY, SUPERSEDED_BODIES, UNSENT
from shared import log, metrics
from shared.audit.recording import AuditEntry, record
from shared.database import erasure
from shared.database.engine import Database
from shared.errors import Conflict, NotFound
from shared.feeds.outbox import Draft, ReleaseRow
from shared.publishing.retention import Erasure
from shared.tokens.person import Actor
from shared.transparency.canonical import digest

BATCH = 500
BARE = '%"body":null%'
_log = log.get("retention")


def erase_case(db: Database, region: str, by: Actor, wanted: Erasure) -> Json:
    """Withdraw the case if it is still shown, erase its personal data, and erase its bodies.

    Raises `NotFound`; `Conflict` while a release of it has not been relayed to the ledger. Repeating it is no error.
    """
    key = wanted.key
    with reading(db) as session:
        number = session.exec(select(CaseRow.project_no).where(CaseRow.case_ref == key.partition(":")[2])).first()
    with writing(db) as session:
        cases = CaseRepository(session)
        row = cases.locked([number])[number] if number else None
        newest = _newest(session, key)
        if _untaken(session, key):
            raise Conflict("the ledger has not recorded the newest release of this case yet: try again in a moment")
        erasure.overwrite(db, session)
        erased = 0
        while more := _erase(session, _bodies(session, BODIES_OF_KEY, {"key": key})):
            erased += more
        drafts = []
        if row is not None and row.key == key:
            drafts = [] if row.withdrawn else [recompute.withdrawal(row, region)]
            row.withdrawn = True
            row.revision += 1
            session.add(row)
            if not row.erased:
                cases.erase(row)
        elif newest.op != Op.WITHDRAW:
            drafts = [Draft(key, newest.version + 1, Op.WITHDRAW, region, None)]
        recompute.release(session, drafts)
        after = {"bodies": erased, "version": newest.version + len(drafts)}
        told = {**after, "reason": wanted.reason, "decided_by": digest(wanted.by)}
        record(session, by, AuditEntry("erase_bodies", key, {"version": newest.version}, told))
    _finish(db, erased)
    return {"erased": erased, "version": newest.version + len(drafts)}


def compact_cases(db: Database, by: Actor, older_than: timedelta) -> int:
    """Erase bodies of superseded releases that are older than `older_than`; return how many."""
    before = format_time(datetime.now(UTC) - older_than)
    total = 0
    while True:
        with writing(db) as session:
            erasure.overwrite(db, session)
            erased = _erase(session, _bodies(session, SUPERSEDED_BODIES, {"before": before}))
            if erased:
                record(session, by, AuditEntry("compact", "application", None, {"bodies": erased, "before": before}))
        _finish(db, erased)
        total += erased
        if erased < BATCH:
            return total


def _newest(session: Session, key: str) -> ReleaseRow:
    query = select(ReleaseRow).where(ReleaseRow.key == key).order_by(col(ReleaseRow.version).desc()).limit(1)
    found = session.exec(query).first()
    if found is None:
        raise NotFound("no release has this key")
    return found


def _untaken(session: Session, key: str) -> bool:
    return session.connection().execute(UNSENT, {"key": key}).first() is not None


def _bodies(session: Session, query: TextClause, values: Json) -> list[Json]:
    """Return the releases of `query` that still have a body, at most `BATCH`."""
    rows = session.connection().execute(query, {**values, "bare": BARE, "limit": BATCH})
    return [{"lane": row.lane, "sequence": row.sequence, "document": row.document} for row in rows]


def _erase(session: Session, found: list[Json]) -> int:
    bare = [
        {**row, "document": orjson.dumps({**orjson.loads(row["document"]), "body": None}).decode()} for row in found
    ]
    if bare:
        session.connection().execute(ERASE_BODY, bare)
    return len(bare)


def _finish(db: Database, count: int) -> None:
    if count:
        erasure.empty_journal(db)
        metrics.erased.labels("applications").inc(count)
        _log.info("bodies erased", count=count)

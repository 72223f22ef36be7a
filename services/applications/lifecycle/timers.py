"""Effects of time and of new holiday notices on cases, in chunks of one transaction each: a restart continues."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import orjson
from sqlmodel import Session, col, select

from contracts.base import Json
from contracts.envelope.publication import Lane
from services.applications.audit import entry, standing
from services.applications.case_repository import CaseRepository
from services.applications.lifecycle import recompute
from services.applications.lifecycle.deadlines import TimerKind
from services.applications.lifecycle.facts import deemed_acceptance
from services.applications.lifecycle.recompute import Known
from services.applications.lifecycle.working_days import Calendar
from services.applications.model import ONLY, CalendarMark, CalendarRow, CaseRow, TimerRow
from services.applications.privacy.error_guard import reading, writing
from shared.audit.recording import AuditEntry, record
from shared.database.engine import Database
from shared.errors import Invalid, Violation
from shared.feeds.outbox import Draft
from shared.tokens.person import SYSTEM, Actor

CHUNK = 200
UPKEEP_SECONDS = 60


def store_notice(db: Database, by: Actor, year: int, notice: Any) -> bool:
    """Store the holiday notice of a year; return False if it is unchanged.

    Raises `Invalid`, and then stores nothing.
    """
    if isinstance(notice, dict) and notice.get("year") != year:
        raise Invalid(Violation("year", "same-as-path", f"must be {year}, as in the address"))
    with writing(db) as session:
        # Lock first, so that notices are stored one at a time.
        mark = session.get_one(CalendarMark, ONLY, with_for_update=True)
        others = [stored for stored in _notices(session) if stored["year"] != year]
        Calendar.from_notices([*others, notice])
        document = orjson.dumps(notice, option=orjson.OPT_SORT_KEYS).decode()
        row = session.get(CalendarRow, year) or CalendarRow(year=year, document="")
        before = {"notice": _digest(row.document)}
        if row.document == document:
            return False
        row.document = document
        mark.generation += 1
        session.add(row)
        session.add(mark)
        session.flush()
        record(session, by, AuditEntry("calendar", f"calendar:{year}", before, {"notice": _digest(document)}))
    return True


def notices(db: Database) -> list[Json]:
    """Return all holiday notices, in order of years."""
    with reading(db) as session:
        return _notices(session)


def finish_calendar(db: Database, region: str, today: Callable[[], date]) -> int:
    """Recompute every case that a newer calendar can change; return how many. Releases use the backfill lane."""
    return _until_done(lambda: _recompute_chunk(db, region, today()))


def run_timers(db: Database, region: str, today: date) -> int:
    """Handle what fell due before `today`: deemed acceptance and being overdue. Return how many cases."""
    return _until_done(lambda: _timer_chunk(db, region, today))


def _until_done(chunk: Callable[[], int]) -> int:
    total = 0
    while done := chunk():
        total += done
    return total


def _recompute_chunk(db: Database, region: str, today: date) -> int:
    with writing(db) as session:
        now = recompute.known(session, today)
        stale = [col(CaseRow.case_ref).is_not(None), col(CaseRow.active), col(CaseRow.generation) < now.generation]
        rows = CaseRepository(session).locked_where(stale, CHUNK)
        before = [standing(row) for row in rows]
        drafts = [recompute.settle(session, row, now, region).draft for row in rows]
        recompute.release(session, drafts, Lane.BACKFILL)
        record(session, SYSTEM, *_changed("recount", rows, before))
    return len(rows)


def _timer_chunk(db: Database, region: str, today: date) -> int:
    with writing(db) as session:
        now = recompute.known(session, today)
        due = select(TimerRow.project_no).where(~col(TimerRow.fired), col(TimerRow.day) < today)
        numbers = list(session.exec(due.order_by(col(TimerRow.day), col(TimerRow.project_no)).limit(CHUNK)))
        rows = list(CaseRepository(session).locked(numbers).values())
        before = [standing(row) for row in rows]
        drafts = [_fire(session, row, now, region) for row in rows]
        recompute.release(session, drafts)
        record(session, SYSTEM, *_changed("fall_due", rows, before))
    return len(rows)


def _changed(action: str, rows: Sequence[CaseRow], before: Sequence[Json]) -> list[AuditEntry]:
    """Return an entry for each case of which the public sees something else now."""
    pairs = zip(rows, before, strict=True)
    return [entry(action, row, old) for row, old in pairs if row.version != old["version"]]


def _fire(session: Session, row: CaseRow, now: Known, region: str) -> Draft | None:
    for timer in _due(session, row, now.today):
        if timer.kind == TimerKind.DEEMED_ACCEPTANCE:
            CaseRepository(session).add_facts(row, [deemed_acceptance(row.project_no, timer.day)])
    settled = recompute.settle(session, row, now, region)
    session.flush()
    for timer in _due(session, row, now.today):
        timer.fired = True
    return settled.draft


def _due(session: Session, row: CaseRow, today: date) -> list[TimerRow]:
    query = select(TimerRow).where(TimerRow.project_no == row.project_no)
    return list(session.exec(query.where(~col(TimerRow.fired), col(TimerRow.day) < today)))


def _digest(document: str) -> str | None:
    return hashlib.sha256(document.encode()).hexdigest() if document else None


def _notices(session: Session) -> list[Json]:
    return [orjson.loads(row) for row in session.exec(select(CalendarRow.document).order_by(col(CalendarRow.year)))]

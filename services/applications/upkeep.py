"""What time and a new holiday notice do to cases: in chunks, each its own transaction, so that a restart goes on."""

from collections.abc import Callable
from datetime import date
from typing import Any

import orjson
from sqlmodel import Session, col, select

from contracts.base import Json
from contracts.publication import Lane
from services.applications import docket, settling
from services.applications.clock import Calendar
from services.applications.deadlines import TimerKind
from services.applications.facts import deemed_acceptance
from services.applications.model import ONLY, CalendarMark, CalendarRow, CaseRow, TimerRow
from services.applications.private import reading, writing
from services.applications.settling import Known
from shared.database import Database
from shared.errors import Invalid, Violation
from shared.outbox import Draft

CHUNK = 200
UPKEEP_SECONDS = 60


def store_notice(db: Database, year: int, notice: Any) -> bool:
    """Store the holiday notice of a year; False when it is known already. Raises `Invalid`, then nothing changes."""
    if isinstance(notice, dict) and notice.get("year") != year:
        raise Invalid(Violation("year", "same-as-path", f"must be {year}, as the address says"))
    with writing(db) as session:
        # Locked first, so that one notice comes in at a time.
        mark = session.get_one(CalendarMark, ONLY, with_for_update=True)
        others = [stored for stored in _notices(session) if stored["year"] != year]
        Calendar.from_notices([*others, notice])
        document = orjson.dumps(notice, option=orjson.OPT_SORT_KEYS).decode()
        row = session.get(CalendarRow, year) or CalendarRow(year=year, document="")
        if row.document == document:
            return False
        row.document = document
        mark.generation += 1
        session.add(row)
        session.add(mark)
    return True


def notices(db: Database) -> list[Json]:
    """All holiday notices, in order of their years."""
    with reading(db) as session:
        return _notices(session)


def finish_calendar(db: Database, region: str, today: Callable[[], date]) -> int:
    """Recompute every case that a newer calendar can still change; how many. Releases go on the backfill lane."""
    return _until_done(lambda: _recompute_chunk(db, region, today()))


def run_timers(db: Database, region: str, today: date) -> int:
    """Do what has fallen due before `today`: deemed acceptance, the mark of being overdue. How many cases."""
    return _until_done(lambda: _timer_chunk(db, region, today))


def _until_done(chunk: Callable[[], int]) -> int:
    total = 0
    while done := chunk():
        total += done
    return total


def _recompute_chunk(db: Database, region: str, today: date) -> int:
    with writing(db) as session:
        now = settling.known(session, today)
        stale = [col(CaseRow.case_ref).is_not(None), col(CaseRow.active), col(CaseRow.generation) < now.generation]
        rows = docket.locked_where(session, stale, CHUNK)
        drafts = [settling.settle(session, row, now, region).draft for row in rows]
        settling.release(session, drafts, Lane.BACKFILL)
    return len(rows)


def _timer_chunk(db: Database, region: str, today: date) -> int:
    with writing(db) as session:
        now = settling.known(session, today)
        due = select(TimerRow.project_no).where(~col(TimerRow.fired), col(TimerRow.day) < today)
        numbers = list(session.exec(due.order_by(col(TimerRow.day), col(TimerRow.project_no)).limit(CHUNK)))
        rows = docket.locked(session, numbers).values()
        drafts = [_fire(session, row, now, region) for row in rows]
        settling.release(session, drafts)
    return len(rows)


def _fire(session: Session, row: CaseRow, now: Known, region: str) -> Draft | None:
    for timer in _due(session, row, now.today):
        if timer.kind == TimerKind.DEEMED_ACCEPTANCE:
            docket.add_facts(session, row, [deemed_acceptance(row.project_no, timer.day)])
    settled = settling.settle(session, row, now, region)
    session.flush()
    for timer in _due(session, row, now.today):
        timer.fired = True
    return settled.draft


def _due(session: Session, row: CaseRow, today: date) -> list[TimerRow]:
    query = select(TimerRow).where(TimerRow.project_no == row.project_no)
    return list(session.exec(query.where(~col(TimerRow.fired), col(TimerRow.day) < today)))


def _notices(session: Session) -> list[Json]:
    return [orjson.loads(row) for row in session.exec(select(CalendarRow.document).order_by(col(CalendarRow.year)))]

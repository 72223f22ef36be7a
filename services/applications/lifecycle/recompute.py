"""Recompute what follows from the facts of a case: its state, its timers, and the released body."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import orjson
from sqlmodel import Session, col, select

from contracts.content.cases import Badge
from contracts.envelope.publication import Lane, Op
from services.applications.case_repository import CaseRepository
from services.applications.lifecycle.current_state import derive
from services.applications.lifecycle.deadlines import due_timers
from services.applications.lifecycle.definitions import CLOSED, CaseState
from services.applications.lifecycle.progress import public_progress
from services.applications.lifecycle.working_days import Calendar
from services.applications.model import ONLY, SOURCE, CalendarMark, CalendarRow, CaseRow, TimerRow
from shared.feeds.outbox import Draft, emit
from shared.text.validation import body_of
from shared.transparency.canonical import digest


@dataclass(frozen=True)
class Known:
    """The common input of all cases: the calendar with its generation, and today in Asia/Shanghai."""

    calendar: Calendar
    generation: int
    today: date


@dataclass(frozen=True)
class Settled:
    """The state of a case, and the version to release if its public body changed."""

    state: CaseState
    draft: Draft | None


def known(session: Session, today: date) -> Known:
    """Return the current calendar. The generation is read first: it may be older than the notices, never newer."""
    mark = session.get_one(CalendarMark, ONLY, populate_existing=True)
    documents = session.exec(select(CalendarRow.document).order_by(col(CalendarRow.year)))
    return Known(_calendar(tuple(documents)), mark.generation, today)


def state_of(session: Session, row: CaseRow, now: Known) -> CaseState:
    """Derive the state of an open case as of today."""
    return derive(CaseRepository(session).facts_of(row.project_no), now.calendar, row.rules, as_of=now.today)


def settle(session: Session, row: CaseRow, now: Known, region: str) -> Settled:
    """Update an open, locked case from its facts, the calendar and the day."""
    state = state_of(session, row, now)
    row.state, row.overdue, row.generation = state.state, Badge.OVERDUE in state.badges, now.generation
    row.revision += 1
    if not row.erased:
        _set_timers(session, row, state, now.calendar)
    session.add(row)
    return Settled(state, None if row.withdrawn else _next_version(row, state, region))


def withdrawal(row: CaseRow, region: str) -> Draft:
    """Return the version that takes the case off every channel."""
    row.version += 1
    row.fingerprint = None
    return Draft(row.key, row.version, Op.WITHDRAW, region, None)


def release(session: Session, drafts: Iterable[Draft | None], lane: Lane = Lane.LIVE) -> None:
    """Release the drafts. Call it last in a transaction, because it takes the outbox's lock."""
    session.flush()
    emit(session, SOURCE, [draft for draft in drafts if draft], lane)


def _next_version(row: CaseRow, state: CaseState, region: str) -> Draft | None:
    progress = public_progress(state, row.item_code or "", secrets.token_hex(16))
    body = body_of(progress)
    fingerprint = digest({name: value for name, value in body.items() if name != "salt"})
    if fingerprint == row.fingerprint:
        return None
    row.fingerprint = fingerprint
    row.version += 1
    return Draft(row.key, row.version, Op.RELEASE, region, body)


def _set_timers(session: Session, row: CaseRow, state: CaseState, calendar: Calendar) -> None:
    """Keep one timer per kind. A timer that has fired stays so while its day is the same."""
    wanted = {timer.kind: timer.day for timer in due_timers(state, calendar)}
    stored = {
        timer.kind: timer for timer in session.exec(select(TimerRow).where(TimerRow.project_no == row.project_no))
    }
    for kind in stored.keys() - wanted.keys():
        session.delete(stored[kind])
    for kind, day in wanted.items():
        timer = stored.get(kind) or TimerRow(project_no=row.project_no, kind=kind, day=day)
        timer.fired = timer.fired and timer.day == day
        timer.day = day
        session.add(timer)
    row.active = state.state not in CLOSED or bool(wanted)


@lru_cache(maxsize=4)
def _calendar(documents: tuple[str, ...]) -> Calendar:
    return Calendar.from_notices([orjson.loads(document) for document in documents])

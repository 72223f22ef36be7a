"""Queries for clerks: one case in full; lists and counts with nothing personal but the case's number."""

from datetime import date

from sqlmodel import Session, col, func, select

from contracts.base import Json
from services.applications.case_repository import CaseRepository
from services.applications.lifecycle import recompute
from services.applications.lifecycle.current_state import allowed_events
from services.applications.lifecycle.definitions import CaseState
from services.applications.lifecycle.facts import Fact
from services.applications.lifecycle.recompute import Known
from services.applications.model import CaseRow, FactRow, TimerRow
from services.applications.privacy.sealing import personal_of


def case(session: Session, project_no: str, now: Known) -> tuple[CaseRow, Json]:
    """Return a case with everything known about it, for the responsible clerk. Raises `NotFound`."""
    cases = CaseRepository(session)
    row = cases.find(project_no)
    facts = sorted(cases.facts_of(project_no), key=lambda fact: (fact.occurred_at, fact.fact_id))
    state = recompute.state_of(session, row, now)
    content = {
        **summary(row),
        "case_ref": row.case_ref,
        "revision": row.revision,
        "version": row.version,
        "withdrawn": row.withdrawn,
        "erased": row.erased,
        "rules": {"task_type": row.task_type, "promise_day": row.promise_day, "promise_type": row.promise_type},
        **personal_of(session, row),
        **progress(state),
        "facts": [_fact(fact) for fact in facts],
        "timers": _timers(session, project_no),
    }
    return row, content


def progress(state: CaseState) -> Json:
    """Return a derived state for clerks: dates, the events that may follow, and broken rules.

    `provisional`: years without a holiday notice in which `promise_date` was counted.
    """
    return {
        "state": state.state,
        "stage": state.stage,
        "badges": list(state.badges),
        "apply_date": state.apply_date,
        "receipt_date": state.receipt_date,
        "answer_due": state.answer_due,
        "accept_date": state.accept_date,
        "promise_date": state.promise_date,
        "provisional": list(state.provisional),
        "result_date": state.result_date,
        "delivered_date": state.delivered_date,
        "tolerance_due": state.tolerance_due,
        "paused": state.paused,
        "allowed": sorted(allowed_events(state)),
        "waiting": [fact.fact_id for fact in state.waiting],
        "superseded": [fact.fact_id for fact in state.superseded],
        "violations": [{"rule": v.breach, "fact_id": v.fact_id, "day": v.day} for v in state.violations],
    }


def summary(row: CaseRow) -> Json:
    """Return a case as a list shows it. The state is null while the case is not open."""
    return {
        "project_no": row.project_no,
        "item_code": row.item_code,
        "state": row.state,
        "overdue": row.overdue,
        "open": row.is_open,
    }


def page(
    session: Session, after: str, limit: int, *, state: str | None, overdue: bool | None, opened: bool | None
) -> list[Json]:
    """Return cases in the order of their numbers; the given conditions are combined."""
    query = select(CaseRow).where(CaseRow.project_no > after)
    if state is not None:
        query = query.where(CaseRow.state == state)
    if overdue is not None:
        query = query.where(CaseRow.overdue == overdue)
    if opened is not None:
        query = query.where(col(CaseRow.case_ref).is_not(None) if opened else col(CaseRow.case_ref).is_(None))
    # The sealed columns are large: fetch few rows at a time and keep only the summary.
    query = query.order_by(CaseRow.project_no).limit(limit).execution_options(yield_per=50)
    return [summary(row) for row in session.exec(query)]


def counts(session: Session, now: Known) -> Json:
    """Count the cases by state, the overdue and provisional ones, and those that are not open, with their facts."""
    states = select(CaseRow.state, func.count()).where(col(CaseRow.case_ref).is_not(None)).group_by(col(CaseRow.state))
    waiting = (
        select(func.count(func.distinct(FactRow.project_no)), func.count())
        .select_from(FactRow)
        .join(CaseRow, col(CaseRow.project_no) == FactRow.project_no)
        .where(col(CaseRow.case_ref).is_(None), ~col(CaseRow.erased))
    )
    cases, facts = session.exec(waiting).one()
    return {
        "states": {str(state): count for state, count in session.exec(states)},
        "overdue": session.exec(select(func.count()).select_from(CaseRow).where(col(CaseRow.overdue))).one(),
        "provisional": provisional(session, now),
        "waiting": {"cases": cases, "facts": facts},
    }


def provisional(session: Session, now: Known) -> Json:
    """Return how many open cases have days in years without a holiday notice, and these years.

    Counted are the timers that have not fired; while a clock is stopped, its case promises no day.
    """
    last: date | None = session.exec(select(func.max(TimerRow.day)).where(~col(TimerRow.fired))).one()
    years = now.calendar.missing_years(now.today, last) if last else ()
    if not years:
        return {"cases": 0, "years": []}
    query = select(func.count(func.distinct(TimerRow.project_no))).where(~col(TimerRow.fired))
    return {"cases": session.exec(query.where(col(TimerRow.day) >= date(years[0], 1, 1))).one(), "years": list(years)}


def _fact(fact: Fact) -> Json:
    return fact.model_dump(mode="json", exclude_none=True, exclude={"project_no"})


def _timers(session: Session, project_no: str) -> list[Json]:
    query = select(TimerRow).where(TimerRow.project_no == project_no).order_by(col(TimerRow.day))
    return [{"kind": timer.kind, "day": timer.day, "fired": timer.fired} for timer in session.exec(query)]

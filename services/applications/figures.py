"""Counts of cases by item, and the cases whose promised day is near or over. Nothing personal but the case's number."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlmodel import Session

from contracts.base import Json, format_time
from services.applications.lifecycle.deadlines import TimerKind
from services.applications.lifecycle.definitions import RESULTS, UNDER_REVIEW, CaseStatus
from services.applications.lifecycle.facts import FactEvent
from services.applications.lifecycle.working_days import SHANGHAI
from services.applications.statements import CLOSED_BY_ITEM, COUNT_DUE, DUE, OPEN_BY_ITEM

RESULT_FACTS = (FactEvent.APPROVED, FactEvent.APPROVED_TOLERANT, FactEvent.REJECTED)


def by_item(session: Session, first: date, last: date) -> list[Json]:
    """Return the counts of each item that has cases: results from `first` to `last` (Asia/Shanghai), and cases now.

    The day of a result is that of the first fact that reports one.
    """
    period = {"first": _begin(first), "behind": _begin(last + timedelta(days=1))}
    closed = _rows(session, CLOSED_BY_ITEM, events=list(RESULT_FACTS), states=_names(RESULTS), **period)
    now_open = _rows(session, OPEN_BY_ITEM, states=_names(UNDER_REVIEW))
    nothing = {"closed": 0, "late": 0, "unpromised": 0, "open": 0, "overdue": 0}
    return [
        {"item_code": code, **nothing, **closed.get(code, {}), **now_open.get(code, {})}
        for code in sorted(closed.keys() | now_open.keys())
    ]


def due(session: Session, *, over: bool, until: date, unit: str, limit: int) -> Json:
    """Return the cases under review that promise a day up to `until`, soonest first, and how many there are.

    `over`: those whose day has passed, else those whose day is still to come. A case whose clock is stopped promises
    no day. `unit`: only cases of this unit's items; empty: of all.
    """
    asked = {"kind": TimerKind.PROMISE, "over": over, "until": until, "unit": unit, "states": _names(UNDER_REVIEW)}
    connection = session.connection()
    cases = [dict(row) for row in connection.execute(DUE, {**asked, "most": limit}).mappings()]
    return {"cases": cases, "count": connection.execute(COUNT_DUE, asked).scalar_one()}


def _rows(session: Session, statement: Any, **values: Any) -> Mapping[str, Json]:
    rows = session.connection().execute(statement, values).mappings()
    return {str(row["item_code"]): dict(row) for row in rows}


def _names(states: frozenset[CaseStatus]) -> Sequence[str]:
    return sorted(states)


def _begin(day: date) -> str:
    return format_time(datetime.combine(day, time(), SHANGHAI).astimezone(UTC))

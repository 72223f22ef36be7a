"""Convert foreign formats to facts: state codes 1 to 15, operations of hall systems, rows of the `up_pro_*` tables."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any, TypeVar

from pydantic import ValidationError

from contracts.base import Json
from services.applications.lifecycle.facts import Fact, FactEvent, SpecialType, fact_id_for
from services.applications.lifecycle.working_days import SHANGHAI
from shared.errors import Invalid, Violation

CASE_STATES: Mapping[str, FactEvent] = {
    "1": FactEvent.RECEIVED,
    "2": FactEvent.WITHDRAWN,
    "3": FactEvent.ACCEPTED,
    "4": FactEvent.NOT_APPLICABLE,
    "5": FactEvent.NOT_ACCEPTED,
    "6": FactEvent.CORRECTION_REQUESTED,
    "7": FactEvent.CORRECTION_COMPLETED,
    "8": FactEvent.REVIEW_STARTED,
    "9": FactEvent.SPECIAL_STARTED,
    "10": FactEvent.SPECIAL_ENDED,
    "11": FactEvent.APPROVED,
    "12": FactEvent.APPROVED_TOLERANT,
    "13": FactEvent.REJECTED,
    "14": FactEvent.WITHDRAWN_BACK,
    "15": FactEvent.REVOKED,
}
"""办件状态 (domain section 6.1)."""

HALL_OPERATIONS: Mapping[str, tuple[FactEvent, ...]] = {
    "jj": (FactEvent.RECEIVED,),
    "accept": (FactEvent.ACCEPTED, FactEvent.REVIEW_STARTED),
    "notaccept": (FactEvent.NOT_ACCEPTED,),
    "bz": (FactEvent.CORRECTION_REQUESTED,),
    "bzwc": (FactEvent.CORRECTION_COMPLETED,),
    "bmksbl": (FactEvent.REVIEW_STARTED,),
    "handlenotpass": (FactEvent.REJECTED,),
    "finishfile": (FactEvent.DELIVERED,),
    "specialresult": (),
    "sendresult": (),
}
"""操作 of a hall system (domain section 6.4); empty where the state code beside the operation decides."""

HALL_OPERATIONS_BY_STATE: Mapping[str, Mapping[str, FactEvent]] = {
    "specialresult": {code: CASE_STATES[code] for code in ("9", "10", "2", "13")},
    "sendresult": {code: CASE_STATES[code] for code in ("11", "12", "13")},
}
"""The state codes that are valid with those operations. `specialresult` 9 stops the clock: special type 2."""

PROCESS_ACTIONS: Mapping[str, FactEvent] = {
    **CASE_STATES,
    "通过": FactEvent.REVIEW_STARTED,
    "退回": FactEvent.REVIEW_STARTED,
    "其他": FactEvent.REVIEW_STARTED,
}
"""业务动作 of a process record: a state code, or a word of GB/T 39046, which only proves that review has started."""

RESULTS: Mapping[str, FactEvent] = {code: CASE_STATES[code] for code in ("11", "12", "13", "14", "15")}
"""办结结果 of a result record. An exchange with its own list passes its own mapping."""

Value = TypeVar("Value")

_BEGINNINGS = (FactEvent.CORRECTION_REQUESTED, FactEvent.REVIEW_STARTED, FactEvent.SPECIAL_STARTED)
_LAST_MOMENT = time(23, 59, 59, tzinfo=SHANGHAI)


def facts_from_case_state(project_no: str, code: str, occurred_at: datetime, **details: Any) -> list[Fact]:
    """Convert one state code 1 to 15 with its time. `details` are fields of `Fact`. Raises `Invalid`."""
    event = _lookup("case_state", CASE_STATES, code)
    return [_fact(project_no, event, occurred_at, fact_id_for("state", project_no, code, occurred_at), details)]


def facts_from_hall(
    operation: str, project_no: str, occurred_at: datetime, *, state: str | None = None, **details: Any
) -> list[Fact]:
    """Convert one message of a hall system: `operation` from its routing key, `state` where the operation needs it.

    Raises `Invalid` for an operation or a state that is not in the tables, so that none is misinterpreted.
    """
    if _lookup("operation", HALL_OPERATIONS, operation):
        events = HALL_OPERATIONS[operation]
    else:
        events = (_lookup("state", HALL_OPERATIONS_BY_STATE[operation], state or ""),)
        details.setdefault("special_type", SpecialType.PAUSE if events == (FactEvent.SPECIAL_STARTED,) else None)
    return [
        _fact(project_no, event, occurred_at, fact_id_for("hall", project_no, event, occurred_at), details)
        for event in events
    ]


def facts_from_accept(row: Json) -> list[Fact]:
    """Convert a row of `up_pro_accept` into three facts, since acceptance proves receipt.

    An earlier reported receipt is kept.
    """
    accepted = _moment(row, "accept_date")
    details = {
        "accept_doc_no": row.get("accept_doc_no"),
        "promise_date": _day(row, "promise_date"),
        "handle_user": row.get("handle_user_name"),
    }
    return [
        _row_fact(row, FactEvent.SUBMITTED, _moment(row, "apply_date")),
        _row_fact(row, FactEvent.RECEIVED, accepted),
        _row_fact(row, FactEvent.ACCEPTED, accepted, details),
    ]


def facts_from_process(row: Json) -> list[Fact]:
    """Convert a row of `up_pro_process`; its time is its start if it opens something, else its end if it has one."""
    event = _lookup("event_name", PROCESS_ACTIONS, str(row.get("event_name", "")).strip())
    started = _moment(row, "event_start_time")
    ended = _moment(row, "event_end_time") if row.get("event_end_time") else started
    details = {"handle_user": row.get("handle_user_name"), "explain": row.get("handle_explain")}
    return [_row_fact(row, event, started if event in _BEGINNINGS else ended, details)]


def facts_from_special(row: Json) -> list[Fact]:
    """Convert a row of `up_pro_special_procedure`: its start, and its end if there is one."""
    common = {name: row.get(name) for name in ("special_type", "special_name", "handle_user")}
    start = common | {"reason": row.get("special_reason")}
    facts = [_row_fact(row, FactEvent.SPECIAL_STARTED, _moment(row, "special_time"), start)]
    if row.get("end_time"):
        end = common | {"explain": row.get("special_explain") or row.get("result")}
        facts.append(_row_fact(row, FactEvent.SPECIAL_ENDED, _moment(row, "end_time", _LAST_MOMENT), end))
    return facts


def facts_from_result(row: Json, results: Mapping[str, FactEvent] = RESULTS) -> list[Fact]:
    """Convert a row of `up_pro_result`. `results` maps `result_type` (办结结果), which each exchange numbers
    differently.

    `is_delivery_results` says that a courier will bring the result, not that it was delivered: no fact.
    """
    event = _lookup("result_type", results, str(row.get("result_type", "")).strip())
    details = {
        "result_name": row.get("result_cetr_name"),
        "certificate_no": row.get("result_cetr_no"),
        "explain": row.get("result_explain"),
        "handle_user": row.get("handle_user_name"),
    }
    return [_row_fact(row, event, _moment(row, "result_date", _LAST_MOMENT), details)]


EXCHANGE_TABLES: Mapping[str, Callable[[Json], list[Fact]]] = {
    "up_pro_accept": facts_from_accept,
    "up_pro_process": facts_from_process,
    "up_pro_special_procedure": facts_from_special,
    "up_pro_result": facts_from_result,
}


def _row_fact(row: Json, event: FactEvent, moment: datetime, details: Json | None = None) -> Fact:
    identity = row.get("row_guid") or fact_id_for("row", row.get("project_no"), moment)
    return _fact(str(row.get("project_no") or ""), event, moment, f"{identity}/{event}", details or {})


def _fact(project_no: str, event: FactEvent, moment: datetime, fact_id: str, details: Mapping[str, Any]) -> Fact:
    given = {name: value for name, value in details.items() if value not in (None, "")}
    try:
        return Fact(fact_id=fact_id, project_no=project_no, event=event, occurred_at=moment, **given)
    except ValidationError as error:
        raise Invalid(*(_violation(dict(problem)) for problem in error.errors(include_input=False))) from None


def _violation(problem: Mapping[str, Any]) -> Violation:
    field = ".".join(map(str, problem["loc"])) or str(problem["msg"]).removeprefix("Value error, ").split(":", 1)[0]
    return Violation(field, "fact", str(problem["msg"]))


def _lookup(field: str, table: Mapping[str, Value], key: str) -> Value:
    if key not in table:
        known = ", ".join(sorted(table, key=lambda code: (len(code), code)))
        raise Invalid(Violation(field, "known-code", f"must be one of {known}", key[:40] or None))
    return table[key]


def _moment(row: Json, field: str, only_day: time = time(tzinfo=SHANGHAI)) -> datetime:
    """Parse a time; exchange tables contain Beijing time without offset.

    `only_day`: the time for a date without one.
    """
    value = row.get(field)
    try:
        if isinstance(value, datetime):
            moment = value
        elif isinstance(value, date):
            moment = datetime.combine(value, only_day)
        elif len(text := str(value or "").strip()) == len("2020-10-20"):
            moment = datetime.combine(date.fromisoformat(text), only_day)
        else:
            moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(
            Violation(field, "moment", "must be a time such as 2020-10-20 09:30:00", str(value)[:40])
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)


def _day(row: Json, field: str) -> date | None:
    return _moment(row, field).date() if row.get(field) else None

"""Batches of the intake queue: each message understood, all facts in one transaction, the bad ones named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from services.applications import arrivals, docket
from services.applications.arrivals import Arrival
from services.applications.commands import Applications
from services.applications.lifecycle import Rules
from services.applications.model import CaseRow
from services.applications.opening import Opening
from services.applications.private import reading, writing
from services.applications.reporting import check_facts
from shared import log, metrics
from shared.case_ref import case_ref
from shared.delivery import Message, Refusal
from shared.errors import Conflict, Invalid, Unavailable, Violation

BATCH = 50
"""Opening a case costs 50 ms of scrypt; a batch must end well within the connection's heartbeat."""

_log = log.get("intake")


@dataclass(frozen=True)
class _Ready:
    """An arrival with what must be worked out before the transaction. `name`: null where the case is open already."""

    arrival: Arrival
    name: str | None
    rules: Rules | None


def handle_intake(applications: Applications, messages: Sequence[Message]) -> list[Refusal]:
    """The handler of `applications.intake`; reasons name fields and rules, never a value. Raises `Unavailable`."""
    refused: dict[int, str] = {}
    understood: dict[int, Arrival] = {}
    for index, message in enumerate(messages):
        try:
            understood[index] = arrivals.read(message)
        except Invalid as error:
            refused[index] = str(error)
    refused |= _take(applications, understood)
    for _ in refused:
        metrics.refused.labels("applications", Invalid.__name__).inc()
    return [Refusal(index, reason) for index, reason in sorted(refused.items())]


def _take(applications: Applications, understood: Mapping[int, Arrival]) -> dict[int, str]:
    """All at once; should one of them break that, one at a time, so that it holds up nothing but itself."""
    try:
        return take(applications, understood)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001  # a message that trips a bug must not stand before the others for ever
        if len(understood) == 1:
            _log.error("a message cannot be taken", error=type(error).__name__)
            return dict.fromkeys(understood, f"cannot be taken: {type(error).__name__}")
        halves = [_take(applications, {index: arrival}) for index, arrival in understood.items()]
        return {index: reason for half in halves for index, reason in half.items()}


def take(applications: Applications, understood: Mapping[int, Arrival]) -> dict[int, str]:
    """Record the facts of all arrivals in one transaction; the refused ones with their reasons leave nothing."""
    ready, refused = _prepare(applications, understood)
    touched: dict[str, CaseRow] = {}
    with writing(applications.db) as session:
        rows = docket.locked(session, [one.arrival.project_no for one in ready.values()])
        for index, one in ready.items():
            row = rows[one.arrival.project_no]
            try:
                with session.begin_nested():
                    changed = _take_one(session, row, one)
            except (Invalid, Conflict) as error:
                refused[index] = str(error)
                continue
            if changed and row.is_open:
                touched[row.project_no] = row
        applications.settle_all(session, list(touched.values()))
    return refused


def _prepare(applications: Applications, understood: Mapping[int, Arrival]) -> tuple[dict[int, _Ready], dict[int, str]]:
    with reading(applications.db) as session:
        known = docket.opened(session, [arrival.project_no for arrival in understood.values()])
    ready: dict[int, _Ready] = {}
    refused: dict[int, str] = {}
    names: dict[tuple[str, str], str] = {}
    for index, arrival in understood.items():
        opening = arrival.opening if arrival.project_no not in known else None
        try:
            check_facts(arrival.project_no, arrival.facts, applications.clock())
            name = _name(arrival.project_no, opening, names) if opening else None
            ready[index] = _Ready(arrival, name, applications.rules(opening) if opening else None)
        except Invalid as error:
            refused[index] = str(error)
    return ready, refused


def _name(number: str, opening: Opening, names: dict[tuple[str, str], str]) -> str:
    """A hall sends the code with every report of a case: worked out once a batch is enough."""
    if opening.case_ref:
        return opening.case_ref
    code = opening.query_code or ""
    if (number, code) not in names:
        names[number, code] = case_ref(number, code)
    return names[number, code]


def _take_one(session: Session, row: CaseRow, one: _Ready) -> bool:
    """Whether anything is new."""
    opening = one.arrival.opening
    added = docket.add_facts(session, row, one.arrival.facts)
    docket.add_personal(session, row, one.arrival.personal)
    if opening is None:
        return bool(added)
    if not row.is_open and one.name and one.rules:
        docket.open_row(session, row, opening, one.name, one.rules)
        return True
    if row.item_code != opening.item_code or opening.case_ref not in (None, row.case_ref):
        raise Invalid(Violation("item_code", "same-case", "the case was opened with another item or public name"))
    return bool(added)

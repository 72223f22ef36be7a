"""Batches of the intake queue: parse each message, store all facts in one transaction, refuse invalid messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from contracts.base import Json
from services.applications.audit import entry, standing
from services.applications.case_repository import CaseRepository
from services.applications.commands import Applications
from services.applications.intake import hall_messages
from services.applications.intake.editor_reports import check_facts
from services.applications.intake.hall_messages import Arrival
from services.applications.lifecycle.definitions import LegalLimits
from services.applications.lifecycle.opening import Opening
from services.applications.model import CaseRow
from services.applications.privacy.error_guard import reading, writing
from shared import log, metrics
from shared.audit.recording import record
from shared.errors import Conflict, Invalid, Unavailable, Violation
from shared.messaging.delivery import Message, Refusal
from shared.security.case_ref import case_ref
from shared.tokens.person import Actor

BATCH = 50
"""Opening a case costs 50 ms of scrypt; a batch must end well within the connection's heartbeat."""

INTAKE = Actor("intake")
"""The machine in the audit log: a hall's system, known by its account at the broker only."""

_log = log.get("intake")


@dataclass(frozen=True)
class _Ready:
    """An arrival with values that are computed before the transaction.

    `name`: the case reference, None if it is open.
    """

    arrival: Arrival
    name: str | None
    rules: LegalLimits | None


def handle_intake(applications: Applications, messages: Sequence[Message]) -> list[Refusal]:
    """Handle a batch of `applications.intake`; refusals name fields and rules, never a value. Raises `Unavailable`."""
    refused: dict[int, str] = {}
    understood: dict[int, Arrival] = {}
    for index, message in enumerate(messages):
        try:
            understood[index] = hall_messages.read(message)
        except Invalid as error:
            refused[index] = str(error)
    refused |= _take(applications, understood)
    for _ in refused:
        metrics.refused.labels("applications", Invalid.__name__).inc()
    return [Refusal(index, reason) for index, reason in sorted(refused.items())]


def _take(applications: Applications, understood: Mapping[int, Arrival]) -> dict[int, str]:
    """Take all at once; if one of them fails unexpectedly, take them one by one, so that only that one is refused."""
    try:
        return take(applications, understood)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001  # a message that trips a bug must not stand before the others for ever
        if len(understood) == 1:
            _log.error("message refused", error=type(error).__name__)
            return dict.fromkeys(understood, f"cannot be processed: {type(error).__name__}")
        halves = [_take(applications, {index: arrival}) for index, arrival in understood.items()]
        return {index: reason for half in halves for index, reason in half.items()}


def take(applications: Applications, understood: Mapping[int, Arrival]) -> dict[int, str]:
    """Store the facts of all arrivals in one transaction; return the refused ones, which leave nothing, with reasons.

    If the process dies before the commit, the messages are delivered again. After it too: their `fact_id`s are known.
    """
    ready, refused = _prepare(applications, understood)
    touched: dict[str, tuple[CaseRow, Json]] = {}
    with writing(applications.db) as session:
        rows = CaseRepository(session).locked([one.arrival.project_no for one in ready.values()])
        for index, one in ready.items():
            row = rows[one.arrival.project_no]
            before = standing(row)
            try:
                with session.begin_nested():
                    changed = _take_one(session, row, one)
            except (Invalid, Conflict) as error:
                refused[index] = str(error)
                continue
            if changed and row.is_open:
                touched.setdefault(row.project_no, (row, before))
        applications.settle_all(session, [row for row, _ in touched.values()])
        record(session, INTAKE, *(entry("facts", row, before) for row, before in touched.values()))
    return refused


def _prepare(applications: Applications, understood: Mapping[int, Arrival]) -> tuple[dict[int, _Ready], dict[int, str]]:
    with reading(applications.db) as session:
        known = CaseRepository(session).opened([arrival.project_no for arrival in understood.values()])
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
    """Return the case reference, computed once a batch: a hall sends the code with every report of a case."""
    if opening.case_ref:
        return opening.case_ref
    code = opening.query_code or ""
    if (number, code) not in names:
        names[number, code] = case_ref(number, code)
    return names[number, code]


def _take_one(session: Session, row: CaseRow, one: _Ready) -> bool:
    """Store one arrival; return whether anything is new. Raises `Invalid`, `Conflict`."""
    opening, cases = one.arrival.opening, CaseRepository(session)
    added = cases.add_facts(row, one.arrival.facts)
    cases.add_personal(row, one.arrival.personal)
    if opening is None:
        return bool(added)
    if not row.is_open and one.name and one.rules:
        cases.open_row(row, opening, one.name, one.rules)
        return True
    if row.item_code != opening.item_code or opening.case_ref not in (None, row.case_ref):
        raise Invalid(Violation("item_code", "same-case", "the case was opened with another item or public name"))
    return bool(added)

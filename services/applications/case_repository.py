"""Cases and their facts in the database: lock, add, read. Always in the caller's transaction."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Date, bindparam, delete, text
from sqlmodel import Session, col, select

from contracts.base import Json, format_time
from contracts.codes.identifiers import PARENT, CodeError, ImplementationCode, new_project_no
from services.applications.lifecycle.definitions import LegalLimits
from services.applications.lifecycle.facts import Fact, FactDetails
from services.applications.lifecycle.opening import Opening
from services.applications.model import CaseRow, FactRow, RequestRow, TimerRow
from services.applications.privacy.sealing import (
    content_of,
    fact_of,
    nothing_personal,
    personal_of,
    request_content,
    request_names,
    set_fact,
    set_personal,
)
from shared.errors import Conflict, Invalid, NotFound, Violation
from shared.feeds.outbox import ReleaseRow
from shared.security.privacy import personal_fields
from shared.transparency.canonical import digest

LAST_SERIAL = 9999

_FREE_TEXTS = personal_fields(FactDetails) | {"special_name", "result_name", "window_no"}


def find(session: Session, project_no: str) -> CaseRow:
    """Return the case. Raises `NotFound` when it is not open; the error does not repeat the number."""
    row = session.get(CaseRow, project_no)
    if row is None or not row.is_open:
        raise NotFound("no open case has this number")
    return row


def locked(session: Session, project_nos: Iterable[str]) -> dict[str, CaseRow]:
    """Return the cases, locked until the transaction ends. A row is created for a number that is new.

    The row is the lock that serializes a fact with the opening of its case. Rows are locked in the order of their
    numbers, so that two transactions never deadlock.
    """
    numbers = sorted(set(project_nos))
    if numbers:
        session.connection().execute(
            text(
                "INSERT INTO application "
                "(project_no, task_type, promise_type, personal, revision, version, withdrawn, erased, overdue, active,"
                " generation) VALUES (:project_no, '', '1', :personal, 0, 0, false, false, false, false, 0) "
                "ON CONFLICT (project_no) DO NOTHING"
            ),
            [{"project_no": number, "personal": nothing_personal(session, number)} for number in numbers],
        )
    query = select(CaseRow).where(col(CaseRow.project_no).in_(numbers)).order_by(CaseRow.project_no)
    rows = session.exec(query.with_for_update().execution_options(populate_existing=True))
    return {row.project_no: row for row in rows}


def locked_open(session: Session, project_no: str, *, waiting: bool = False) -> CaseRow:
    """Return one open case, locked; with `waiting` also one that only has facts so far. Raises `NotFound`."""
    if not waiting or session.get(CaseRow, project_no) is None:
        find(session, project_no)
    return locked(session, [project_no])[project_no]


def opened(session: Session, project_nos: Iterable[str]) -> set[str]:
    """Return those of the numbers whose case is open."""
    query = select(CaseRow.project_no).where(
        col(CaseRow.project_no).in_(set(project_nos)), col(CaseRow.case_ref).is_not(None)
    )
    return set(session.exec(query))


def open_row(session: Session, row: CaseRow, opening: Opening, case_ref: str, rules: LegalLimits) -> None:
    """Set item, rules and public name of a known number. Raises `Conflict`, `Invalid`."""
    if row.erased:
        raise Conflict("this case was erased; it cannot be opened again")
    if session.exec(select(ReleaseRow.version).where(ReleaseRow.key == f"application:{case_ref}").limit(1)).first():
        raise Invalid(Violation("case_ref", "unused", "another case has or had this case_ref; use a new query code"))
    row.case_ref, row.item_code = case_ref, opening.item_code
    row.task_type, row.promise_day, row.promise_type = rules.task_type, rules.promise_day, rules.promise_type
    set_personal(session, row, personal_of(session, row) | opening.personal)
    session.add(row)


def was_opened_so(session: Session, row: CaseRow, opening: Opening, case_ref: str) -> bool:
    """Return whether opening the case again with this request would change nothing."""
    stands = (row.case_ref, row.item_code, personal_of(session, row))
    return stands == (case_ref, opening.item_code, opening.personal)


def add_personal(session: Session, row: CaseRow, personal: Json) -> None:
    """Store personal data that are not known yet; a clerk's entries are not overwritten. Does nothing after erasure."""
    if personal and not row.erased:
        set_personal(session, row, personal | personal_of(session, row))


def facts_of(session: Session, project_no: str) -> list[Fact]:
    """Return all facts of a case, in any order."""
    query = select(FactRow).where(FactRow.project_no == project_no)
    return [fact_of(session, row) for row in session.exec(query)]


def add_facts(session: Session, row: CaseRow, facts: Sequence[Fact]) -> list[Fact]:
    """Store the new facts and return them. Raises `Invalid` when a known `fact_id` comes with another content."""
    known = {stored.fact_id: fact_of(session, stored) for stored in session.exec(_stored(row, facts))}
    now = format_time(datetime.now(UTC))
    added = []
    for fact in facts:
        kept = without_texts(fact) if row.erased else fact
        if fact.fact_id not in known:
            known[fact.fact_id] = kept
            session.add(_fact_row(session, kept, now))
            added.append(kept)
        elif known[fact.fact_id] != kept:
            raise Invalid(Violation("fact_id", "same-fact", "is already used by another fact of this case"))
    session.flush()
    return added


def without_texts(fact: Fact) -> Fact:
    """Return the fact without any text that a person typed."""
    number = {"accept_doc_no": "-"} if fact.accept_doc_no else {}
    return fact.model_copy(update=dict.fromkeys(_FREE_TEXTS) | number)


def erase(session: Session, row: CaseRow) -> None:
    """Erase everything personal of a case, irrevocably. Its number stays, so that it is not opened again."""
    row.erased, row.active = True, False
    set_personal(session, row, {})
    for stored in session.exec(select(FactRow).where(FactRow.project_no == row.project_no)):
        set_fact(session, stored, without_texts(fact_of(session, stored)))
    for table in (TimerRow, RequestRow):
        session.connection().execute(delete(table).where(col(table.project_no) == row.project_no))


def next_project_no(session: Session, item_code: str, day: date) -> str:
    """Return the next free number of our own form. Raises `Conflict` after 9999 cases of one implementation in a day.

    Our numbers contain the item's code, so it must be valid: raises `Invalid` otherwise. Foreign numbers need not.
    """
    code31 = item_code[PARENT]
    try:
        ImplementationCode.parse(code31)
    except CodeError as error:
        raise Invalid(Violation("item_code", error.rule, error.message)) from None
    while (serial := _next_serial(session, code31, day)) <= LAST_SERIAL:
        number = new_project_no(code31, day, serial)
        if session.get(CaseRow, number) is None:
            return number
    raise Conflict(f"all {LAST_SERIAL} numbers of this item for today are used")


def earlier_number(session: Session, opening: Opening) -> str | None:
    """Return the case that this request opened before, or None. Raises `Conflict` when its content has changed."""
    if opening.request_id is None:
        return None
    named = col(RequestRow.request).in_(request_names(session, opening.request_id))
    row = session.exec(select(RequestRow).where(named).limit(1)).first()
    if row is None:
        return None
    if content_of(session, row) != _content(opening):
        raise Conflict("this request_id was used for another request")
    return row.project_no


def claim_request(session: Session, opening: Opening, project_no: str) -> bool:
    """Store the request; return False when another transaction has stored it first.

    It is stored under each of its names: while keys change, the other transaction may know only the older key.
    """
    if opening.request_id is None:
        return True
    statement = text(
        "INSERT INTO request (request, project_no, content) VALUES (:request, :project_no, :content) "
        "ON CONFLICT (request) DO NOTHING"
    )
    if session.connection().dialect.name == "postgresql":
        # Lock before the keys are read: a key is retired under a conflicting lock, and no name of it may be stored
        # after.
        session.connection().exec_driver_sql("LOCK TABLE request IN ROW EXCLUSIVE MODE")
    claim = session.begin_nested()
    for name in request_names(session, opening.request_id):
        content = request_content(session, name, opening.request_id, _content(opening))
        values = {"request": name, "project_no": project_no, "content": content}
        if session.connection().execute(statement, values).rowcount != 1:
            claim.rollback()
            return False
    claim.commit()
    return True


def locked_where(session: Session, conditions: Sequence[Any], limit: int) -> list[CaseRow]:
    """Return the cases that fulfil the conditions, locked, in the order of their numbers."""
    query = select(CaseRow).where(*conditions).order_by(CaseRow.project_no).limit(limit).with_for_update()
    return list(session.exec(query.execution_options(populate_existing=True)))


def _next_serial(session: Session, code31: str, day: date) -> int:
    statement = text(
        "INSERT INTO serial (code31, day, value) VALUES (:code31, :day, 1) "
        "ON CONFLICT (code31, day) DO UPDATE SET value = serial.value + 1 RETURNING value"
    ).bindparams(bindparam("day", type_=Date))
    return int(session.connection().execute(statement, {"code31": code31, "day": day}).scalar_one())


def _content(opening: Opening) -> str:
    return digest(opening.model_dump(mode="json", exclude_none=True))


def _stored(row: CaseRow, facts: Sequence[Fact]) -> Any:
    ids = {fact.fact_id for fact in facts}
    return select(FactRow).where(FactRow.project_no == row.project_no, col(FactRow.fact_id).in_(ids))


def _fact_row(session: Session, fact: Fact, now: str) -> FactRow:
    row = FactRow(
        project_no=fact.project_no,
        fact_id=fact.fact_id,
        event=fact.event,
        occurred_at=format_time(fact.occurred_at),
        received_at=now,
        document="",
    )
    set_fact(session, row, fact)
    return row

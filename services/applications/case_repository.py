"""Cases and their facts in the database: lock, add, read. Always in the caller's transaction."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import delete
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
from services.applications.statements import ADD_CASE, ADD_REQUEST, LOCK_REQUESTS, NEXT_SERIAL
from shared.errors import Conflict, Invalid, NotFound, Violation
from shared.feeds.outbox import ReleaseRow
from shared.security.privacy import personal_fields
from shared.transparency.canonical import digest

LAST_SERIAL = 9999

_FREE_TEXTS = personal_fields(FactDetails) | {"special_name", "result_name", "window_no"}


class CaseRepository:
    """The cases of one transaction. Rows that it returns as locked stay locked until the transaction ends."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, project_no: str) -> CaseRow:
        """Return the case. Raises `NotFound` when it is not open; the error does not repeat the number."""
        row = self._session.get(CaseRow, project_no)
        if row is None or not row.is_open:
            raise NotFound("no open case has this number")
        return row

    def locked(self, project_nos: Iterable[str]) -> dict[str, CaseRow]:
        """Return the cases, locked until the transaction ends. A row is created for a number that is new.

        The row is the lock that serializes a fact with the opening of its case. Rows are locked in the order of their
        numbers, so that two transactions never deadlock.
        """
        numbers = sorted(set(project_nos))
        if numbers:
            self._session.connection().execute(
                ADD_CASE,
                [{"project_no": number, "personal": nothing_personal(self._session, number)} for number in numbers],
            )
        query = select(CaseRow).where(col(CaseRow.project_no).in_(numbers)).order_by(CaseRow.project_no)
        rows = self._session.exec(query.with_for_update().execution_options(populate_existing=True))
        return {row.project_no: row for row in rows}

    def locked_open(self, project_no: str, *, waiting: bool = False) -> CaseRow:
        """Return one open case, locked; with `waiting` also one that only has facts so far. Raises `NotFound`."""
        if not waiting or self._session.get(CaseRow, project_no) is None:
            self.find(project_no)
        return self.locked([project_no])[project_no]

    def opened(self, project_nos: Iterable[str]) -> set[str]:
        """Return those of the numbers whose case is open."""
        query = select(CaseRow.project_no).where(
            col(CaseRow.project_no).in_(set(project_nos)), col(CaseRow.case_ref).is_not(None)
        )
        return set(self._session.exec(query))

    def open_row(self, row: CaseRow, opening: Opening, case_ref: str, rules: LegalLimits) -> None:
        """Set item, rules and public name of a known number. Raises `Conflict`, `Invalid`."""
        if row.erased:
            raise Conflict("this case was erased; it cannot be opened again")
        named_so = select(ReleaseRow.version).where(ReleaseRow.key == f"application:{case_ref}").limit(1)
        if self._session.exec(named_so).first():
            raise Invalid(
                Violation("case_ref", "unused", "another case has or had this case_ref; use a new query code")
            )
        row.case_ref, row.item_code = case_ref, opening.item_code
        row.task_type, row.promise_day, row.promise_type = rules.task_type, rules.promise_day, rules.promise_type
        set_personal(self._session, row, personal_of(self._session, row) | opening.personal)
        self._session.add(row)

    def was_opened_so(self, row: CaseRow, opening: Opening, case_ref: str) -> bool:
        """Return whether opening the case again with this request would change nothing."""
        stands = (row.case_ref, row.item_code, personal_of(self._session, row))
        return stands == (case_ref, opening.item_code, opening.personal)

    def add_personal(self, row: CaseRow, personal: Json) -> None:
        """Store personal data that are not known yet; a clerk's entries are not overwritten.

        Does nothing after erasure.
        """
        if personal and not row.erased:
            set_personal(self._session, row, personal | personal_of(self._session, row))

    def facts_of(self, project_no: str) -> list[Fact]:
        """Return all facts of a case, in any order."""
        query = select(FactRow).where(FactRow.project_no == project_no)
        return [fact_of(self._session, row) for row in self._session.exec(query)]

    def add_facts(self, row: CaseRow, facts: Sequence[Fact]) -> list[Fact]:
        """Store the new facts and return them. Raises `Invalid` when a known `fact_id` comes with another content."""
        known = {stored.fact_id: fact_of(self._session, stored) for stored in self._session.exec(_stored(row, facts))}
        now = format_time(datetime.now(UTC))
        added = []
        for fact in facts:
            kept = without_texts(fact) if row.erased else fact
            if fact.fact_id not in known:
                known[fact.fact_id] = kept
                self._session.add(self._fact_row(kept, now))
                added.append(kept)
            elif known[fact.fact_id] != kept:
                raise Invalid(Violation("fact_id", "same-fact", "is already used by another fact of this case"))
        self._session.flush()
        return added

    def erase(self, row: CaseRow) -> None:
        """Erase everything personal of a case, irrevocably. Its number stays, so that it is not opened again."""
        row.erased, row.active = True, False
        set_personal(self._session, row, {})
        for stored in self._session.exec(select(FactRow).where(FactRow.project_no == row.project_no)):
            set_fact(self._session, stored, without_texts(fact_of(self._session, stored)))
        for table in (TimerRow, RequestRow):
            self._session.connection().execute(delete(table).where(col(table.project_no) == row.project_no))

    def next_project_no(self, item_code: str, day: date) -> str:
        """Return the next free number of our own form.

        Our numbers contain the item's code, so it must be valid: raises `Invalid` otherwise. Foreign numbers need not.
        Raises `Conflict` after 9999 cases of one implementation in a day.
        """
        code31 = item_code[PARENT]
        try:
            ImplementationCode.parse(code31)
        except CodeError as error:
            raise Invalid(Violation("item_code", error.rule, error.message)) from None
        while (serial := self._next_serial(code31, day)) <= LAST_SERIAL:
            number = new_project_no(code31, day, serial)
            if self._session.get(CaseRow, number) is None:
                return number
        raise Conflict(f"all {LAST_SERIAL} numbers of this item for today are used")

    def earlier_number(self, opening: Opening) -> str | None:
        """Return the case that this request opened before, or None. Raises `Conflict` when its content has changed."""
        if opening.request_id is None:
            return None
        named = col(RequestRow.request).in_(request_names(self._session, opening.request_id))
        row = self._session.exec(select(RequestRow).where(named).limit(1)).first()
        if row is None:
            return None
        if content_of(self._session, row) != _content(opening):
            raise Conflict("this request_id was used for another request")
        return row.project_no

    def claim_request(self, opening: Opening, project_no: str) -> bool:
        """Store the request; return False when another transaction has stored it first.

        It is stored under each of its names: while keys change, the other transaction may know only the older key.
        """
        if opening.request_id is None:
            return True
        if self._session.connection().dialect.name == "postgresql":
            # Lock before the keys are read: a key is retired under a conflicting lock, and no name of it may be stored
            # after.
            self._session.connection().exec_driver_sql(LOCK_REQUESTS)
        claim = self._session.begin_nested()
        for name in request_names(self._session, opening.request_id):
            content = request_content(self._session, name, opening.request_id, _content(opening))
            values = {"request": name, "project_no": project_no, "content": content}
            if self._session.connection().execute(ADD_REQUEST, values).rowcount != 1:
                claim.rollback()
                return False
        claim.commit()
        return True

    def locked_where(self, conditions: Sequence[Any], limit: int) -> list[CaseRow]:
        """Return the cases that fulfil the conditions, locked, in the order of their numbers."""
        query = select(CaseRow).where(*conditions).order_by(CaseRow.project_no).limit(limit).with_for_update()
        return list(self._session.exec(query.execution_options(populate_existing=True)))

    def _next_serial(self, code31: str, day: date) -> int:
        return int(self._session.connection().execute(NEXT_SERIAL, {"code31": code31, "day": day}).scalar_one())

    def _fact_row(self, fact: Fact, now: str) -> FactRow:
        row = FactRow(
            project_no=fact.project_no,
            fact_id=fact.fact_id,
            event=fact.event,
            occurred_at=format_time(fact.occurred_at),
            received_at=now,
            document="",
        )
        set_fact(self._session, row, fact)
        return row


def without_texts(fact: Fact) -> Fact:
    """Return the fact without any text that a person typed."""
    number = {"accept_doc_no": "-"} if fact.accept_doc_no else {}
    return fact.model_copy(update=dict.fromkeys(_FREE_TEXTS) | number)


def _content(opening: Opening) -> str:
    return digest(opening.model_dump(mode="json", exclude_none=True))


def _stored(row: CaseRow, facts: Sequence[Fact]) -> Any:
    ids = {fact.fact_id for fact in facts}
    return select(FactRow).where(FactRow.project_no == row.project_no, col(FactRow.fact_id).in_(ids))

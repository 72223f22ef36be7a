"""Commands: open, record, report, withdraw, release. Each is one function, one transaction, one event."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlmodel import Session

from contracts.base import Json
from contracts.content.items import Item
from services.applications.audit import entry, standing
from services.applications.case_repository import CaseRepository
from services.applications.intake.editor_reports import EventNotAllowed, EventReport, check_facts
from services.applications.lifecycle import recompute, timers
from services.applications.lifecycle.current_state import allowed_events, guard
from services.applications.lifecycle.definitions import CaseState, LegalLimits
from services.applications.lifecycle.facts import Fact
from services.applications.lifecycle.opening import Opening, Receipt
from services.applications.lifecycle.recompute import Settled
from services.applications.lifecycle.working_days import local_date
from services.applications.model import CaseRow
from services.applications.privacy.error_guard import parse, reading, writing, writing_together
from services.applications.privacy.sealing import set_personal
from shared.audit.recording import AuditEntry, record
from shared.database.engine import Database
from shared.errors import Conflict, Invalid, PreconditionFailed, PreconditionMissing, TongyuanError, Violation
from shared.feeds.outbox import Draft
from shared.security.case_ref import case_ref, new_query_code, normalise_project_no, normalise_query_code
from shared.tokens.person import Actor


def _now() -> datetime:
    return datetime.now(UTC)


def _no_item(_code: str) -> Item | None:
    return None


@dataclass(frozen=True)
class Applications:
    """The commands on cases over their database.

    `item_of`  returns the item as released, for the rules of a case that is opened; may raise `Unavailable`
    `clock`    returns the current time
    """

    db: Database
    region: str
    item_of: Callable[[str], Item | None] = _no_item
    clock: Callable[[], datetime] = _now

    def open_case(self, by: Actor, content: Any) -> Receipt:
        """Open a case (`opening.Opening`), under a number of our own unless one is given.

        Repeating a `request_id` opens no second case; the query code is in the first answer only. Raises `Invalid`, and
        `Conflict` for a number that is open already.
        """
        return self._open(by, parse(Opening, content), Conflict("a case with this number is already open"))

    def put_case(self, by: Actor, project_no: str, content: Any, revision: int | None) -> Receipt:
        """Open the case of a given number, or, with the current revision, replace its personal data.

        Raises `Invalid`, `PreconditionMissing` without the revision of an open case, `PreconditionFailed` for an older
        one, `Conflict` for an erased case or another item.
        """
        number = normalise_project_no(project_no)
        opening = parse(Opening, content)
        if opening.project_no is not None and normalise_project_no(opening.project_no) != number:
            raise Invalid(Violation("project_no", "same-as-path", "differs from the address"))
        if revision is None:
            exists = PreconditionMissing("the case is already open: send If-Match with the ETag that you read")
            return self._open(by, opening.model_copy(update={"project_no": number}), exists)
        return self._update(by, number, opening, revision)

    def reissue(self, by: Actor, project_no: str) -> Receipt:
        """Issue a new query code for a lost receipt, and withdraw what was shown under the old one."""
        number = normalise_project_no(project_no)
        code = new_query_code()
        reference = case_ref(number, code)
        with writing(self.db) as session:
            row = _shown(CaseRepository(session).locked_open(number))
            before, old_key = standing(row), row.key
            old = recompute.withdrawal(row, self.region)
            row.case_ref, row.version = reference, 0
            session.add(row)
            self.settle_all(session, [row], first=[old])
            record(session, by, AuditEntry("reissue", old_key, before, {**standing(row), "key": row.key}))
        return Receipt(number, code, reference, row.revision, created=True)

    def record(self, by: Actor, project_no: str, facts: Sequence[Fact]) -> CaseState | None:
        """Record facts that have happened, in any order and any number of times; return the case's state.

        Return None while the case is not open: the facts are stored and wait. Raises `Invalid` for a fact of another
        case, a fact in the future, or a `fact_id` of another fact.
        """
        number = normalise_project_no(project_no)
        check_facts(number, facts, self.clock())

        def settle(session: Session) -> CaseState | None:
            cases = CaseRepository(session)
            row = cases.locked([number])[number]
            added = cases.add_facts(row, facts)
            if not row.is_open:
                return None
            if not added:
                return recompute.state_of(session, row, self.known(session))
            before = standing(row)
            state = self.settle_all(session, [row])[0].state
            record(session, by, entry("facts", row, before, facts=len(added)))
            return state

        return writing_together(self.db, settle)

    def report(self, by: Actor, project_no: str, reports: Sequence[EventReport]) -> CaseState:
        """Record an editor's events, all or none; a recorded event has no effect.

        Raises `EventNotAllowed` (a `Conflict`) when the state or the law forbids one.
        """
        number = normalise_project_no(project_no)
        facts = [report.fact(number, self.clock()) for report in reports]
        check_facts(number, facts, self.clock())

        def settle(session: Session) -> CaseState:
            cases = CaseRepository(session)
            row = _shown(cases.locked_open(number))
            known = self.known(session)
            state = recompute.state_of(session, row, known)
            first, before = state, standing(row)
            for fact in facts:
                if cases.add_facts(row, [fact]):
                    _guard(state, fact)
                    state = recompute.state_of(session, row, known)
            if state is first:
                return state
            state = self.settle_all(session, [row])[0].state
            record(session, by, entry("report", row, before, events=sorted({str(fact.event) for fact in facts})))
            return state

        return writing_together(self.db, settle)

    def withdraw(self, by: Actor, project_no: str, *, erase: bool = False) -> Json:
        """Take a case off every channel; with `erase`, erase everything personal, irrevocably (PIPL art. 47).

        Facts that wait under a number that nobody opened can be erased too.
        """
        number = normalise_project_no(project_no)
        with writing(self.db) as session:
            cases = CaseRepository(session)
            row = cases.locked_open(number, waiting=erase)
            before = standing(row)
            drafts = [recompute.withdrawal(row, self.region)] if row.is_open and not row.withdrawn else []
            row.withdrawn = True
            row.revision += 1
            session.add(row)
            if erase and not row.erased:
                cases.erase(row)
            recompute.release(session, drafts)
            record(session, by, entry("erase" if erase else "withdraw", row, before))
        return _standing(row)

    def release(self, by: Actor, project_no: str) -> Json:
        """Show a withdrawn case again. Raises `Conflict` for an erased one."""
        number = normalise_project_no(project_no)
        with writing(self.db) as session:
            row = CaseRepository(session).locked_open(number)
            if row.erased:
                raise Conflict("this case was erased; it cannot be shown again")
            if row.withdrawn:
                before = standing(row)
                row.withdrawn = False
                self.settle_all(session, [row])
                record(session, by, entry("release", row, before))
        return _standing(row)

    def put_calendar(self, by: Actor, year: int, notice: Any) -> Json:
        """Store a year's holiday notice, then recompute the deadlines of all open cases. Raises `Invalid`.

        If the process dies in between, `keep_up` continues.
        """
        changed = timers.store_notice(self.db, by, year, notice)
        return {"year": year, "changed": changed, "cases": self.finish_calendar()}

    def finish_calendar(self) -> int:
        """Recompute the cases that a newer calendar affects; return how many."""
        return timers.finish_calendar(self.db, self.region, self._today)

    def run_timers(self, now: datetime | None = None) -> int:
        """Handle what fell due before today (Asia/Shanghai); return how many cases."""
        return timers.run_timers(self.db, self.region, local_date(now or self.clock()))

    def keep_up(self) -> int:
        """Do the periodic work: the rest of a new calendar, and what has fallen due. Return the number of cases."""
        return self.finish_calendar() + self.run_timers()

    def settle_all(self, session: Session, rows: Sequence[CaseRow], first: Sequence[Draft] = ()) -> list[Settled]:
        """Recompute the cases and release what changed. Call it last in a transaction: it takes the outbox's lock."""
        known = self.known(session)
        settled = [recompute.settle(session, row, known, self.region) for row in rows]
        recompute.release(session, [*first, *(one.draft for one in settled)])
        return settled

    def rules(self, opening: Opening) -> LegalLimits:
        """Return the legal limits for a case to be opened. May ask catalog, so call it outside of any transaction."""
        return opening.rules(self.item_of(opening.item_code))

    def _open(self, by: Actor, opening: Opening, if_open: TongyuanError) -> Receipt:
        if repeated := self._repeated(opening):
            return repeated
        number = normalise_project_no(opening.project_no) if opening.project_no else self._allocate(opening)
        code = None if opening.case_ref else normalise_query_code(opening.query_code or new_query_code())
        reference = opening.case_ref or case_ref(number, code or "")
        rules = self.rules(opening)

        def claim(session: Session) -> Receipt | None:
            cases = CaseRepository(session)
            if not cases.claim_request(opening, number):
                return None
            row = cases.locked([number])[number]
            created = not row.is_open
            if created:
                cases.open_row(row, opening, reference, rules)
                self.settle_all(session, [row])
                record(session, by, entry("open", row, None))
            elif not cases.was_opened_so(row, opening, reference):
                raise if_open
            return Receipt(number, code, reference, row.revision, created)

        return writing_together(self.db, claim) or self._open(by, opening, if_open)

    def _repeated(self, opening: Opening) -> Receipt | None:
        """Return the receipt of this request if it was carried out before."""
        with reading(self.db) as session:
            cases = CaseRepository(session)
            number = cases.earlier_number(opening)
            if number is None:
                return None
            row = cases.find(number)
        code = normalise_query_code(opening.query_code) if opening.query_code else None
        fits = code is not None and case_ref(number, code) == row.case_ref
        return Receipt(number, code if fits else None, row.case_ref or "", row.revision, created=False)

    def _update(self, by: Actor, number: str, opening: Opening, revision: int) -> Receipt:
        with writing(self.db) as session:
            row = CaseRepository(session).locked_open(number)
            if row.revision != revision:
                raise PreconditionFailed(f"the case is at revision {row.revision}, not {revision}: read it again")
            if row.erased or row.item_code != opening.item_code:
                raise Conflict("an erased case and the item of a case cannot be changed; open another case")
            before = standing(row)
            set_personal(session, row, opening.personal)
            row.revision += 1
            session.add(row)
            session.flush()
            record(session, by, entry("personal_data", row, before))
        return Receipt(number, None, row.case_ref or "", row.revision, created=False)

    def _allocate(self, opening: Opening) -> str:
        def allocate(session: Session) -> str:
            return CaseRepository(session).next_project_no(opening.item_code, self._today())

        return writing_together(self.db, allocate)

    def known(self, session: Session) -> recompute.Known:
        return recompute.known(session, self._today())

    def _today(self) -> date:
        return local_date(self.clock())


def _guard(state: CaseState, fact: Fact) -> None:
    try:
        guard(state, fact)
    except Conflict as error:
        raise EventNotAllowed(str(error), allowed_events(state)) from None


def _shown(row: CaseRow) -> CaseRow:
    if row.withdrawn:
        raise Conflict("the case is withdrawn; release it first")
    return row


def _standing(row: CaseRow) -> Json:
    return {"withdrawn": row.withdrawn, "erased": row.erased, "revision": row.revision, "version": row.version}

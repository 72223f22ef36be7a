"""Urgent withdrawals: by two persons, or by one duty officer. The gates sign afterwards, in a queue of their own."""

import orjson
from sqlmodel import Session, select

from contracts.content.acts import Reason
from shared.audit.recording import AuditEntry, record
from shared.errors import Conflict, NotAllowed, NotFound
from shared.publishing.acts import Why, explain, require_publishable
from shared.publishing.editions import EditionState, Period, Plans
from shared.publishing.editions.clearance import Urgent
from shared.publishing.editions.commands import Terms, take_off
from shared.publishing.editions.model import locked
from shared.publishing.reviews.model import Operation, ReviewKind, ReviewMemberRow, ReviewRow, ReviewState
from shared.publishing.reviews.requests import UrgentRequest
from shared.publishing.reviews.roles import TAKING_OFF, require_role
from shared.publishing.reviews.submitting import Change, Reviewing, add_members, member_of, new_review, now_text, seal
from shared.tokens.person import Actor, StaffRole


def request(reviewing: Reviewing, by: Actor, asked: UrgentRequest) -> int:
    """Withdraw at once as a duty officer, or ask a second person to confirm. Return the review's number.

    Raises `NotAllowed`, `NotFound`, `Invalid` for a note that cannot be published, and `Conflict`.
    """
    reviewing.require_five()
    _require_person(by, [asked.code])
    with reviewing.db.write() as session:
        locked(session, asked.code)
        why = Why(asked.reason, asked.note, asked.successors)
        require_publishable(why, {reviewing.who.key(asked.code)})
        if (known := _waiting(session, reviewing, by, asked)) is not None:
            return known
        review = _stored(session, reviewing, by, asked)
        if by.has(StaffRole.DUTY_OFFICER):
            _execute(session, reviewing, by, review, asked.plans)
            return review.number or 0
        entry = AuditEntry("urgent_request", f"review:{review.number}", None, {"key": reviewing.who.key(asked.code)})
        record(session, by, entry)
    return review.number or 0


def confirm(reviewing: Reviewing, by: Actor, number: int, plans: Plans = Plans.CANCEL) -> None:
    """Execute what another person asked for, as the second one.

    Raises `NotFound`, `Conflict` when it does not wait for anybody, `NotAllowed` for the person who asked.
    """
    with reviewing.db.write() as session:
        # First the edition, then its review: the order in which every command locks.
        member = session.exec(select(ReviewMemberRow).where(ReviewMemberRow.review == number)).first()
        if member is None:
            raise NotFound(f"there is no review {number} with members")
        _require_person(by, [member.code])
        locked(session, member.code)
        review = session.get_one(ReviewRow, number, with_for_update=True)
        if by.name == review.submitted_by:
            raise NotAllowed(f"{by.name} has asked for this: another person must confirm it")
        if review.state != ReviewState.WAITING:
            raise Conflict(f"review {number} is {review.state}: it does not wait for a second person")
        review.authors = orjson.dumps([*orjson.loads(review.authors), by.name]).decode()
        _execute(session, reviewing, by, review, plans)


def _require_person(by: Actor, codes: list[str]) -> None:
    if by.person is None:
        raise NotAllowed(f"{by.name} is a machine: an urgent withdrawal names the persons who answer for it")
    require_role(by, TAKING_OFF, codes)


def _stored(session: Session, reviewing: Reviewing, by: Actor, asked: UrgentRequest) -> ReviewRow:
    change = Change(asked.code, Operation(asked.action), None, Period())
    member = member_of(session, reviewing, change)
    review = new_review(by, ReviewKind.URGENT, [by.name], ReviewState.WAITING)
    review.note, review.reason = asked.note, asked.reason
    review.successors = orjson.dumps(asked.successors).decode()
    seal(review, [member])
    session.add(review)
    session.flush()
    add_members(session, review.number or 0, [member])
    return review


def _waiting(session: Session, reviewing: Reviewing, by: Actor, asked: UrgentRequest) -> int | None:
    """Return the same request by the same person, if it still waits."""
    query = select(ReviewRow.number).join(ReviewMemberRow, ReviewMemberRow.review == ReviewRow.number)  # type: ignore[arg-type]  # columns
    same = (ReviewMemberRow.key == reviewing.who.key(asked.code), ReviewMemberRow.op == asked.action)
    waiting = (ReviewRow.state == ReviewState.WAITING, ReviewRow.submitted_by == by.name)
    return session.exec(query.where(*same, *waiting).limit(1)).first()


def _execute(session: Session, reviewing: Reviewing, by: Actor, review: ReviewRow, plans: Plans) -> None:
    """Withdraw or suspend, and open the review, in the same transaction."""
    number, who = review.number or 0, reviewing.who
    member = session.exec(select(ReviewMemberRow).where(ReviewMemberRow.review == number)).one()
    review.state, review.submitted_at = ReviewState.OPEN, now_text()
    session.add(review)
    suspends = Operation(member.op) == Operation.SUSPEND
    state = EditionState.SUSPENDED if suspends else EditionState.WITHDRAWN
    before = locked(session, member.code).state
    terms = Terms(Period(), None, plans, Urgent(number))
    row, made = take_off(session, who, by, member.code, state, terms)
    if made is None and before == state:
        raise Conflict(f"{member.code} is {state} already: there is nothing to {member.op}")
    member.used_version = row.version
    session.add(member)
    if made is not None:
        successors = orjson.loads(review.successors)
        explain(session, who.source, [made], Why(Reason(review.reason or Reason.WITHDRAWAL), review.note, successors))
    record(session, by, AuditEntry("urgent_withdrawal", f"review:{number}", None, {"key": member.key, "op": member.op}))

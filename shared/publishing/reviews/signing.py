"""Sign-offs at the gates, returns, and taking a review back."""

from collections.abc import Collection

import orjson
from sqlmodel import Session, select

from contracts.base import Json
from contracts.content.gates import GATES, Gate
from shared.audit.recording import AuditEntry, record
from shared.errors import Conflict, Invalid, NotAllowed, NotFound, Violation
from shared.publishing.reviews.model import (
    ReviewKind,
    ReviewMemberRow,
    ReviewRow,
    ReviewState,
    SignatureRow,
    Verdict,
)
from shared.publishing.reviews.requests import SignRequest
from shared.publishing.reviews.roles import require_unit
from shared.publishing.reviews.submitting import Reviewing, now_text
from shared.tokens.person import Actor, StaffRole

TAKEN_BACK = (ReviewState.GATHERING, ReviewState.WAITING, ReviewState.OPEN, ReviewState.APPROVED)


def sign(reviewing: Reviewing, by: Actor, number: int, gate: Gate, asked: SignRequest) -> None:
    """Store what a person says at one gate. The same again changes nothing.

    Raises `NotAllowed` without the gate's role, for an author, and when nobody else has signed a gate; `Conflict` for a
    closed review or another digest; `Invalid` for a finding without a reason, and a return without an opinion.
    """
    with reviewing.db.write() as session:
        review = session.get(ReviewRow, number, with_for_update=True)
        if review is None:
            raise NotFound(f"there is no review {number}")
        signed = {one.gate: one for one in _signatures(session, number)}
        _require_signer(session, by, review, gate, asked)
        if _repeats(signed.get(gate), by, asked, review):
            return
        _require_open(review, gate, signed, asked)
        if asked.verdict == Verdict.RETURN:
            _require_opinion(asked)
        else:
            _require_second_person(by, gate, signed)
            _require_settled(session, number, gate, asked)
        session.add(_signature(by, number, gate, asked))
        _advance(review, {*signed, gate}, asked.verdict)
        session.add(review)
        action = "sign_gate" if asked.verdict == Verdict.PASS else "return_review"
        after: Json = {"gate": gate, "digest": review.digest, "state": review.state, "on_behalf_of": asked.on_behalf_of}
        after |= {"overridden": [one.finding for one in asked.overrides]}
        if asked.compared:
            after["compared"] = [{"finding": one.id, **one.other.model_dump()} for one in asked.compared]
        record(session, by, AuditEntry(action, f"review:{number}", None, after))


def take_back(reviewing: Reviewing, by: Actor, number: int) -> None:
    """Close a review that has released nothing yet. Raises `NotAllowed` unless the caller submitted it, or releases."""
    with reviewing.db.write() as session:
        review = session.get(ReviewRow, number, with_for_update=True)
        if review is None:
            raise NotFound(f"there is no review {number}")
        if by.person is not None and by.name != review.submitted_by and not by.has(StaffRole.RELEASER):
            raise NotAllowed(f"review {number} is taken back by {review.submitted_by}, or by a {StaffRole.RELEASER}")
        if review.state == ReviewState.WITHDRAWN:
            return
        done = review.kind == ReviewKind.URGENT and review.state != ReviewState.WAITING
        if done or review.state not in TAKEN_BACK:
            raise Conflict(f"review {number} is {'executed' if done else review.state}: it cannot be taken back")
        review.state, review.closed_at = ReviewState.WITHDRAWN, now_text()
        session.add(review)
        record(session, by, AuditEntry("withdraw_review", f"review:{number}", None, {"digest": review.digest}))


def _signatures(session: Session, number: int) -> Collection[SignatureRow]:
    return session.exec(select(SignatureRow).where(SignatureRow.review == number)).all()


def _require_signer(session: Session, by: Actor, review: ReviewRow, gate: Gate, asked: SignRequest) -> None:
    role = StaffRole.reviewer_of(gate)
    if not by.has(role):
        raise NotAllowed(f"{by.name} needs the role {role} to sign {GATES[gate]}: persons sign, each for a gate")
    members = session.exec(select(ReviewMemberRow.key).where(ReviewMemberRow.review == review.number))
    require_unit(by, [key.partition(":")[2] for key in members])
    excluded = {*orjson.loads(review.authors), review.submitted_by}
    for name in filter(None, (by.name, asked.on_behalf_of)):
        if name in excluded:
            raise NotAllowed(f"{name} wrote or submitted this, and an author does not sign: somebody else must")


def _repeats(known: SignatureRow | None, by: Actor, asked: SignRequest, review: ReviewRow) -> bool:
    return known is not None and (known.by, known.verdict, review.digest) == (by.name, asked.verdict, asked.digest)


def _require_open(review: ReviewRow, gate: Gate, signed: dict[str, SignatureRow], asked: SignRequest) -> None:
    if review.state != ReviewState.OPEN:
        raise Conflict(f"review {review.number} is {review.state}: nothing can be signed; submit it again")
    if asked.digest != review.digest:
        raise Conflict(f"review {review.number} is of other content than you have read: read it again")
    if gate in signed:
        raise Conflict(f"{GATES[gate]} of review {review.number} was signed by {signed[gate].by_title} already")


def _require_opinion(asked: SignRequest) -> None:
    if not asked.opinion.strip():
        raise Invalid(Violation("opinion", "required", "is required with a return: say what to change"))


def _require_second_person(by: Actor, gate: Gate, signed: dict[str, SignatureRow]) -> None:
    """Raises `NotAllowed` for the fifth signature by the person who signed the other four."""
    last = {*signed, gate} == set(Gate)
    if last and {one.by for one in signed.values()} == {by.name}:
        raise NotAllowed(f"{by.name} has signed all other gates: at least two persons review, somebody else must sign")


def _require_settled(session: Session, number: int, gate: Gate, asked: SignRequest) -> None:
    """Raises `Invalid` for a finding of the gate without a reason, and for a reason without a finding of it."""
    query = select(ReviewMemberRow.findings).where(ReviewMemberRow.review == number, ReviewMemberRow.findings != "[]")
    found = {one["id"]: one for text in session.exec(query) for one in orjson.loads(text) if one["gate"] == gate}
    found |= {one.id: one.model_dump(mode="json") for one in asked.compared if one.gate == gate}
    given = {one.finding for one in asked.overrides}
    remedy = "is not settled: change the draft and submit it again, or say why it does not stand"
    wrong = [
        Violation("overrides", "settled", f"{one['code']} {one['field']}: {one['message']}; {remedy}", name)
        for name, one in found.items()
        if name not in given
    ]
    wrong += [
        Violation("overrides", "known", f"is no finding of {GATES[gate]} in this review", name)
        for name in sorted(given - found.keys())
    ]
    if wrong:
        raise Invalid(*wrong)


def _signature(by: Actor, number: int, gate: Gate, asked: SignRequest) -> SignatureRow:
    return SignatureRow(
        review=number,
        gate=gate,
        verdict=asked.verdict,
        by=by.name,
        by_title=by.title,
        on_behalf_of=asked.on_behalf_of,
        at=now_text(),
        opinion=asked.opinion,
        overrides=orjson.dumps(_overrides(asked)).decode(),
    )


def _overrides(asked: SignRequest) -> list[Json]:
    """Return each reason; with the finding itself where the review does not hold it."""
    compared = {one.id: {"compared": one.model_dump(mode="json")} for one in asked.compared}
    return [{**one.model_dump(), **compared.get(one.finding, {})} for one in asked.overrides]


def _advance(review: ReviewRow, signed: set[str], verdict: Verdict) -> None:
    if verdict == Verdict.RETURN:
        review.state, review.closed_at = ReviewState.RETURNED, now_text()
    elif signed == set(Gate):
        review.approved_at = now_text()
        review.state = ReviewState.APPROVED
        if review.kind == ReviewKind.URGENT:
            review.state, review.closed_at = ReviewState.RELEASED, review.approved_at

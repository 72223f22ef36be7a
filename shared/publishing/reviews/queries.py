"""Queries on reviews: lists by state, gate and code, one review with its texts, and figures. They never write."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy.orm import defer
from sqlmodel import Session, col, func, select

from contracts.base import Json, format_time
from contracts.content.gates import Gate, ReviewPolicy
from shared.errors import NotFound
from shared.publishing.reviews.model import (
    ReviewKind,
    ReviewMemberRow,
    ReviewRow,
    ReviewState,
    SignatureRow,
    Verdict,
)
from shared.web.list_size import first_within

MEMBERS_SHOWN = 200
"""Members that one review is shown with; an import may have thousands, which are read page by page."""

TURN_AROUND = timedelta(days=90)
STATE_AFTER = {Verdict.PASS: "passed", Verdict.RETURN: "returned"}


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """Which reviews are listed. `gate`: where this gate is still open. `key`: with this member."""

    state: ReviewState | None = None
    kind: ReviewKind | None = None
    gate: Gate | None = None
    key: str | None = None


def listed(session: Session, wanted: ReviewFilter, after: int, limit: int) -> tuple[list[Json], int | None]:
    """Return reviews in order of numbers after `after`, without bodies, and the number to go on after."""
    query = select(ReviewRow).where(col(ReviewRow.number) > after)
    if wanted.state is not None:
        query = query.where(ReviewRow.state == wanted.state)
    if wanted.kind is not None:
        query = query.where(ReviewRow.kind == wanted.kind)
    if wanted.gate is not None:
        signed = select(SignatureRow.review).where(SignatureRow.gate == wanted.gate)
        query = query.where(ReviewRow.state == ReviewState.OPEN, col(ReviewRow.number).not_in(signed))
    if wanted.key is not None:
        of_key = select(ReviewMemberRow.review).where(ReviewMemberRow.key == wanted.key)
        query = query.where(col(ReviewRow.number).in_(of_key))
    rows = session.exec(query.order_by(col(ReviewRow.number)).limit(limit)).all()
    return _told(session, rows), rows[-1].number if len(rows) == limit else None


def one(session: Session, number: int) -> Json:
    """Return one review with the bodies of its first members; `members_after` reads the others. Raises `NotFound`."""
    row = session.get(ReviewRow, number)
    if row is None:
        raise NotFound(f"there is no review {number}")
    members, following = members_of(session, number, "", MEMBERS_SHOWN)
    told = _told(session, [row])[0]
    return {**told, "members": members, "findings": _findings(session, number), "members_after": following}


def members_of(session: Session, number: int, after: str, limit: int) -> tuple[list[Json], str | None]:
    """Return members with bodies in order of keys after `after`, and the key to go on after."""
    place, texts = col(ReviewMemberRow.key), (col(ReviewMemberRow.body), col(ReviewMemberRow.findings))
    of_review = col(ReviewMemberRow.review) == number
    within = first_within(place, texts, of_review, place > after, limit=limit)
    rows = session.exec(select(ReviewMemberRow).where(of_review, place.in_(within)).order_by(place)).all()
    more = select(place).where(of_review, place > rows[-1].key).limit(1) if rows else None
    following = rows[-1].key if more is not None and session.exec(more).first() is not None else None
    return [_member(row, with_body=True) for row in rows], following


def figures(session: Session, policy: ReviewPolicy) -> Json:
    """Return how many reviews are open, at which gates, since when, and how long reviews took in the last 90 days."""
    is_open = ReviewRow.state == ReviewState.OPEN
    by_gate = {}
    for gate in Gate:
        signed = select(SignatureRow.review).where(SignatureRow.gate == gate)
        waits = select(func.count(), func.min(ReviewRow.submitted_at)).select_from(ReviewRow)
        count, oldest = session.exec(waits.where(is_open, col(ReviewRow.number).not_in(signed))).one()
        by_gate[gate] = {"open": count, "oldest": oldest}
    return {
        "policy": policy,
        "open": session.exec(select(func.count()).select_from(ReviewRow).where(is_open)).one(),
        "by_gate": by_gate,
        "turn_around_seconds": _turn_around(session),
    }


def _turn_around(session: Session) -> Json:
    """Return the median and the 90th percentile, by nearest rank, from submission to the fifth signature."""
    since = format_time(datetime.now(UTC) - TURN_AROUND)
    query = select(ReviewRow.submitted_at, ReviewRow.approved_at).where(col(ReviewRow.approved_at) >= since)
    took = sorted(_seconds(submitted, approved) for submitted, approved in session.exec(query) if approved)
    ranks = {"p50": 0.5, "p90": 0.9}
    found = {name: took[max(0, -int(-share * len(took)) - 1)] if took else None for name, share in ranks.items()}
    return {**found, "count": len(took)}


def _seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _told(session: Session, rows: Sequence[ReviewRow]) -> list[Json]:
    """Return reviews with the first of their members, without bodies."""
    numbers = [row.number or 0 for row in rows]
    signatures: dict[int, dict[str, SignatureRow]] = defaultdict(dict)
    for signature in session.exec(select(SignatureRow).where(col(SignatureRow.review).in_(numbers))):
        signatures[signature.review][signature.gate] = signature
    return [_review(session, row, signatures[row.number or 0]) for row in rows]


def _review(session: Session, row: ReviewRow, signed: dict[str, SignatureRow]) -> Json:
    number = row.number or 0
    of_review = ReviewMemberRow.review == number
    without_body = defer(ReviewMemberRow.body)  # type: ignore[arg-type]  # a column
    query = select(ReviewMemberRow).where(of_review).order_by(ReviewMemberRow.key).limit(MEMBERS_SHOWN)
    members = session.exec(query.options(without_body)).all()
    used = [one.used_version for one in members if one.used_version is not None]
    return {
        "number": number,
        "kind": row.kind,
        "state": row.state,
        "subject": row.subject,
        "digest": row.digest,
        "preview": row.preview,
        "member_count": session.exec(select(func.count()).select_from(ReviewMemberRow).where(of_review)).one(),
        "members": [_member(one, with_body=False) for one in members],
        "authors": orjson.loads(row.authors),
        "submitted_by": row.submitted_by,
        "submitted_by_title": row.submitted_by_title,
        "submitted_at": row.submitted_at,
        "note": row.note,
        "reason": row.reason,
        "gates": {gate: _gate(signed.get(gate)) for gate in Gate},
        "findings": [finding for one in members for finding in orjson.loads(one.findings)],
        "approved_at": row.approved_at,
        "closed_at": row.closed_at,
        "released_version": used[0] if len(members) == 1 and used else None,
    }


def _findings(session: Session, number: int) -> list[Any]:
    query = select(ReviewMemberRow.findings).where(ReviewMemberRow.review == number, ReviewMemberRow.findings != "[]")
    return _joined(session.exec(query.order_by(ReviewMemberRow.key)))


def _joined(texts: Iterable[str]) -> list[Any]:
    return [finding for text in texts for finding in orjson.loads(text)]


def _member(row: ReviewMemberRow, *, with_body: bool) -> Json:
    told: Json = {
        "code": row.code,
        "key": row.key,
        "op": row.op,
        "digest": row.digest,
        "name": row.name,
        "effective_at": row.effective_at,
        "expires_at": row.expires_at,
        "version_in_force": row.version_in_force,
        "released_version": row.used_version,
    }
    return {**told, "body": None if row.body is None else orjson.loads(row.body)} if with_body else told


def _gate(signature: SignatureRow | None) -> Json:
    if signature is None:
        nobody = dict.fromkeys(("by", "by_title", "on_behalf_of", "at", "opinion"))
        return {"state": "open", **nobody, "overrides": []}
    return {
        "state": STATE_AFTER[Verdict(signature.verdict)],
        "by": signature.by,
        "by_title": signature.by_title,
        "on_behalf_of": signature.on_behalf_of,
        "at": signature.at,
        "opinion": signature.opinion,
        "overrides": orjson.loads(signature.overrides),
    }

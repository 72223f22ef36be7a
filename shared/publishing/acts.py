"""Acts: the public reason for releases, released after them in the same transaction and lane."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session

from contracts.base import SALT, Json, format_time
from contracts.content.acts import Act, Reason
from contracts.envelope.publication import Lane, Release
from contracts.kinds import KINDS, Kind, Op, is_public, kind_of
from shared.errors import Conflict, Invalid, Violation
from shared.feeds.outbox import Draft, emit, next_sequence
from shared.security.privacy import find_personal_data
from shared.text.validation import body_of, parse_draft

SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Why:
    """The reason, a public note, and the ledger keys of what replaces the withdrawn content."""

    reason: Reason
    note: str | None = None
    successors: Sequence[str] = ()


def explain(
    session: Session,
    source: str,
    releases: Sequence[Release],
    why: Why,
) -> Release:
    """Release the reason for `releases`, which this transaction has just emitted in one lane. Call it last.

    The act becomes public no sooner than what it explains. Raises `Invalid` for a note or a successor that cannot be
    published, and `Conflict` when there is nothing to explain.
    """
    if not releases:
        raise Conflict("nothing is released, so a reason cannot be recorded")
    require_publishable(why, {release.key for release in releases})
    lane = Lane(releases[0].lane)
    key = f"{Kind.ACT}:{source}-{lane}-{next_sequence(session, lane)}"
    effective_at = _earliest(releases)
    acts_on = [{"key": one.key, "version": one.version, "digest": one.digest} for one in releases]
    body = act_body(why, acts_on, scheduled=effective_at is not None)
    return emit(session, source, [Draft(key, 1, Op.RELEASE, releases[0].region, body, effective_at)], lane)[0]


def act_body(why: Why, acts_on: Sequence[Json], *, scheduled: bool) -> Json:
    """Return the body of an act made now. `acts_on`: see `ActedOn`; `scheduled`: it takes effect later."""
    content = {
        "reason": why.reason,
        "acts_on": list(acts_on),
        "successors": list(why.successors),
        "note": why.note,
        "made_at": format_time(datetime.now(UTC)),
    }
    salt = {SALT: secrets.token_hex(SALT_BYTES)} if scheduled else {}
    return {**body_of(parse_draft(Act, content)), **salt}


def _earliest(releases: Sequence[Release]) -> datetime | None:
    """Return when the first of them takes effect; None: at once."""
    times = [one.effective_at for one in releases]
    return None if None in times else min(time for time in times if time)


def require_publishable(why: Why, explained: Collection[str]) -> None:
    """Raises `Invalid` for a note or a successor that cannot be published. `explained`: keys that the act is about."""
    if why.note is not None and find_personal_data(why.note):
        raise Invalid(Violation("note", "personal", "must not contain personal numbers: it is public"))
    for number, key in enumerate(why.successors):
        kind = kind_of(key)
        if not is_public(kind) or not KINDS[kind].has(key):
            message = "must be a public ledger key, such as item:<实施编码>"
            raise Invalid(Violation(f"successors.{number}", "key", message, key[:80]))
        if key in explained:
            raise Invalid(
                Violation(f"successors.{number}", "another", "an edition cannot be its own successor", key[:80])
            )

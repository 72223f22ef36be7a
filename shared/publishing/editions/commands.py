"""An editor's commands on one edition. Each function runs in the caller's transaction.

If we die before its commit, neither edition nor release is stored. After it both are, and the relay sends the release.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import orjson
from sqlmodel import Session

from contracts.base import Json
from contracts.content.gates import ReviewPolicy
from contracts.envelope.publication import Op, Release
from shared.audit.recording import record
from shared.errors import Conflict, Invalid, Violation
from shared.feeds.outbox import emit
from shared.publishing.editions.appending import append
from shared.publishing.editions.audit import entry, standing
from shared.publishing.editions.clearance import BY_EDITION, Cleared, Exemption, Grounds, clear
from shared.publishing.editions.following import follow, may_be_hidden
from shared.publishing.editions.model import (
    EditionRow,
    EditionState,
    Period,
    Plans,
    ReleasingSource,
    fingerprint,
    locked,
    require_revision,
)
from shared.publishing.editions.steps import (
    NextVersion,
    Situation,
    history,
    require_no_set,
    restated,
    resting_versions,
    returning,
    settled,
    situation,
)
from shared.publishing.reviews import authors
from shared.publishing.reviews.roles import RELEASING, TAKING_OFF, require_role
from shared.tokens.person import Actor

Then = Callable[[Session, Release | None], None]
"""Called in the transaction of a release after it, with the release, or None if nothing was released."""

ACTIONS = {EditionState.WITHDRAWN: "withdraw", EditionState.SUSPENDED: "suspend"}
"""How the audit log names what takes an edition off the channels, by the edition's state after it."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change for the audit log: what is done, by whom, and the edition's standing before it."""

    action: str
    by: Actor
    before: Json


@dataclass(frozen=True, slots=True)
class Terms:
    """When a change takes effect, at which revision of the draft, what becomes of plans, and on which grounds."""

    period: Period
    revision: int | None = None
    plans: Plans | None = None
    grounds: Grounds = BY_EDITION


def release(
    session: Session,
    who: ReleasingSource,
    by: Actor,
    code: str,
    period: Period,
    revision: int | None = None,
    plans: Plans | None = None,
) -> tuple[EditionRow, Release | None]:
    """Release the draft as the next version, as `release_on` does."""
    return release_on(session, who, by, code, Terms(period, revision, plans))


def release_on(
    session: Session, who: ReleasingSource, by: Actor, code: str, terms: Terms
) -> tuple[EditionRow, Release | None]:
    """Release the draft as the next version, as `release_row` does. Raises also `NotFound`."""
    require_role(by, RELEASING, [code])
    terms.period.check()
    return release_row(session, who, by, locked(session, code), terms)


def release_row(
    session: Session, who: ReleasingSource, by: Actor, row: EditionRow, terms: Terms
) -> tuple[EditionRow, Release | None]:
    """Release the draft of a locked row. The release is None when exactly this is already released.

    Raises `NotAllowed`, `PreconditionFailed`; `Invalid` for an end in the past; `Conflict` when another version was
    released after the draft was begun, when this release would overtake planned ones and `plans` does not say what
    becomes of them, or when the county demands a review and there is none.
    """
    code, period, plans = row.code, terms.period, terms.plans
    require_role(by, RELEASING, [code])
    period.check()
    if terms.revision is not None:
        require_revision(row, terms.revision)
    body = orjson.loads(row.draft)
    shown = row.state in (EditionState.RELEASED, EditionState.HIDDEN)
    if shown and row.released_digest == fingerprint(body, period):
        return row, None
    if row.starts_from != row.content_version and row.draft != row.released:
        raise Conflict(
            f"{code}: the draft is based on version {row.starts_from}, but version {row.content_version} has been "
            "released since: read it, bring the draft up to date and save it again"
        )
    moment = datetime.now(UTC)
    period.check_end(moment)
    period.check_announcement(moment)
    step = NextVersion(Op.RELEASE, body, period, EditionState.RELEASED)
    now = situation(session, who, row, moment)
    _require_page(now, period, moment)
    if plans == Plans.CANCEL:
        require_no_set(code, now)
    cleared = clear(session, who, row, step, settled(code, now, step, plans), terms.grounds)
    made = _emit(session, who, Change("release", by, standing(row)), row, cleared, step)
    if who.review == ReviewPolicy.FIVE:
        authors.forget(session, code)
    return row, made


def withdraw(
    session: Session,
    who: ReleasingSource,
    by: Actor,
    code: str,
    period: Period,
    revision: int | None = None,
    plans: Plans | None = None,
) -> tuple[EditionRow, Release | None]:
    """Remove a code from every channel for good, as `take_off` does."""
    return take_off(session, who, by, code, EditionState.WITHDRAWN, Terms(period, revision, plans))


def suspend(
    session: Session,
    who: ReleasingSource,
    by: Actor,
    code: str,
    period: Period,
    revision: int | None = None,
    plans: Plans | None = None,
) -> tuple[EditionRow, Release | None]:
    """Remove a code from every channel for now, as `take_off` does: `restore` brings it back."""
    return take_off(session, who, by, code, EditionState.SUSPENDED, Terms(period, revision, plans))


def take_off(
    session: Session, who: ReleasingSource, by: Actor, code: str, state: EditionState, terms: Terms
) -> tuple[EditionRow, Release | None]:
    """Remove a code from every channel; `state`: withdrawn or suspended.

    Raises `Conflict` if it was never released, and for planned versions and a missing review as `release_on` does.
    """
    require_role(by, TAKING_OFF, [code])
    row, period = _locked(session, code, terms.revision), terms.period
    if row.state == EditionState.DRAFT:
        raise Conflict(f"{row.code} was never released; there is nothing to withdraw")
    moment = datetime.now(UTC)
    now = situation(session, who, row, moment)
    if terms.plans == Plans.CANCEL:
        require_no_set(row.code, now)
    if row.state == state and (not now.waiting or now.waiting[-1].period == period):
        return row, None
    change = Change(ACTIONS[state], by, standing(row))
    step = NextVersion(Op.WITHDRAW, None, period, state)
    if not now.waiting:
        if row.state == EditionState.WITHDRAWN:
            raise Conflict(f"{row.code} is already withdrawn; release it first")
        if row.state == EditionState.SUSPENDED:
            gone = clear(session, who, row, step, [], terms.grounds)
            row.state, row.returns = state, None
            row.revision += 1
            session.add(row)
            session.flush()
            record(session, by, entry(change.action, who, row, change.before, (), gone.told()))
            return row, None
    back = _brought_back(row, now, moment)
    cleared = clear(session, who, row, step, settled(row.code, now, step, terms.plans), terms.grounds)
    made = _emit(session, who, change, row, cleared, step)
    if row.state == EditionState.SUSPENDED:
        row.returns = back
    return row, made


def restore(
    session: Session, who: ReleasingSource, by: Actor, code: str, revision: int | None = None
) -> tuple[EditionRow, Release | None]:
    """Show a suspended edition again: the released text, not the draft. Raises `Conflict` if it is not suspended."""
    require_role(by, RELEASING, [code])
    row = _locked(session, code, revision)
    if row.state != EditionState.SUSPENDED or not row.returns:
        raise Conflict(f"{code} is {row.state}, not suspended; there is nothing to restore")
    resting = resting_versions(row)
    versions = [one for one in history(session, who.key(code)) if one.version in resting]
    steps = returning(versions, datetime.now(UTC), None)
    if not steps:
        raise Conflict(f"{code}: the suspended version has expired in the meantime; release a new one")
    cleared = clear(session, who, row, None, steps, Exemption.RESTORE)
    return row, _emit(session, who, Change("restore", by, standing(row)), row, cleared, steps[0])


def cancel_plans(
    session: Session,
    who: ReleasingSource,
    by: Actor,
    code: str,
    revision: int | None = None,
    *,
    ends: bool = False,
) -> tuple[EditionRow, Release | None]:
    """Cancel every planned version by releasing the one in force again, with `ends` without its planned end.

    Raises `Conflict` if nothing is planned.
    """
    require_role(by, RELEASING, [code])
    row = _locked(session, code, revision)
    moment = datetime.now(UTC)
    now = situation(session, who, row, moment)
    require_no_set(code, now)
    current = now.in_force
    lifts = ends and current is not None and current.shows(moment) and current.ends is not None
    if not now.waiting and not lifts:
        raise Conflict(f"{code}: no release{' and no end' if ends else ''} is planned")
    step = restated(current)
    if lifts:
        step = replace(step, period=Period())
    cleared = clear(session, who, row, None, [step], Exemption.CANCEL_PLANS)
    return row, _emit(session, who, Change("cancel_plans", by, standing(row)), row, cleared, step)


def _require_page(now: Situation, period: Period, moment: datetime) -> None:
    """Raises `Invalid` for an announcement that no page would show. In a set others may show it."""
    shown = now.in_force is not None and now.in_force.shows(moment)
    if period.announcement is not None and period.part_of is None and not shown:
        remedy = "nothing of this code is shown now, so no page can announce it: leave it out"
        raise Invalid(Violation("announcement", "no_page", remedy))


def _brought_back(row: EditionRow, now: Situation, moment: datetime) -> str | None:
    """Return what `restore` brings back if the edition is suspended now."""
    if now.in_force is not None and now.in_force.shows(moment):
        return orjson.dumps([now.in_force.version]).decode()
    return row.returns


def emit_steps(
    session: Session, who: ReleasingSource, change: Change, row: EditionRow, cleared: Cleared
) -> list[Release]:
    """Release the next versions of one edition, whose row is locked, and record the change."""
    drafts = append(who, row, cleared)
    row.starts_from = row.content_version
    session.add(row)
    # Edition and releases are one transaction: if we die before its commit, the edition is as it was.
    session.flush()
    # Asked before `emit` locks the lane: all other releases of this source wait from there to the commit.
    follows = may_be_hidden(session, who, row)
    made = emit(session, who.source, drafts)
    if follows:
        follow(session, who, [row.code])
    record(session, change.by, entry(change.action, who, row, change.before, made, cleared.told()))
    return made


def _emit(
    session: Session,
    who: ReleasingSource,
    change: Change,
    row: EditionRow,
    cleared: Cleared,
    own: NextVersion,
) -> Release:
    """Release the next versions of one edition. Return the release of the editor's own step."""
    return emit_steps(session, who, change, row, cleared)[list(cleared.steps).index(own)]


def _locked(session: Session, code: str, revision: int | None) -> EditionRow:
    row = locked(session, code)
    if revision is not None:
        require_revision(row, revision)
    return row

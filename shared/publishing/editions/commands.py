"""An editor's commands on one edition. Each function runs in the caller's transaction.

If we die before its commit, neither edition nor release is stored. After it both are, and the relay sends the release.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import orjson
from sqlmodel import Session

from contracts.base import Json
from contracts.envelope.publication import Op, Release
from shared.audit.recording import record
from shared.errors import Conflict, PreconditionFailed, PreconditionMissing
from shared.feeds.outbox import emit
from shared.publishing.editions.audit import entry, saved, standing
from shared.publishing.editions.following import follow
from shared.publishing.editions.model import (
    EditionRow,
    EditionState,
    Period,
    Plans,
    ReleasingSource,
    as_text,
    fingerprint,
    locked,
)
from shared.publishing.editions.steps import (
    NextVersion,
    Situation,
    append,
    history,
    require_no_set,
    restated,
    resting_versions,
    returning,
    settled,
    situation,
)
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


def save(session: Session, who: ReleasingSource, by: Actor, code: str, draft: Json, revision: int | None) -> EditionRow:
    """Store a draft.

    Raises `PreconditionMissing` without a revision, `PreconditionFailed` for one that is not the newest.
    """
    row = session.get(EditionRow, code, with_for_update=True)
    before, old_draft = (standing(row), row.draft) if row else (None, None)
    if row is None:
        if revision is not None:
            raise PreconditionFailed(f"{code} does not exist, so it has no revision {revision}")
        row = EditionRow(code=code, draft=as_text(draft))
    else:
        if revision is None:
            raise PreconditionMissing(f"{code} already exists: send If-Match with the ETag that you read")
        _same_revision(row, revision)
        row.draft = as_text(draft)
        row.revision += 1
    # An editor who names the newest revision has read what is released now.
    row.starts_from = row.content_version
    session.add(row)
    session.flush()
    record(session, by, saved(who, row, before, old_draft))
    return row


def release(
    session: Session,
    who: ReleasingSource,
    by: Actor,
    code: str,
    period: Period,
    revision: int | None = None,
    plans: Plans | None = None,
) -> tuple[EditionRow, Release | None]:
    """Release the draft as the next version. The release is None when exactly this is already released.

    Raises `NotFound`; `Invalid` for an end in the past; `Conflict` when another version was released after the draft
    was begun, or when this release would overtake planned ones and `plans` does not say what becomes of them.
    """
    period.check()
    row = _locked(session, code, revision)
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
    step = NextVersion(Op.RELEASE, body, period, EditionState.RELEASED)
    now = situation(session, who, row, moment)
    if plans == Plans.CANCEL:
        require_no_set(code, now)
    return row, _emit(session, who, Change("release", by, standing(row)), row, settled(code, now, step, plans), step)


def withdraw(
    session: Session,
    who: ReleasingSource,
    by: Actor,
    code: str,
    period: Period,
    revision: int | None = None,
    plans: Plans | None = None,
) -> tuple[EditionRow, Release | None]:
    """Remove a code from every channel for good.

    Raises `Conflict` if it was never released, and for planned versions as `release` does.
    """
    return _off(session, who, by, _locked(session, code, revision), _Off(EditionState.WITHDRAWN, period, plans))


def suspend(
    session: Session,
    who: ReleasingSource,
    by: Actor,
    code: str,
    period: Period,
    revision: int | None = None,
    plans: Plans | None = None,
) -> tuple[EditionRow, Release | None]:
    """Remove a code from every channel for now: `restore` brings it back. Raises as `withdraw` does."""
    return _off(session, who, by, _locked(session, code, revision), _Off(EditionState.SUSPENDED, period, plans))


@dataclass(frozen=True, slots=True)
class _Off:
    """How an edition leaves the channels: its state after it, from when on, and what becomes of its plans."""

    state: EditionState
    period: Period
    plans: Plans | None


def _off(
    session: Session, who: ReleasingSource, by: Actor, row: EditionRow, wanted: _Off
) -> tuple[EditionRow, Release | None]:
    state, period = wanted.state, wanted.period
    if row.state == EditionState.DRAFT:
        raise Conflict(f"{row.code} was never released; there is nothing to withdraw")
    moment = datetime.now(UTC)
    now = situation(session, who, row, moment)
    if wanted.plans == Plans.CANCEL:
        require_no_set(row.code, now)
    if row.state == state and (not now.waiting or now.waiting[-1].period == period):
        return row, None
    change = Change(ACTIONS[state], by, standing(row))
    if not now.waiting:
        if row.state == EditionState.WITHDRAWN:
            raise Conflict(f"{row.code} is already withdrawn; release it first")
        if row.state == EditionState.SUSPENDED:
            row.state, row.returns = state, None
            row.revision += 1
            session.add(row)
            session.flush()
            record(session, by, entry(change.action, who, row, change.before))
            return row, None
    step = NextVersion(Op.WITHDRAW, None, period, state)
    back = _brought_back(row, now, moment)
    made = _emit(session, who, change, row, settled(row.code, now, step, wanted.plans), step)
    if row.state == EditionState.SUSPENDED:
        row.returns = back
    return row, made


def restore(
    session: Session, who: ReleasingSource, by: Actor, code: str, revision: int | None = None
) -> tuple[EditionRow, Release | None]:
    """Show a suspended edition again: the released text, not the draft. Raises `Conflict` if it is not suspended."""
    row = _locked(session, code, revision)
    if row.state != EditionState.SUSPENDED or not row.returns:
        raise Conflict(f"{code} is {row.state}, not suspended; there is nothing to restore")
    resting = resting_versions(row)
    versions = [one for one in history(session, who.key(code)) if one.version in resting]
    steps = returning(versions, datetime.now(UTC), None)
    if not steps:
        raise Conflict(f"{code}: the suspended version has expired in the meantime; release a new one")
    return row, _emit(session, who, Change("restore", by, standing(row)), row, steps, steps[0])


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
    return row, _emit(session, who, Change("cancel_plans", by, standing(row)), row, [step], step)


def _brought_back(row: EditionRow, now: Situation, moment: datetime) -> str | None:
    """Return what `restore` brings back if the edition is suspended now."""
    if now.in_force is not None and now.in_force.shows(moment):
        return orjson.dumps([now.in_force.version]).decode()
    return row.returns


def emit_steps(
    session: Session, who: ReleasingSource, change: Change, row: EditionRow, steps: Sequence[NextVersion]
) -> list[Release]:
    """Release the steps of one edition, whose row is locked, and record the change."""
    drafts = append(who, row, steps)
    row.starts_from = row.content_version
    session.add(row)
    # Edition and releases are one transaction: if we die before its commit, the edition is as it was.
    session.flush()
    made = emit(session, who.source, drafts)
    follow(session, who, [row.code])
    record(session, change.by, entry(change.action, who, row, change.before, made))
    return made


def _emit(
    session: Session,
    who: ReleasingSource,
    change: Change,
    row: EditionRow,
    steps: list[NextVersion],
    own: NextVersion,
) -> Release:
    """Release the steps of one edition. Return the release of the editor's own step."""
    return emit_steps(session, who, change, row, steps)[steps.index(own)]


def _locked(session: Session, code: str, revision: int | None) -> EditionRow:
    row = locked(session, code)
    if revision is not None:
        _same_revision(row, revision)
    return row


def _same_revision(row: EditionRow, revision: int) -> None:
    if row.revision != revision:
        raise PreconditionFailed(f"{row.code} is at revision {row.revision}, not {revision}: read it again")

"""The steps of a set at one source. Each runs in the caller's transaction and may be repeated: nothing happens twice.

Whoever asks (the desk) may die at any step. Members without their act are shown by no channel, so what is prepared and
neither completed nor cancelled changes nothing for anybody.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import orjson
from sqlmodel import Session, col, select

from contracts.base import Json, format_time
from contracts.content.gates import ReviewPolicy
from contracts.envelope.publication import Op, Release
from contracts.kinds import kind_of
from shared.audit.recording import AuditEntry, record
from shared.errors import Conflict, Invalid, Violation
from shared.feeds.outbox import Draft, ReleaseRow, emit, released_version
from shared.publishing.acts import Why, act_body, require_publishable
from shared.publishing.editions import ReleasingSource, commands
from shared.publishing.editions.audit import standing
from shared.publishing.editions.clearance import Exemption, Reviewed, clear, lock_reviews
from shared.publishing.editions.model import EditionRow, EditionState, Period, Plans, locked, locked_rows
from shared.publishing.editions.steps import NextVersion, Situation, history, settled, situation, told_before
from shared.publishing.editions.versions import Version, overtakes
from shared.publishing.reviews.cancelled_sets import Cancelled, give_back
from shared.publishing.reviews.model import ReviewKind
from shared.publishing.reviews.roles import RELEASING, require_role
from shared.publishing.sets.requests import (
    AnnounceRequest,
    CancelRequest,
    CompleteRequest,
    Member,
    MemberOp,
    PrepareRequest,
)
from shared.tokens.person import Actor
from shared.transparency.timeline import in_force, is_overtaken, planned

AT_ONCE_SECONDS = 60
"""How far ahead the time of a set that was reviewed as "at once" may be: its members are recorded before it."""

Check = Callable[[Session, str], object]
"""Raises `Invalid` unless the draft of a code may be released: the rules of the service."""


def prepare(session: Session, who: ReleasingSource, by: Actor, asked: PrepareRequest, check: Check) -> list[Json]:
    """Release the members as versions of the set. Return key, version and digest of each, in order of codes.

    All are released, or none. Raises what the release of a single edition raises, and `Invalid` for a time that has
    passed: a set has to be complete before it.
    """
    require_role(by, RELEASING, [one.code for one in asked.members])
    members = sorted(asked.members, key=lambda one: one.code)
    known = [_prepared(session, who.key(one.code), asked.part_of) for one in members]
    if all(known):
        # The answer to an earlier request was lost: nothing is released again.
        return [told for told in known if told]
    if any(known) or released_version(session, asked.part_of, 1) is not None:
        raise Conflict(f"{asked.part_of} was prepared with other members: begin a new set")
    _require_time(asked, datetime.now(UTC))
    # First all editions, then their reviews, then the outbox and the audit log: whoever saves one of the drafts, or
    # takes one of the reviews back, meanwhile waits, and never holds what we wait for.
    codes = [one.code for one in members]
    locked_rows(session, codes)
    lock_reviews(session, who, codes)
    for one in members:
        _release(session, who, by, one, asked, check)
    return [told for one in members if (told := _prepared(session, who.key(one.code), asked.part_of))]


def _require_time(asked: PrepareRequest, now: datetime) -> None:
    at = asked.effective_at
    if at <= now:
        remedy = "must be in the future, so that all members are recorded before it"
        raise Invalid(Violation("effective_at", "in_the_future", remedy, format_time(at)))
    if asked.at_once and at > now + timedelta(seconds=AT_ONCE_SECONDS):
        remedy = f"must be within {AT_ONCE_SECONDS} s with at_once; a set at another time is reviewed with that time"
        raise Invalid(Violation("effective_at", "at_once", remedy, format_time(at)))


def complete(session: Session, who: ReleasingSource, by: Actor, asked: CompleteRequest) -> Release | None:
    """Release the act of the set: every member counts from now on. None when it was released already.

    Raises `Conflict` when a member of this source was cancelled or overtaken meanwhile.
    """
    require_role(by, RELEASING)
    if not asked.part_of.startswith(f"act:{who.source}-"):
        raise Invalid(
            Violation("part_of", "own", f"the act of this set is released by another source than {who.source}")
        )
    if released_version(session, asked.part_of, 1) is not None:
        return None
    own = [one for one in asked.members if kind_of(one.key) == who.kind]
    for one in own:
        locked(session, one.key.partition(":")[2])
        _require_waiting(session, one.key, one.version, asked.part_of)
    if not own:
        raise Invalid(Violation("members", "own", f"must name a member of {who.source}, which releases the act"))
    why = Why(asked.reason, asked.note, asked.successors)
    require_publishable(why, {one.key for one in asked.members})
    body = act_body(why, [one.model_dump() for one in asked.members], scheduled=True)
    # If we die before the commit, the set is incomplete everywhere. After it, the act is in the outbox, and each
    # channel shows the whole set in the transaction after the one that applies the act.
    act = emit(session, who.source, [Draft(asked.part_of, 1, Op.RELEASE, who.region, body, asked.effective_at)])[0]
    record(session, by, AuditEntry("complete_set", asked.part_of, None, {"digest": act.digest, "members": len(own)}))
    return act


def announce(session: Session, who: ReleasingSource, by: Actor, asked: AnnounceRequest) -> list[str]:
    """Show the announcements of the members on what is in force. Return the codes that changed.

    What does not wait any more is left as it is. Raises `Conflict` when the act is this source's and is not released:
    before its set is complete, nothing of a set is told.
    """
    require_role(by, RELEASING, asked.codes)
    if asked.part_of.startswith(f"act:{who.source}-") and released_version(session, asked.part_of, 1) is None:
        raise Conflict(f"{asked.part_of} is not complete: complete it first")
    changed = []
    for row in locked_rows(session, asked.codes):
        now = situation(session, who, row, datetime.now(UTC))
        steps = told_before(now) if any(one.period.part_of == asked.part_of for one in now.waiting) else []
        if steps:
            change = commands.Change("announce", by, standing(row))
            commands.emit_steps(session, who, change, row, clear(session, who, row, None, steps, Exemption.ANNOUNCE))
            changed.append(row.code)
    return changed


def cancel(session: Session, who: ReleasingSource, by: Actor, asked: CancelRequest) -> list[str]:
    """Take back the members of a set that is not complete. Return the codes that changed.

    Raises `Conflict` when this source has released the act: then the set counts, and is undone by another set.
    """
    require_role(by, RELEASING, asked.codes)
    if released_version(session, asked.part_of, 1) is not None:
        raise Conflict(f"{asked.part_of} is complete: undo it by a new set")
    locked_rows(session, asked.codes)
    histories = {code: history(session, who.key(code)) for code in sorted(asked.codes)}
    alive = {code: versions for code, versions in histories.items() if _alive(versions, asked.part_of)}
    unseen = {code: _unseen(who, versions, asked.part_of) for code, versions in alive.items()}
    reopened = give_back(session, who, unseen) if who.review == ReviewPolicy.FIVE else []
    for code, versions in alive.items():
        row = locked(session, code)
        change = commands.Change("cancel_set", by, standing(row))
        cleared = clear(session, who, row, None, _without(row, versions, asked.part_of), Exemption.CANCEL_SET)
        commands.emit_steps(session, who, change, row, cleared)
    record(session, by, *reopened)
    return list(alive)


def _release(
    session: Session, who: ReleasingSource, by: Actor, one: Member, asked: PrepareRequest, check: Check
) -> None:
    period = Period(asked.effective_at, one.expires_at, asked.part_of, one.announcement)
    grounds = Reviewed((ReviewKind.EDITION, ReviewKind.SET), at_once=asked.at_once)
    terms = commands.Terms(period, one.revision, asked.plans, grounds)
    match one.op:
        case MemberOp.RELEASE:
            check(session, one.code)
            commands.release_on(session, who, by, one.code, terms)
        case MemberOp.WITHDRAW:
            _, made = commands.take_off(session, who, by, one.code, EditionState.WITHDRAWN, terms)
            if made is None:
                raise Conflict(f"{one.code} is not shown and nothing is planned: leave it out of the set")
        case _:
            _go_back(session, who, by, one, period)


def _go_back(session: Session, who: ReleasingSource, by: Actor, one: Member, period: Period) -> None:
    """Plan what was in force before version `before`, in its place. Raises `Conflict` if it was changed since."""
    row = locked(session, one.code)
    versions = history(session, who.key(one.code))
    now = situation(session, who, row, datetime.now(UTC))
    taken = _standing(now, next((version for version in versions if version.version == one.before), None))
    if taken is None:
        raise Conflict(f"{one.code}: version {one.before} is neither in force nor planned: it was changed since")
    step = _as_before(versions, taken, period)
    others = Situation(now.in_force, [version for version in now.waiting if version != taken])
    change = commands.Change("undo", by, standing(row))
    steps = settled(one.code, others, step, Plans.KEEP)
    commands.emit_steps(session, who, change, row, clear(session, who, row, None, steps, Exemption.UNDO))


def _standing(now: Situation, taken: Version | None) -> Version | None:
    """Return the version, or the plan that repeats it: what is announced is planned again. None: neither stands."""
    if taken is None or taken == now.in_force or taken in now.waiting:
        return taken
    said = (taken.op, taken.body, taken.period)
    return next((one for one in now.waiting if (one.op, one.body, one.period) == said), None)


def _as_before(versions: Sequence[Version], taken: Version, period: Period) -> NextVersion:
    """Return the step to what would be shown at the start of `period` without the version `taken`."""
    earlier = [version for version in versions if version.version < taken.version]
    at = period.effective_at or datetime.now(UTC)
    before = in_force(earlier, at)
    if before is None or not before.shows(at):
        return NextVersion(Op.WITHDRAW, None, Period(period.effective_at, None, period.part_of), EditionState.WITHDRAWN)
    ends = Period(period.effective_at, before.ends, period.part_of)
    return NextVersion(Op.RELEASE, before.body, ends, EditionState.RELEASED)


def _without(row: EditionRow, versions: Sequence[Version], act: str) -> list[NextVersion]:
    """Return the steps after which no version of the set can count, and everything else is as it is."""
    others = [version for version in versions if version.period.part_of != act]
    now = datetime.now(UTC)
    current = in_force(others, now)
    if current is not None and current.shows(now):
        step = NextVersion(Op.RELEASE, current.body, Period(None, current.ends), EditionState.RELEASED)
    else:
        gone = EditionState.SUSPENDED if row.state == EditionState.SUSPENDED else EditionState.WITHDRAWN
        step = NextVersion(Op.WITHDRAW, None, Period(), gone)
    return [step, *(NextVersion.again(version) for version in planned(others, now))]


def _unseen(who: ReleasingSource, versions: Sequence[Version], act: str) -> Cancelled:
    """Return what no channel can have shown: the act is ours to release, and is not, or the time is yet to come."""
    now, ours = datetime.now(UTC), act.startswith(f"act:{who.source}-")
    of_set = [one.version for one in versions if one.period.part_of == act and (ours or one.starts > now)]
    newest = max((one.version for one in versions if one.body is not None), default=0)
    return Cancelled(of_set, followed=newest not in of_set)


def _alive(versions: Sequence[Version], act: str) -> bool:
    """Whether a version of the set can still count."""
    return any(one.period.part_of == act and not is_overtaken(one, versions) for one in versions)


def _require_waiting(session: Session, key: str, version: int, act: str) -> None:
    document = released_version(session, key, version)
    told = orjson.loads(document) if document else {}
    if told.get("part_of") != act:
        raise Conflict(f"version {version} of {key} is not one of the set {act}")
    period = Period(datetime.fromisoformat(told["effective_at"]), None, act)
    member = Version(version, Op(told["op"]), period)
    later = [one for one in history(session, key) if one.version > version and overtakes(one.period, member)]
    if later and all(one.period.part_of != act for one in later):
        raise Conflict(f"version {version} of {key} was cancelled or replaced: begin a new set")


def _prepared(session: Session, key: str, act: str) -> Json | None:
    """Return the member that this key has in the set: its first version that names the act."""
    query = select(ReleaseRow.document).where(ReleaseRow.key == key, col(ReleaseRow.document).contains(act))
    for document in session.exec(query.order_by(col(ReleaseRow.version))):
        told = orjson.loads(document)
        if told.get("part_of") == act:
            return {name: told[name] for name in ("key", "version", "digest", "op", "effective_at")}
    return None

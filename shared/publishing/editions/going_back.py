"""Take editions back to what was before one of their versions, as new versions: history is never changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session

from contracts.base import Json
from contracts.envelope.publication import Lane, Op, Release
from shared.audit.recording import record
from shared.feeds.outbox import emit
from shared.publishing.editions.appending import append
from shared.publishing.editions.audit import entry, standing
from shared.publishing.editions.clearance import Exemption, clear
from shared.publishing.editions.following import follow
from shared.publishing.editions.model import EditionRow, EditionState, Period, ReleasingSource, locked_rows
from shared.publishing.editions.steps import NextVersion, history, own_versions, returning, situation
from shared.publishing.editions.versions import Version
from shared.publishing.reviews.roles import RELEASING, require_role
from shared.tokens.person import Actor
from shared.transparency.timeline import in_force, planned


@dataclass(frozen=True, slots=True)
class BackTo:
    """Where an edition goes back to: the state before its version `before`. `shows`: it is shown again afterwards."""

    before: int
    shows: bool


def past_versions(session: Session, who: ReleasingSource, code: str) -> list[Version]:
    """Return every version of an edition, oldest first."""
    return history(session, who.key(code))


def changed_since(row: EditionRow, versions: list[Version], before: int) -> list[int]:
    """Return the numbers after `before` of what editors and imports released, as far as it can still count.

    What an edition got because it follows an item is not among them while it still differs from those.
    """
    return [one.version for one in own_versions(row, versions) if one.version > before]


def target(versions: list[Version], before: int) -> BackTo:
    """Return where an edition with these versions goes back to."""
    now = datetime.now(UTC)
    current = in_force([one for one in versions if one.version < before], now)
    return BackTo(before, shows=current is not None and current.shows(now))


def go_back(
    session: Session, who: ReleasingSource, by: Actor, targets: Mapping[str, BackTo], lane: Lane
) -> list[Release]:
    """Release, for each code, what was in force and planned before the version named; withdraw what was not shown.

    A draft that nobody has changed follows; an editor's draft stays. Raises `NotAllowed`.
    """
    require_role(by, RELEASING, targets)
    now = datetime.now(UTC)
    drafts = []
    changed: list[tuple[EditionRow, Json]] = []
    for row in locked_rows(session, targets):
        changed.append((row, standing(row)))
        earlier = [one for one in past_versions(session, who, row.code) if one.version < targets[row.code].before]
        steps = returning(earlier, now, None)
        if not targets[row.code].shows:
            gone = NextVersion(Op.WITHDRAW, None, Period(), EditionState.WITHDRAWN)
            at = situation(session, who, row, now)
            is_on = bool(at.waiting) or (at.in_force is not None and at.in_force.shows(now))
            steps = [*([gone] if is_on else []), *(NextVersion.again(one) for one in planned(earlier, now))]
        follows = row.draft == row.released
        if steps:
            drafts += append(who, row, clear(session, who, row, None, steps, Exemption.UNDO))
        if follows and row.released is not None:
            row.draft, row.starts_from = row.released, row.content_version
    session.flush()
    made = emit(session, who.source, drafts, lane)
    followed = follow(session, who, targets, lane)
    record(session, by, *(entry("undo", who, row, before, made) for row, before in changed))
    return [*made, *followed]

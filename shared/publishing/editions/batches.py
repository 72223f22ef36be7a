"""Changes by imports and timers: many editions in one transaction. No function here reads a draft."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import select as sa_select
from sqlmodel import Session, col

from contracts.base import Json
from contracts.envelope.publication import Lane, Op, Release
from shared.audit.recording import record
from shared.feeds.outbox import Draft, emit
from shared.publishing.editions.appending import append
from shared.publishing.editions.audit import entry, standing
from shared.publishing.editions.clearance import BY_IMPORT, Grounds, clear
from shared.publishing.editions.commands import ACTIONS
from shared.publishing.editions.following import follow
from shared.publishing.editions.model import (
    AT_ONCE,
    CODES_A_STATEMENT,
    EditionRow,
    EditionState,
    Period,
    Plans,
    ReleasingSource,
    fingerprint,
    locked_rows,
)
from shared.publishing.editions.steps import (
    NextVersion,
    Situation,
    restated,
    settled,
    situation,
)
from shared.publishing.editions.versions import overtakes
from shared.publishing.reviews.roles import RELEASING, TAKING_OFF, require_role
from shared.publishing.statements import SAVE_RELEASED
from shared.tokens.person import Actor

COLUMNS = (
    "code",
    "revision",
    "state",
    "version",
    "starts_from",
    "released",
    "content_version",
    "released_digest",
    "expires_at",
    "planned_until",
    "returns",
)
"""All but the draft."""


@dataclass(frozen=True, slots=True)
class BodyToRelease:
    """One body to release. `replaces`: the planned version that it replaces, which then never takes effect."""

    code: str
    body: Json
    period: Period = AT_ONCE
    replaces: int | None = None


@dataclass(frozen=True, slots=True)
class EditionSummary:
    """What an import must know of an edition before it changes it.

    `released`       body of the newest version that has one, planned or not; the import merges into it
    `expires_at`     end of that version
    `draft_changed`  an editor works on a draft that differs from `released`
    `now`            the version in force and the planned ones
    """

    state: str
    version: int
    content_version: int
    released: Json | None
    released_digest: str | None
    expires_at: datetime | None
    draft_changed: bool
    now: Situation


def standings(session: Session, who: ReleasingSource, codes: Iterable[str]) -> dict[str, EditionSummary]:
    """Return a summary of each of `codes`, locked until the transaction ends. Codes without an edition are omitted."""
    now = datetime.now(UTC)
    return {row.code: _standing(session, who, row, now) for row in locked_rows(session, codes)}


def release_many(
    session: Session, who: ReleasingSource, by: Actor, wanted: Sequence[BodyToRelease], lane: Lane
) -> list[Release]:
    """Release bodies in one transaction, in order; skip those already released for the same period.

    A planned version that one of them overtakes is planned again after it. A draft that an editor has changed is kept;
    an unchanged one follows the release. Raises `NotAllowed`, and `Conflict` when a review is demanded and missing.
    """
    require_role(by, RELEASING, [one.code for one in wanted])
    rows = _unattached(session, [one.code for one in wanted])
    now = datetime.now(UTC)
    drafts: list[Draft] = []
    changed: dict[str, EditionRow] = {}
    before: dict[str, Json] = {}
    reviews: dict[str, Json] = {}
    for one in wanted:
        row = rows.setdefault(one.code, EditionRow(code=one.code, revision=0, draft=""))
        if row.state == EditionState.RELEASED and row.released_digest == fingerprint(one.body, one.period):
            continue
        before.setdefault(one.code, standing(row))
        step = NextVersion(Op.RELEASE, one.body, one.period, EditionState.RELEASED)
        steps = _steps(one, situation(session, who, row, now), step)
        cleared = clear(session, who, row, step, steps, BY_IMPORT)
        drafts += append(who, row, cleared)
        reviews[one.code] = cleared.told()
        changed[one.code] = row
    if changed:
        session.connection().execute(SAVE_RELEASED, [_values(row) for row in changed.values()])
    made = emit(session, who.source, drafts, lane)
    follow(session, who, changed, lane)
    record(session, by, *(entry("release", who, row, before[c], made, reviews[c]) for c, row in changed.items()))
    return made


def _steps(wanted: BodyToRelease, now: Situation, step: NextVersion) -> list[NextVersion]:
    """Return the change, and again the planned versions it overtakes, except the one it replaces."""
    old = next((one for one in now.waiting if one.version == wanted.replaces), None)
    if old is None or old.period.part_of is not None:
        return settled(wanted.code, now, step, Plans.KEEP)
    others = [one for one in now.waiting if one is not old]
    if overtakes(step.period, old):
        return settled(wanted.code, Situation(now.in_force, others), step, Plans.KEEP)
    # It begins later than the old plan did: repeat what is in force, so that the old plan never takes effect.
    return [restated(now.in_force), step, *(NextVersion.again(one) for one in others)]


@dataclass(frozen=True, slots=True)
class Leaving:
    """How editions leave the channels: their state after it, what becomes of their plans, and on which grounds."""

    state: EditionState = EditionState.WITHDRAWN
    plans: Plans = Plans.KEEP
    grounds: Grounds = BY_IMPORT


OF_AN_IMPORT = Leaving()


def withdraw_many(
    session: Session,
    who: ReleasingSource,
    by: Actor,
    codes: Iterable[str] | Mapping[str, datetime | None],
    lane: Lane,
    how: Leaving = OF_AN_IMPORT,
) -> list[Release]:
    """Withdraw those of `codes` that are in force; a mapping gives the start for each (None: at once).

    Planned versions are planned again after it, or cancelled with `cancel`. One that is hidden with what it follows is
    withdrawn too, so that it does not come back. Raises as `release_many` does.
    """
    require_role(by, TAKING_OFF, codes)
    since = codes if isinstance(codes, Mapping) else {}
    now = datetime.now(UTC)
    drafts: list[Draft] = []
    changed: list[tuple[EditionRow, Json, Json]] = []
    for row in locked_rows(session, codes):
        at = situation(session, who, row, now)
        if not _is_on(at) or (how.plans == Plans.KEEP and not _in_force(at)):
            continue
        before = standing(row)
        step = NextVersion(Op.WITHDRAW, None, Period(since.get(row.code)), how.state)
        cleared = clear(session, who, row, step, settled(row.code, at, step, how.plans), how.grounds)
        drafts += append(who, row, cleared)
        changed.append((row, before, cleared.told()))
        if row.state == EditionState.SUSPENDED and _in_force(at):
            row.returns = orjson.dumps([at.in_force.version] if at.in_force else []).decode()
    session.flush()
    made = emit(session, who.source, drafts, lane)
    follow(session, who, [row.code for row, _, _ in changed], lane)
    record(session, by, *(entry(ACTIONS[how.state], who, row, before, made, told) for row, before, told in changed))
    return made


def _is_on(now: Situation) -> bool:
    """Whether the edition is shown now or will be."""
    return _in_force(now) or bool(now.waiting)


def _in_force(now: Situation) -> bool:
    return now.in_force is not None and now.in_force.op == Op.RELEASE


def _standing(session: Session, who: ReleasingSource, row: EditionRow, now: datetime) -> EditionSummary:
    return EditionSummary(
        state=row.state,
        version=row.version,
        content_version=row.content_version,
        released=orjson.loads(row.released) if row.released else None,
        released_digest=row.released_digest,
        expires_at=datetime.fromisoformat(row.expires_at) if row.expires_at else None,
        draft_changed=row.draft != row.released,
        now=situation(session, who, row, now),
    )


def _unattached(session: Session, codes: Sequence[str]) -> dict[str, EditionRow]:
    """Return the editions of `codes`, locked, without drafts, and detached: `SAVE_RELEASED` writes them."""
    columns = [getattr(EditionRow, name) for name in COLUMNS]
    found: dict[str, EditionRow] = {}
    wanted = sorted(set(codes))
    for start in range(0, len(wanted), CODES_A_STATEMENT):
        some = col(EditionRow.code).in_(wanted[start : start + CODES_A_STATEMENT])
        query = sa_select(*columns).where(some).order_by(col(EditionRow.code)).with_for_update()
        for row in session.connection().execute(query).mappings():
            found[row["code"]] = EditionRow(**row, draft="")
    return found


def _values(row: EditionRow) -> dict[str, Any]:
    return row.model_dump(exclude={"draft", "starts_from"})

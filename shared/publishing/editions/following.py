"""Editions that follow others: a guide is shown only while its item is, whatever ends or begins the item.

The ledger stays the only truth: what hides such an edition at a moment, and what brings it back, are releases of its
own, made as soon as the moment is known. `EditionRow.returns` tells the editors' versions from those made here.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import orjson
from sqlmodel import Session

from contracts.base import Json
from contracts.envelope.publication import Lane, Op, Release
from shared.audit.recording import AuditEntry, record
from shared.feeds.outbox import Draft, emit
from shared.publishing.editions.appending import append_following
from shared.publishing.editions.audit import entry, standing
from shared.publishing.editions.clearance import Exemption, clear
from shared.publishing.editions.model import (
    EditionRow,
    EditionState,
    Period,
    ReleasingSource,
    locked_rows,
)
from shared.publishing.editions.steps import NextVersion, history, own_versions
from shared.publishing.editions.versions import Version
from shared.tokens.person import SYSTEM
from shared.transparency.timeline import OfTime, in_force, moments, planned, stands


def follow(session: Session, who: ReleasingSource, codes: Iterable[str], lane: Lane = Lane.LIVE) -> list[Release]:
    """Release what makes each edition of `codes` shown exactly while what it follows stands; nothing if it is already.

    Runs in the caller's transaction, after the caller's own releases. An edition that follows nothing known is left
    alone.
    """
    followed = who.follows(session, codes) if who.follows is not None else {}
    drafts: list[Draft] = []
    changed: list[tuple[EditionRow, Json]] = []
    now = datetime.now(UTC)
    for row in locked_rows(session, followed):
        if _moves(row, followed[row.code], now):
            before = standing(row)
            own = _followed(session, who, row, followed[row.code], now)
            drafts += own
            changed += [(row, before)] if own else []
    session.flush()
    made = emit(session, who.source, drafts, lane)
    record(session, SYSTEM, *_entries(who, changed, made))
    return made


def may_be_hidden(session: Session, who: ReleasingSource, row: EditionRow) -> bool:
    """Whether `follow` may have something to release for this locked row: what it follows ends, begins, or is known to
    have hidden it.
    """
    followed = who.follows(session, [row.code]) if who.follows is not None else {}
    return row.code in followed and _moves(row, followed[row.code], datetime.now(UTC))


def catching_up(
    own: Sequence[Version], released: Sequence[Version], followed: Sequence[OfTime], now: datetime
) -> list[NextVersion]:
    """Return the steps after which, at every moment from `now` on, the edition shows what `own` shows while `followed`
    stands, and nothing else. Pure.

    `own`: the versions that editors and imports released. `released`: all versions so far.
    """
    made = list(released)
    steps: list[NextVersion] = []
    for at in moments(now, own, released, followed):
        wanted = _shown(own, at) if stands(followed, at) else None
        found = _shown(made, at)
        if (wanted and wanted.body) == (found and found.body):
            continue
        start = None if at == now else at
        if wanted is None:
            step = NextVersion(Op.WITHDRAW, None, Period(start), EditionState.HIDDEN)
        else:
            step = NextVersion(Op.RELEASE, wanted.body, Period(start, wanted.ends), EditionState.RELEASED, wanted.told)
        steps.append(step)
        made.append(Version(made[-1].version + 1, step.op, step.period, step.body))
    return steps


def _entries(
    who: ReleasingSource, changed: Sequence[tuple[EditionRow, Json]], made: Sequence[Release]
) -> list[AuditEntry]:
    return [entry("follow", who, row, before, made) for row, before in changed]


def _moves(row: EditionRow, followed: Sequence[OfTime], now: datetime) -> bool:
    always_stands = all(stands(followed, at) for at in moments(now, followed))
    return row.state != EditionState.DRAFT and (bool(row.returns) or not always_stands)


def _followed(
    session: Session, who: ReleasingSource, row: EditionRow, followed: Sequence[OfTime], now: datetime
) -> list[Draft]:
    """Make the steps the next versions of a locked row. Body, end and digest of the row stay the editors'."""
    released = history(session, who.key(row.code))
    own = own_versions(row, released)
    steps = catching_up(own, released, followed, now)
    drafts = append_following(who, row, clear(session, who, row, None, steps, Exemption.FOLLOWING))
    if row.state != EditionState.SUSPENDED:
        _note(row, own, followed, now)
    row.revision += bool(drafts)
    session.add(row)
    return drafts


def _note(row: EditionRow, own: Sequence[Version], followed: Sequence[OfTime], now: datetime) -> None:
    """Set the state as it is now, and the own versions for as long as they differ from what is released."""
    current = in_force(own, now)
    alive = [*([current] if current else []), *planned(own, now)]
    shown = [at for at in moments(now, own, followed) if _shown(own, at)]
    kept = any(not stands(followed, at) for at in shown)
    row.returns = orjson.dumps([one.version for one in alive]).decode() if kept else None
    if kept and now in shown and not stands(followed, now):
        row.state = EditionState.HIDDEN
    elif row.state == EditionState.HIDDEN:
        # What ended while it was hidden does not come back.
        comes = bool(shown) and alive[-1].op == Op.RELEASE
        row.state = EditionState.RELEASED if comes else EditionState.WITHDRAWN


def _shown(versions: Sequence[Version], at: datetime) -> Version | None:
    current = in_force(versions, at)
    return current if current is not None and current.shows(at) else None

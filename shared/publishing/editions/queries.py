"""Queries on editions. They never write."""

from collections.abc import Iterator
from datetime import UTC, datetime

import orjson
from sqlmodel import Session, col, func, select

from contracts.base import Json, format_time
from shared.errors import NotFound
from shared.publishing.editions.model import EditionRow, EditionState, ReleasingSource, moment
from shared.publishing.editions.steps import history, situation
from shared.publishing.editions.timeline import Version
from shared.transparency.timeline import in_force, planned
from shared.web.list_size import first_within


def find(session: Session, code: str) -> EditionRow:
    """Return the edition. Raises `NotFound`."""
    row = session.get(EditionRow, code)
    if row is None:
        raise NotFound(f"no edition with code {code}")
    return row


def page(session: Session, after: str, limit: int) -> list[EditionRow]:
    """Return editions in order of their codes: at most `limit`, and at most one page's bytes."""
    place, texts = col(EditionRow.code), (col(EditionRow.draft), col(EditionRow.released))
    within = first_within(place, texts, place > after, limit=limit)
    return list(session.exec(select(EditionRow).where(place.in_(within)).order_by(place)))


def states(session: Session) -> dict[str, str]:
    """Return the state of every code."""
    return dict(session.exec(select(EditionRow.code, EditionRow.state)).all())


def live_count(session: Session) -> int:
    """Return how many codes are released now."""
    return session.exec(
        select(func.count()).select_from(EditionRow).where(EditionRow.state == EditionState.RELEASED)
    ).one()


def bodies_in_force(session: Session, who: ReleasingSource, containing: str) -> Iterator[tuple[str, Json]]:
    """Yield code and body of each edition shown now whose newest released body contains a text in its JSON.

    An edition with a planned version is yielded in any case, because its newest body need not be the one in force.
    """
    now = datetime.now(UTC)
    query = select(EditionRow).where(
        col(EditionRow.released).contains(containing) & (EditionRow.state == EditionState.RELEASED)
        | (col(EditionRow.planned_until) > format_time(now))
    )
    for row in session.exec(query):
        current = situation(session, who, row, now).in_force
        if current is not None and current.shows(now) and current.body is not None:
            yield row.code, current.body


def view(session: Session, who: ReleasingSource, row: EditionRow) -> Json:
    """Return the edition as editors see it: the draft, what is in force, and what is planned.

    `follows`: what hides the edition with what it belongs to, and what brings it back; nobody plans that, and it is not
    cancelled with the plans.
    """
    at = datetime.now(UTC)
    now = situation(session, who, row, at)
    current, follows = now.in_force, []
    if row.returns and row.state != EditionState.SUSPENDED:
        versions = history(session, who.key(row.code))
        current = in_force(versions, at)
        own = {one.version for one in now.waiting}
        follows = [_told(one) for one in planned(versions, at) if one.version not in own]
    return {
        "code": row.code,
        "revision": row.revision,
        "state": row.state,
        "version": row.version,
        "draft": orjson.loads(row.draft),
        "draft_changed": row.draft != row.released,
        "starts_from": row.starts_from,
        "in_force": None if current is None else {**_told(current), "body": current.body},
        "planned": [_told(version) for version in now.waiting],
        "follows": follows,
    }


def _told(version: Version) -> Json:
    return {
        "version": version.version,
        "op": version.op,
        "effective_at": moment(version.period.effective_at),
        "expires_at": moment(version.period.expires_at),
    }

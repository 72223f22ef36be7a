"""Queries on editions. They never write."""

from collections.abc import Iterator
from datetime import UTC, datetime

import orjson
from sqlmodel import Session, col, func, select

from contracts.base import Json, format_time
from contracts.envelope.publication import Release
from shared.database.engine import Database
from shared.errors import NotFound
from shared.feeds.outbox import ReleaseRow
from shared.publishing.editions.model import EditionRow, EditionState, ReleasingSource, moment
from shared.publishing.editions.steps import history, newest_before, own_versions, situation
from shared.publishing.editions.versions import Version
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


def plans(session: Session, who: ReleasingSource, after: str, limit: int) -> tuple[list[Json], str | None]:
    """Return editions with something planned, in order of code after `after`, and the code to go on after.

    Planned are versions that begin later, and the end of what is in force (`ends_at`).
    """
    now = datetime.now(UTC)
    later = (col(EditionRow.planned_until) > format_time(now)) | (col(EditionRow.expires_at) > format_time(now))
    query = select(EditionRow).where(later, col(EditionRow.code) > after).order_by(col(EditionRow.code)).limit(limit)
    rows = list(session.exec(query))
    found = [_plan(row, view(session, who, row)) for row in rows]
    listed = [one for one in found if one["planned"] or one["follows"] or one["ends_at"]]
    return listed, rows[-1].code if len(rows) == limit else None


def _plan(row: EditionRow, seen: Json) -> Json:
    current = seen["in_force"] or {}
    return {
        **{name: seen[name] for name in ("code", "state", "revision", "planned", "follows")},
        "name": orjson.loads(row.released or row.draft).get("task_name", ""),
        "version": current.get("version"),
        "ends_at": current.get("expires_at"),
    }


def overtaken(db: Database, who: ReleasingSource, row: EditionRow, made: Release) -> list[Json]:
    """Return the plans that `made`, just released, keeps from coming true: versions, and the end of what was in force.

    A plan that is planned again after `made` for the same moment is not among them.
    """
    if made.version == 1:
        return []
    key, at = who.key(row.code), made.released_at
    if row.returns is None and (row.planned_until is None or row.planned_until <= format_time(at)):
        # Nothing was planned, so the newest earlier version was in force: a long history is not read at each release.
        lost: list[Version] = []
        old = newest_before(db, key, at)
    else:
        with db.read() as session:
            lost, old = _lost(session, row, key, at)
    ended = old is not None and old.shows(at) and old.ends is not None and made.effective_at is None
    if old is not None and ended and made.expires_at != old.ends:
        lost.insert(0, old)
    return [_told(one) for one in lost]


def _lost(session: Session, row: EditionRow, key: str, at: datetime) -> tuple[list[Version], Version | None]:
    """Return the plans of before `at` that are not planned any more, and what was in force."""
    # What one transaction releases has one time.
    earlier = select(ReleaseRow.version).where(ReleaseRow.key == key, ReleaseRow.released_at < format_time(at))
    known = set(session.exec(earlier))
    versions = own_versions(row, history(session, key))
    before = [one for one in versions if one.version in known]
    still = [(one.op, one.period) for one in planned(versions, at)]
    return [one for one in planned(before, at) if (one.op, one.period) not in still], in_force(before, at)


def _told(version: Version) -> Json:
    told = {
        "version": version.version,
        "op": version.op,
        "effective_at": moment(version.period.effective_at),
        "expires_at": moment(version.period.expires_at),
    }
    if version.period.announcement is not None:
        told["announcement"] = version.period.announcement.model_dump(mode="json", exclude_none=True)
    return told if version.period.part_of is None else {**told, "part_of": version.period.part_of}

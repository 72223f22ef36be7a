"""How a change, and the planned versions it affects, become the next versions of an edition.

A step is one future version. `settled` decides which steps a change takes; `shared.publishing.editions.appending` makes
them the row's next versions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from sqlmodel import Session, col, select

from contracts.base import ANNOUNCEMENTS, SALT, Json, format_time
from contracts.content.announcements import Announcement
from contracts.envelope.publication import Op
from shared.database.engine import Database
from shared.errors import Conflict
from shared.feeds.outbox import ReleaseRow
from shared.publishing.editions.announcing import announcement_at, announcement_of
from shared.publishing.editions.model import (
    EditionRow,
    EditionState,
    Period,
    Plans,
    ReleasingSource,
)
from shared.publishing.editions.versions import Version, overtakes
from shared.publishing.statements import NEWEST_BEFORE
from shared.transparency.timeline import EVER, in_force, planned


@dataclass(frozen=True, slots=True)
class NextVersion:
    """One future version. `state` is the edition's state after it. `carried`: announcements that it repeats."""

    op: Op
    body: Json | None
    period: Period
    state: EditionState
    carried: tuple[Announcement, ...] = ()

    @property
    def starts(self) -> datetime:
        """When it takes effect; the beginning of time for at once."""
        return self.period.effective_at or EVER

    @classmethod
    def again(cls, version: Version) -> "NextVersion":
        """Repeat a version, for the same period."""
        state = EditionState.RELEASED if version.op == Op.RELEASE else EditionState.WITHDRAWN
        return cls(version.op, version.body, version.period, state)


@dataclass(frozen=True, slots=True)
class Situation:
    """The version in force and the planned versions of an edition; for one that follows, as if that stood."""

    in_force: Version | None
    waiting: Sequence[Version]


def situation(session: Session, who: ReleasingSource, row: EditionRow, now: datetime) -> Situation:
    """Return the situation of a locked row. Its history is read only when it may differ from the row.

    While the edition is suspended, the versions that it will bring back count as planned.
    """
    if row.returns is None and (row.planned_until is None or row.planned_until <= format_time(now)):
        return Situation(newest(row), [])
    versions = history(session, who.key(row.code))
    own = own_versions(row, versions)
    resting = resting_versions(row)
    waiting = [one for one in versions if one.version in resting] if resting else own
    return Situation(in_force(own, now), planned(waiting, now))


def own_versions(row: EditionRow, versions: Sequence[Version]) -> list[Version]:
    """Return those of an edition's `versions` that count while what it follows stands."""
    own = orjson.loads(row.returns) if row.returns and row.state != EditionState.SUSPENDED else None
    return [one for one in versions if own is None or one.version in own]


def newest(row: EditionRow) -> Version | None:
    """Return the newest version from the row alone; where nothing is planned, it is the one in force."""
    if row.version == 0:
        return None
    if row.state != EditionState.RELEASED:
        return Version(row.version, Op.WITHDRAW, Period())
    ends = datetime.fromisoformat(row.expires_at) if row.expires_at else None
    return Version(row.version, Op.RELEASE, Period(None, ends), orjson.loads(row.released or "null"))


def history(session: Session, key: str) -> list[Version]:
    """Return every version of a key, oldest first, without the salt."""
    query = select(ReleaseRow.document).where(ReleaseRow.key == key).order_by(col(ReleaseRow.version))
    return [_version(orjson.loads(document)) for document in session.exec(query)]


def newest_before(db: Database, key: str, at: datetime) -> Version | None:
    """Return the newest version of a key that was released before this moment."""
    rows = db.fetch(NEWEST_BEFORE, key=key, at=format_time(at))
    return _version(orjson.loads(rows[0].document)) if rows else None


def resting_versions(row: EditionRow) -> list[int]:
    """Return the versions that `restore` brings back, or that count while what the edition follows stands."""
    return orjson.loads(row.returns) if row.returns else []


def settled(code: str, now: Situation, step: NextVersion, plans: Plans | None) -> list[NextVersion]:
    """Return the steps of a change. Raises `Conflict` when it would overtake planned versions and `plans` is None.

    `cancel` cancels every planned version but those of a set, which are only cancelled with their set; `keep` plans
    again, after the change, those it overtakes. Where what is in force would announce something else, it is repeated
    first, with all that is still planned.
    """
    steps = _settled(code, now, step, plans)
    current, at = now.in_force, datetime.now(UTC)
    # A member of a set is announced by `announce`, once its set is complete.
    if step.period.part_of or step.starts <= at or current is None or not current.shows(at):
        return steps
    again = [] if plans == Plans.CANCEL else [one for one in now.waiting if not overtakes(step.period, one)]
    said = {one for one in current.told if one.until > at}
    coming = [NextVersion.again(one) for one in again] + [one for one in steps if one.starts > EVER]
    wanted = {announcement_of(one.period) for one in coming} - {None}
    hushed = {announcement_of(one.period) for one in coming if one.period.part_of} - said
    if len(coming) < len(steps) or wanted - hushed == said:
        return steps
    return [restated(current), *coming]


def told_before(now: Situation) -> list[NextVersion]:
    """Return the steps after which what is in force announces all that is planned; none where it does so already."""
    current, at = now.in_force, datetime.now(UTC)
    wanted = {announcement_of(one.period) for one in now.waiting if one.starts > at} - {None}
    if current is None or not current.shows(at) or wanted <= set(current.told):
        return []
    return [restated(current), *(NextVersion.again(one) for one in now.waiting)]


def _settled(code: str, now: Situation, step: NextVersion, plans: Plans | None) -> list[NextVersion]:
    """Return the steps of a change, without what is announced before them."""
    overtaken = [version for version in now.waiting if overtakes(step.period, version)]
    if plans == Plans.CANCEL:
        untouched = len(overtaken) < len(now.waiting)
        again = [NextVersion.again(version) for version in now.waiting if version.period.part_of]
        return [*([restated(now.in_force)] if untouched else []), step, *again]
    if overtaken and plans is None:
        listed = ", ".join(f"version {v.version} ({v.op} at {format_time(_start(v))})" for v in overtaken)
        raise Conflict(
            f"{code}: this would take effect before planned versions: {listed}. Say what becomes of it: "
            "plans=cancel (it never comes) or plans=keep (it is planned again after this)"
        )
    return [step, *(NextVersion.again(version) for version in overtaken)]


def require_no_set(code: str, now: Situation) -> None:
    """Raises `Conflict` when a planned version belongs to a set: a set is shown whole or not at all."""
    acts = sorted({version.period.part_of for version in now.waiting if version.period.part_of})
    if acts:
        raise Conflict(f"{code}: a planned version belongs to the set {', '.join(acts)}: cancel the set, or keep plans")


def restated(version: Version | None) -> NextVersion:
    """Repeat what is in force, so that no older planned version can take effect."""
    if version is None or version.op == Op.WITHDRAW:
        return NextVersion(Op.WITHDRAW, None, Period(), EditionState.WITHDRAWN)
    return NextVersion(Op.RELEASE, version.body, Period(None, version.period.expires_at), EditionState.RELEASED)


def returning(versions: Sequence[Version], now: datetime, start: datetime | None) -> list[NextVersion]:
    """Return the steps that bring an edition back from `start` on (None: at once), with what is planned after that."""
    at = max(now, start) if start else now
    current = in_force(versions, at)
    steps = [NextVersion.again(version) for version in planned(versions, at)]
    if current is not None and current.shows(at):
        back = NextVersion(Op.RELEASE, current.body, Period(start, current.period.expires_at), EditionState.RELEASED)
        return [back, *steps]
    return steps


def _version(document: Json) -> Version:
    starts, ends = (
        datetime.fromisoformat(document[name]) if document[name] else None for name in ("effective_at", "expires_at")
    )
    body = document["body"]
    told: tuple[Announcement, ...] = ()
    if body is not None:
        body.pop(SALT, None)
        told = tuple(map(Announcement.model_validate, body.pop(ANNOUNCEMENTS, ())))
    period = Period(starts, ends, document.get("part_of"), announcement_at(told, starts))
    return Version(document["version"], Op(document["op"]), period, body, told)


def _start(version: Version) -> datetime:
    return version.period.effective_at or datetime.min.replace(tzinfo=UTC)

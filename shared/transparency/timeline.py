"""The one rule of time: which version of a key counts at a moment, since when, until when, and what overtook it. Pure.

Sources, ledger, channels, pages and verification ask here and nowhere else. Of the versions whose start has come, the
one with the highest number counts, whatever its op. So a version that was scheduled is overtaken, and never counts,
once a higher one starts no later than it. A version of a set starts no sooner than the act that completes its set was
recorded; before that it has no start. Three dates are told apart: `released_at`, when the source declared the
version; `effective_at`, from when it is said to apply, which may be in the past; and its *start*, from when anybody
could read it: when the ledger recorded it, or the later time set for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from contracts.base import Json
from contracts.envelope.publication import Publication
from contracts.kinds import Op

EVER = datetime.min.replace(tzinfo=UTC)
"""Start of a version that no ledger has recorded yet and that has no time of its own."""

NEVER = datetime.max.replace(tzinfo=UTC)
"""Start of a version whose set is not complete: nobody knows when it will be."""

Completions = Mapping[str, datetime]
"""When the act of a set was recorded, by the act's key. A set that is not complete is absent."""


class OfTime(Protocol):
    """What the rule needs of a version: number, op, start, end (None: none), and whether it was planned ahead."""

    @property
    def version(self) -> int: ...
    @property
    def op(self) -> str: ...
    @property
    def starts(self) -> datetime: ...
    @property
    def ends(self) -> datetime | None: ...
    @property
    def scheduled(self) -> bool: ...


V = TypeVar("V", bound=OfTime)


@dataclass(frozen=True, slots=True)
class Timed:
    """The times of a recorded version. `scheduled`: its time had not come when it was recorded."""

    version: int
    op: str
    starts: datetime
    ends: datetime | None = None
    scheduled: bool = False

    def in_set(self, part_of: str | None, completions: Completions) -> "Timed":
        """Return the times that hold for a version of a set; those of a version on its own do not change."""
        if part_of is None:
            return self
        completed = completions.get(part_of)
        return replace(self, starts=NEVER if completed is None else max(self.starts, completed), scheduled=True)

    @classmethod
    def of(cls, entry: Publication) -> "Timed":
        """Return the times that an entry states itself, see `in_set`."""
        return cls._made(entry.version, entry.op, entry.recorded_at, entry.effective_at, entry.expires_at)

    @classmethod
    def of_json(cls, entry: Json) -> "Timed":
        """Return the times of an entry as the ledger lists it, without its body. See `in_set`."""
        recorded, effective, ends = (
            datetime.fromisoformat(entry[name]) if entry.get(name) else None
            for name in ("recorded_at", "effective_at", "expires_at")
        )
        return cls._made(entry["version"], entry["op"], recorded or EVER, effective, ends)

    @classmethod
    def _made(
        cls, version: int, op: str, recorded: datetime, effective: datetime | None, ends: datetime | None
    ) -> "Timed":
        scheduled = effective is not None and effective > recorded
        return cls(version, op, effective if effective and scheduled else recorded, ends, scheduled)


class Standing(StrEnum):
    """How a version stands at a moment. `DEPARTED`: it would count, but the item that it belongs to does not."""

    NOT_YET = "not_yet"
    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    DEPARTED = "departed"


@dataclass(frozen=True, slots=True)
class Term:
    """In force from, until (None: no end is known), by which version, overtaken by which one (None: by none).

    `from_` is None for a version that was overtaken before its time. `until` also names an end that is still to come:
    its own, the start of the next version, or the end of its item; it is None for an item that has not begun.
    """

    standing: Standing
    version: int
    from_: datetime | None
    until: datetime | None = None
    overtaken_by: int | None = None


def in_force(versions: Iterable[V], at: datetime) -> V | None:
    """Return the version that counts at this moment; None before the first."""
    return max((one for one in versions if one.starts <= at), key=lambda one: one.version, default=None)


def shows(one: OfTime, at: datetime) -> bool:
    """Whether a version shows anything at this moment, provided that it is in force."""
    return one.op == Op.RELEASE and not (one.ends is not None and one.ends <= at)


def stands(versions: Iterable[OfTime], at: datetime) -> bool:
    """Whether a key is shown at this moment: something is in force, does not withdraw and has not ended."""
    current = in_force(versions, at)
    return current is not None and shows(current, at)


def planned(versions: Iterable[V], at: datetime) -> list[V]:
    """Return the versions that will be in force later if nothing else is released, in order."""
    ordered = sorted(versions, key=lambda one: one.version, reverse=True)
    now = in_force(ordered, at)
    alive: list[V] = []
    for one in ordered:
        if one.starts <= at or (now is not None and one.version < now.version):
            continue
        if not any(higher.starts <= one.starts for higher in alive):
            alive.append(one)
    return alive[::-1]


def is_overtaken(one: OfTime, of_key: Iterable[OfTime]) -> bool:
    """Whether a scheduled version never counts, because a newer version of its key starts no later."""
    return one.scheduled and any(other.version > one.version and other.starts <= one.starts for other in of_key)


def moments(now: datetime, *histories: Iterable[OfTime]) -> list[datetime]:
    """Return `now` and every later moment at which one of these histories may show something else, in order."""
    times = {time for versions in histories for one in versions for time in (one.starts, one.ends) if time}
    return [now, *sorted(time for time in times if time > now)]


def term(one: OfTime, of_key: Sequence[OfTime], now: datetime, item: Sequence[OfTime] | None = None) -> Term:
    """Return how one version of a key stands at `now`. `of_key`: all its versions.

    `item`: all versions of the item that it belongs to; None if it belongs to none, empty if nothing is known of it.
    """
    later = [other for other in of_key if other.version > one.version]
    first = min(later, key=lambda other: (other.starts, other.version), default=None)
    since = None if is_overtaken(one, of_key) else one.starts
    if first is not None and first.starts <= now:
        newest = in_force(later, now) or first
        gone = newest.op == Op.WITHDRAW
        end = newest if gone else first
        standing = Standing.WITHDRAWN if gone else Standing.SUPERSEDED
        return Term(standing, one.version, since, end.starts, end.version)
    if one.op == Op.WITHDRAW and one.starts <= now:
        return Term(Standing.WITHDRAWN, one.version, since, one.starts, one.version)
    own = min(filter(None, (one.ends, first.starts if first else None)), default=None)
    if one.starts > now:
        return Term(Standing.NOT_YET, one.version, since, own)
    if not shows(one, now):
        return Term(Standing.EXPIRED, one.version, since, one.ends)
    if item and not stands(item, now):
        return Term(Standing.DEPARTED, one.version, since, _gone_since(item, now))
    departs = next((at for at in moments(now, item or ()) if item and not stands(item, at)), None)
    return Term(Standing.IN_FORCE, one.version, since, min(filter(None, (own, departs)), default=None))


def _gone_since(item: Sequence[OfTime], now: datetime) -> datetime | None:
    """Return since when an item that does not stand at `now` is gone; None: it has not begun."""
    current = in_force(item, now)
    return None if current is None else current.starts if current.op == Op.WITHDRAW else current.ends

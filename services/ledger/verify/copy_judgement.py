"""Judge a copy from all entries of its key, and of the item that a guide belongs to. Pure functions.

The times are judged by `shared.transparency.timeline`, as everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from contracts.base import Json, format_time
from shared.transparency.timeline import NEVER, Completions, Standing, Timed, in_force, term


class CopyStatus(StrEnum):
    """UNKNOWN and ALTERED mean that a copy is not authentic, MISTYPED that nobody can tell; all others that it is.

    The others are those of `Standing`.
    """

    UNKNOWN = "unknown"
    ALTERED = "altered"
    MISTYPED = "mistyped"
    IN_FORCE = Standing.IN_FORCE
    NOT_YET = Standing.NOT_YET
    SUPERSEDED = Standing.SUPERSEDED
    WITHDRAWN = Standing.WITHDRAWN
    EXPIRED = Standing.EXPIRED
    DEPARTED = Standing.DEPARTED


@dataclass(frozen=True, slots=True)
class CopyJudgement:
    """`entry` is the version asked for, `coming` a newer one that starts later.

    `ruling` is the newest version whose start has passed, which may be a withdrawal or have expired; `in_force` is the
    same, or None when nothing is in force.

    `since`: when `entry` ceased to be in force, or from when it is or will be, if that is known. `until`: when a copy
    in force will end, as far as is known. `by`: the version that replaced it. `waits_for_set`: `entry` belongs to a set
    that is not complete, so nobody knows when it will be in force.
    """

    standing: CopyStatus
    entry: Json | None = None
    ruling: Json | None = None
    coming: Json | None = None
    since: str | None = None
    until: str | None = None
    by: int | None = None
    in_force: Json | None = None
    waits_for_set: bool = False

    @property
    def reach(self) -> int:
        """The position up to which the log must be signed for a reader to check this judgement; 0: nothing to check."""
        return max(one["position"] if one else 0 for one in (self.entry, self.ruling))

    @property
    def authentic(self) -> bool:
        """Whether the county has released the copy."""
        return self.standing not in (CopyStatus.UNKNOWN, CopyStatus.ALTERED, CopyStatus.MISTYPED)


def judge(
    versions: Sequence[Json],
    wanted: int | None,
    digest: str,
    now: str,
    item: Sequence[Json] | None = None,
    completions: Completions = MappingProxyType({}),
) -> CopyJudgement:
    """Judge version `wanted` (None: the version in force, else the newest). `digest`: the start of the copy's digest.

    `versions`: every entry of the key without its body, oldest first; `item`: those of a guide's item. `now`: RFC 3339
    as `format_time` writes it. `completions`: of the sets to which any of these entries belongs.
    """
    moment = datetime.fromisoformat(now)
    times = {entry["version"]: _timed(entry, completions) for entry in versions}
    current = in_force(times.values(), moment)
    ruling = next((entry for entry in versions if current and entry["version"] == current.version), None)
    if wanted is None:
        entry = ruling or (versions[-1] if versions else None)
    else:
        entry = next((entry for entry in versions if entry["version"] == wanted), None)
    of_item = None if item is None else [_timed(one, completions) for one in item]
    rules = ruling and term(times[ruling["version"]], list(times.values()), moment, of_item).standing
    valid = ruling if rules == Standing.IN_FORCE else None
    if entry is None:
        return CopyJudgement(CopyStatus.UNKNOWN, ruling=ruling, in_force=valid)
    later = (
        one for one in versions if moment < times[one["version"]].starts < NEVER and one["version"] > entry["version"]
    )
    coming = next(later, None)
    if not entry["digest"].startswith(digest):
        return CopyJudgement(CopyStatus.ALTERED, entry, ruling, coming, in_force=valid)
    found = term(times[entry["version"]], list(times.values()), moment, of_item)
    running = found.standing in (Standing.IN_FORCE, Standing.NOT_YET)
    since, until = (found.from_, found.until) if running else (found.until, None)
    by = None if running else found.overtaken_by
    waits = since == NEVER
    return CopyJudgement(
        CopyStatus(found.standing), entry, ruling, coming, _told(since), _told(until), by, valid, waits_for_set=waits
    )


def _told(moment: datetime | None) -> str | None:
    return None if moment is None or moment == NEVER else format_time(moment)


def _timed(entry: Json, completions: Completions) -> Timed:
    return Timed.of_json(entry).in_set(entry.get("part_of"), completions)

"""Judge a copy from all entries of its key. Pure functions.

As in the channels, the highest version whose start has passed is in force, and a lower one never returns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from contracts.base import Json
from contracts.envelope.publication import Op


class CopyStatus(StrEnum):
    """UNKNOWN and ALTERED mean that a copy is not authentic, MISTYPED that nobody can tell; all others that it is."""

    UNKNOWN = "unknown"
    ALTERED = "altered"
    MISTYPED = "mistyped"
    IN_FORCE = "in_force"
    NOT_YET = "not_yet"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class CopyJudgement:
    """`entry` is the version asked for, `ruling` the version in force, `coming` a newer one that starts later.

    `since`: when `entry` ceased to be in force, or from when it is or will be; `by`: the version that replaced it.
    """

    standing: CopyStatus
    entry: Json | None = None
    ruling: Json | None = None
    coming: Json | None = None
    since: str | None = None
    by: int | None = None

    @property
    def authentic(self) -> bool:
        """Whether the county has released the copy."""
        return self.standing not in (CopyStatus.UNKNOWN, CopyStatus.ALTERED, CopyStatus.MISTYPED)


def judge(versions: Sequence[Json], wanted: int | None, digest: str, now: str) -> CopyJudgement:
    """Judge version `wanted` (None: the version in force, else the newest). `digest`: the start of the copy's digest.

    `versions`: every entry of the key without its body, oldest first. `now`: RFC 3339 as `format_time` writes it.
    """
    due = [entry for entry in versions if start(entry) <= now]
    ruling = due[-1] if due else None
    if wanted is None:
        entry = ruling or (versions[-1] if versions else None)
    else:
        entry = next((entry for entry in versions if entry["version"] == wanted), None)
    if entry is None:
        return CopyJudgement(CopyStatus.UNKNOWN, ruling=ruling)
    coming = next((one for one in versions if start(one) > now and one["version"] > entry["version"]), None)
    if not entry["digest"].startswith(digest):
        return CopyJudgement(CopyStatus.ALTERED, entry, ruling, coming)
    standing, since, by = _standing(entry, due, now)
    return CopyJudgement(standing, entry, ruling, coming, since, by)


def start(entry: Json) -> str:
    """Return when an entry takes effect: when it was recorded, or the later time set for it."""
    return str(max(entry["recorded_at"], entry["effective_at"] or ""))


def _standing(entry: Json, due: Sequence[Json], now: str) -> tuple[CopyStatus, str | None, int | None]:
    successors = [later for later in due if later["version"] > entry["version"]]
    if successors:
        newest = due[-1]
        if newest["op"] == Op.WITHDRAW:
            return CopyStatus.WITHDRAWN, start(newest), newest["version"]
        first = min(successors, key=start)
        return CopyStatus.SUPERSEDED, start(first), first["version"]
    if start(entry) > now:
        return CopyStatus.NOT_YET, start(entry), None
    if entry["op"] == Op.WITHDRAW:
        return CopyStatus.WITHDRAWN, start(entry), entry["version"]
    if entry["expires_at"] and entry["expires_at"] <= now:
        return CopyStatus.EXPIRED, entry["expires_at"], None
    return CopyStatus.IN_FORCE, start(entry), None

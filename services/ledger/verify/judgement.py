"""What a copy is worth today, judged from all entries of its key. Pure.

As in the channels: of the versions whose time has come, the highest counts, and a lower one never comes back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from contracts.base import Json
from contracts.publication import Op


class Standing(StrEnum):
    """The first two say that a copy is not authentic; all others that it is."""

    UNKNOWN = "unknown"
    ALTERED = "altered"
    IN_FORCE = "in_force"
    NOT_YET = "not_yet"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Judgement:
    """`entry` is the version asked for, `ruling` the one that counts now, `coming` a newer one whose time comes yet.

    `since` is when `entry` stopped counting, or from when on it will; `by` the version that took its place.
    """

    standing: Standing
    entry: Json | None = None
    ruling: Json | None = None
    coming: Json | None = None
    since: str | None = None
    by: int | None = None

    @property
    def authentic(self) -> bool:
        """The county has released it."""
        return self.standing not in (Standing.UNKNOWN, Standing.ALTERED)


def judge(versions: Sequence[Json], wanted: int | None, digest: str, now: str) -> Judgement:
    """Judge version `wanted` (None: the one that counts, else the newest); `digest` is how that of the copy begins.

    `versions`: every entry of the key without its body, oldest first. `now`: RFC 3339 as `format_time` writes it.
    """
    due = [entry for entry in versions if start(entry) <= now]
    ruling = due[-1] if due else None
    if wanted is None:
        entry = ruling or (versions[-1] if versions else None)
    else:
        entry = next((entry for entry in versions if entry["version"] == wanted), None)
    if entry is None:
        return Judgement(Standing.UNKNOWN, ruling=ruling)
    coming = next((one for one in versions if start(one) > now and one["version"] > entry["version"]), None)
    if not entry["digest"].startswith(digest):
        return Judgement(Standing.ALTERED, entry, ruling, coming)
    standing, since, by = _standing(entry, due, now)
    return Judgement(standing, entry, ruling, coming, since, by)


def start(entry: Json) -> str:
    """From when on it counts: when it was recorded, or the later time set for it."""
    return str(max(entry["recorded_at"], entry["effective_at"] or ""))


def _standing(entry: Json, due: Sequence[Json], now: str) -> tuple[Standing, str | None, int | None]:
    successors = [later for later in due if later["version"] > entry["version"]]
    if successors:
        newest = due[-1]
        if newest["op"] == Op.WITHDRAW:
            return Standing.WITHDRAWN, start(newest), newest["version"]
        first = min(successors, key=start)
        return Standing.SUPERSEDED, start(first), first["version"]
    if start(entry) > now:
        return Standing.NOT_YET, start(entry), None
    if entry["op"] == Op.WITHDRAW:
        return Standing.WITHDRAWN, start(entry), entry["version"]
    if entry["expires_at"] and entry["expires_at"] <= now:
        return Standing.EXPIRED, entry["expires_at"], None
    return Standing.IN_FORCE, start(entry), None

"""Which version of a key is in force at a moment, and which ones are planned. Pure functions.

Every channel follows this rule: of the versions whose start has come, the one with the highest number counts, whatever
its op. So a planned version is overtaken, and is never shown, once a higher one starts no later than it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.base import Json
from contracts.envelope.publication import Op
from shared.publishing.editions.model import Period


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a key. `body` is None when it withdraws."""

    version: int
    op: Op
    period: Period
    body: Json | None = None

    def started(self, at: datetime) -> bool:
        """Whether its start has come."""
        return self.period.effective_at is None or self.period.effective_at <= at

    def shows(self, at: datetime) -> bool:
        """Whether it shows anything at this moment, provided that it is in force."""
        ended = self.period.expires_at is not None and self.period.expires_at <= at
        return self.op == Op.RELEASE and not ended


def in_force(versions: Sequence[Version], at: datetime) -> Version | None:
    """Return the version that counts at this moment; None before the first."""
    return max((one for one in versions if one.started(at)), key=lambda one: one.version, default=None)


def planned(versions: Sequence[Version], at: datetime) -> list[Version]:
    """Return the versions that will be in force later if nothing else is released, in order."""
    now = in_force(versions, at)
    alive: list[Version] = []
    for one in sorted(versions, key=lambda one: one.version, reverse=True):
        if one.started(at) or (now is not None and one.version < now.version):
            continue
        if not any(overtakes(higher.period, one) for higher in alive):
            alive.append(one)
    return alive[::-1]


def overtakes(period: Period, planned_version: Version) -> bool:
    """Whether a higher version with this period starts no later than the planned one."""
    start = planned_version.period.effective_at
    return period.effective_at is None or (start is not None and period.effective_at <= start)

"""A version as a source knows it, for `shared.transparency.timeline`. Pure."""

from dataclasses import dataclass
from datetime import datetime

from contracts.base import Json
from contracts.content.announcements import Announcement
from contracts.envelope.publication import Op
from shared.publishing.editions.model import Period
from shared.transparency.timeline import EVER, shows


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a key. `body` is None when it withdraws. `told`: what its released body announces."""

    version: int
    op: Op
    period: Period
    body: Json | None = None
    told: tuple[Announcement, ...] = ()

    @property
    def starts(self) -> datetime:
        """When it takes effect; the beginning of time for at once, since a source does not know the recording."""
        return self.period.effective_at or EVER

    @property
    def ends(self) -> datetime | None:
        return self.period.expires_at

    @property
    def scheduled(self) -> bool:
        return self.period.effective_at is not None

    def shows(self, at: datetime) -> bool:
        """Whether it shows anything at this moment, provided that it is in force."""
        return shows(self, at)


def overtakes(period: Period, planned_version: Version) -> bool:
    """Whether a higher version with this period starts no later than the planned one."""
    return (period.effective_at or EVER) <= planned_version.starts

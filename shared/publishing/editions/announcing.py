"""What the versions of an edition announce of those after them. Pure.

The body of a version carries its own announcement, and those of the versions that are planned after it. So what is in
force announces what is planned; and a plan that is repeated, cancelled or overtaken takes its announcement with it,
because what is in force is then repeated, or replaced, in the same transaction.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from contracts.base import Json
from contracts.content.announcements import MOST_ANNOUNCEMENTS, Announcement, AnnouncementText
from shared.publishing.editions.model import Period


class Step(Protocol):
    """See `shared.publishing.editions.steps.NextVersion`."""

    @property
    def period(self) -> Period: ...
    @property
    def starts(self) -> datetime: ...
    @property
    def carried(self) -> tuple[Announcement, ...]: ...


def announcement_of(period: Period) -> Announcement | None:
    """Return what is told of a version until it begins; None for nothing."""
    words, until = period.announcement, period.effective_at
    return None if words is None or until is None else Announcement(**words.model_dump(), until=until)


def announcement_at(told: Iterable[Announcement], starts: datetime | None) -> AnnouncementText | None:
    """Return, of what the body of a version announces, what was told of that version itself."""
    own = next((one for one in told if one.until == starts), None)
    return None if own is None else AnnouncementText(text=own.text, text_en=own.text_en)


def announcements(step: Step, steps: Sequence[Step]) -> list[Json]:
    """Return what the body of one of these steps announces, as JSON: of itself and of what comes later, in order."""
    coming = {announcement_of(one.period) for one in steps if one.starts >= step.starts}
    found = sorted({one for one in (*coming, *step.carried) if one is not None}, key=lambda one: (one.until, one.text))
    return [one.model_dump(mode="json", exclude_none=True) for one in found[:MOST_ANNOUNCEMENTS]]

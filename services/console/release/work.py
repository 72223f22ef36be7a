"""What the routes of releasing share, and the work that goes on without a request."""

from collections.abc import Callable
from dataclasses import dataclass

from services.console.desk import Desk
from services.console.release.previews import Previews
from services.console.release.receipts import Receipts
from services.console.release.sets import Sets


@dataclass(frozen=True)
class Releasing:
    """Sets, receipts and previews of one desk."""

    desk: Desk
    sets: Sets
    receipts: Receipts
    previews: Previews

    @classmethod
    def of(cls, desk: Desk) -> "Releasing":
        return cls(
            desk,
            Sets(desk.db, desk.services),
            Receipts(desk.db, desk.services, desk.channels),
            Previews(desk.db, desk.services, desk.channels),
        )


def work_of(releasing: Releasing) -> dict[str, Callable[[], object]]:
    """Return the rounds that are made again and again, by name."""
    return {"sets": releasing.sets.advance, "receipts": releasing.receipts.advance}

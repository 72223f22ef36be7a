"""What the routes of releasing share, and the rounds that are made without a request."""

from dataclasses import dataclass
from functools import partial

from services.console.desk import Desk
from services.console.receipts.feeds import READ_FROM, ReleaseFeeds
from services.console.receipts.receipts import Receipts
from services.console.release.previews import Previews
from services.console.release.sets import Sets
from services.console.rounds import Round

STEP_SECONDS, IDLE_SECONDS = 0.1, 5.0
"""Between two steps of an open set; without one, until the store is asked again although nothing was written."""


@dataclass(frozen=True)
class Releasing:
    """Sets, receipts and previews of one desk."""

    desk: Desk
    sets: Sets
    receipts: Receipts
    feeds: ReleaseFeeds
    previews: Previews

    @classmethod
    def of(cls, desk: Desk) -> "Releasing":
        return cls(
            desk,
            Sets(desk.db, desk.services),
            Receipts(desk.db, desk.services, desk.channels),
            ReleaseFeeds(desk.db, desk.services),
            Previews(desk.db, desk.services, desk.channels),
        )

    def advance_sets(self) -> float:
        """Take a step of every open set. Return when to look again."""
        if not self.sets.open_acts():
            return IDLE_SECONDS
        self.sets.advance()
        return STEP_SECONDS

    def advance_receipts(self) -> float:
        """Look at the receipts whose time has come. Return when to look again."""
        self.receipts.advance()
        return self.receipts.pause


def rounds_of(releasing: Releasing) -> tuple[Round, ...]:
    """Return the rounds of releasing."""
    db = releasing.desk.db
    return (
        Round.on_writes("sets", db, releasing.advance_sets),
        Round.on_writes("receipts", db, releasing.advance_receipts),
        *(Round(f"releases-{source}", partial(releasing.feeds.follow, source)) for source in READ_FROM),
    )

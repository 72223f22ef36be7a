"""What waits for a person: unsaved work, plans of the coming days, releases that are late, imports to be decided.

Each part is read on its own: a service that does not answer leaves its part unknown, and the others as they are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from contracts.base import Json
from services.console.areas import RELEASE_READERS
from services.console.drafts.working_copies import WorkingCopies
from services.console.imports.roles import READERS as IMPORT_READERS
from services.console.imports.upstream import ImportsUpstream
from services.console.release.plans import calendar
from services.console.release.work import Releasing
from services.console.reviews.reading import ReviewDesk
from shared.errors import TongyuanError
from shared.publishing.reviews.roles import TAKING_OFF
from shared.tokens.person import Person, StaffRole

COMING = timedelta(days=7)
MOST_SETS = 200
IMPORTS_READ = 50
DECIDED = ("run", "undo")
"""Kinds of jobs after which an uploaded list waits for nobody."""


@dataclass(frozen=True)
class Waiting:
    """Reads what waits. It writes nothing."""

    copies: WorkingCopies
    releasing: Releasing
    imports: ImportsUpstream
    reviews: ReviewDesk

    def of(self, person: Person) -> Json:
        """Return each part that concerns the person's roles, by name; null: unknown, its service does not answer.

        Parts: `working_copies`, `late` (receipts and sets that a channel does not show in time), `plans` of the next
        seven days, `reviews` (see `ReviewDesk.queues`; {} in a county without), `imports` whose preview waits for a
        decision.
        """
        parts: dict[str, tuple[bool, Callable[[], object]]] = {
            "late": (_has(person, RELEASE_READERS), self._late),
            "working_copies": (_has(person, (StaffRole.EDITOR,)), lambda: self.copies.of(person)),
            "plans": (_has(person, RELEASE_READERS), lambda: self._plans(person)),
            "reviews": (True, lambda: self._reviews(person)),
            "imports": (_has(person, IMPORT_READERS), lambda: self._imports(person)),
        }
        return {name: _or_unknown(read) for name, (wanted, read) in parts.items() if wanted}

    def _late(self) -> Json:
        sets = [one for one in self.releasing.sets.listed(MOST_SETS) if one["late"]]
        return {"receipts": self.releasing.receipts.notices(), "sets": sets}

    def _plans(self, person: Person) -> list[Json]:
        until = datetime.now(UTC) + COMING
        planned = calendar(self.releasing.desk.services, person)
        return [one for one in planned if datetime.fromisoformat(one["at"]) <= until]

    def _reviews(self, person: Person) -> Json:
        if not self.reviews.reviews.is_needed(person):
            return {}
        found = self.reviews.queues(person)
        mine = ("mine", "returned", "afterwards") + (("approved",) if StaffRole.RELEASER in person.roles else ())
        second = ("second",) if _has(person, TAKING_OFF) else ()
        return {name: found[name] for name in mine + second}

    def _imports(self, person: Person) -> list[Json]:
        listed = self.imports.listed(person, limit=IMPORTS_READ)
        return [one for one in listed if one["jobs"] and one["jobs"][-1]["kind"] not in DECIDED]


def _has(person: Person, roles: tuple[StaffRole, ...]) -> bool:
    return bool(person.roles & set(roles))


def _or_unknown(read: Callable[[], object]) -> object:
    try:
        return read()
    except TongyuanError:
        return None

"""Submit for review: the drafts of one code, or the members of a set. Each source reviews its own share."""

from dataclasses import dataclass
from datetime import datetime

from contracts.base import Json, format_time
from services.console.content.shape import ContentKind
from services.console.reviews.upstream import Reviews
from services.console.upstream.editions import PLACES, Editions
from shared.errors import Conflict
from shared.tokens.person import Person


@dataclass(frozen=True)
class Submitting:
    """What is submitted is what the person has seen: each draft at its revision."""

    reviews: Reviews
    editions: Editions

    def code(self, person: Person, code: str, note: str | None) -> list[Json]:
        """Submit the changed drafts of item and guide, at once. Return their reviews.

        Raises `Conflict` when neither differs from what is released, and what the sources say.
        """
        made = []
        for kind, (source, _) in PLACES.items():
            edition = self.editions.find(kind, code, person)
            if edition is None or not (edition.draft_changed or edition.state != "released"):
                continue
            member = {"code": code, "op": "release", "revision": int(edition.etag.partition("-")[0])}
            made.append(self.reviews.submit(person, source, [member], note, as_set=False))
        if not made:
            raise Conflict("事项和办事指南都与已发布的相同，不必送审")
        return made

    def plan(self, person: Person, kind: ContentKind, code: str, revision: int, asked: Json, note: str | None) -> Json:
        """Submit a draft that is to replace what is planned, which stands; `asked`: times and announcement."""
        member = {"code": code, "op": "release", "revision": revision, **asked}
        return self.reviews.submit(person, PLACES[kind][0], [member], note, as_set=False)

    def members(
        self, person: Person, members: dict[str, list[Json]], effective_at: datetime | None, note: str | None
    ) -> list[Json]:
        """Submit the members of a set, by source, for the time at which they will be released."""
        at = None if effective_at is None else format_time(effective_at)
        return [
            self.reviews.submit(person, source, [{**one, "effective_at": at} for one in some], note, as_set=True)
            for source, some in members.items()
        ]

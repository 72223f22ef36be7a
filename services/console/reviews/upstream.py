"""The reviews of both sources, read and signed as a person. A review is named by its source and its number there."""

from collections.abc import Iterator, Mapping
from typing import Any

from contracts.base import Json
from contracts.content.gates import Gate
from services.console.content.shape import ContentKind
from services.console.reviews.delegations import Signer
from services.console.upstream.editions import PLACES
from services.console.upstream.services import Services
from shared.errors import TongyuanError
from shared.tokens.person import Person

REVIEWED = tuple(source for source, _ in PLACES.values())
SOURCE_KINDS: Mapping[str, ContentKind] = {source: kind for kind, (source, _) in PLACES.items()}
FIVE = "five"
PAGE, MOST_PAGES = 200, 20


class Reviews:
    """Every method raises what `Services.send` raises."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._needed: bool | None = None

    def is_needed(self, person: Person) -> bool:
        """Whether this county releases only what was reviewed: it keeps the policy with which it was born."""
        if self._needed is None:
            told = self.services.get(REVIEWED[0], "reviews/figures", person).content
            self._needed = bool(told["policy"] == FIVE)
        return self._needed

    def is_known_to_be_needed(self, person: Person) -> bool:
        """The same; False as well while the source does not answer, for what a page only offers."""
        try:
            return self.is_needed(person)
        except TongyuanError:
            return False

    def figures(self, person: Person) -> Json:
        """Return policy, open reviews by gate and turn-around times, by source."""
        return {source: self.services.get(source, "reviews/figures", person).content for source in REVIEWED}

    def listed(self, person: Person, **wanted: Any) -> list[Json]:
        """Return the reviews of both sources, longest waiting first; `wanted`: `state`, `gate`, `code`, `kind`."""
        found = [one for source in REVIEWED for one in self._of(source, person, wanted)]
        return sorted(found, key=lambda one: str(one["submitted_at"]))

    def read(self, person: Person, source: str, number: int) -> Json:
        """Return one review with its bodies."""
        return {**self.services.get(source, f"reviews/{number}", person).content, "source": source}

    def members(self, person: Person, source: str, number: int, after: str) -> Json:
        """Return more members of a large review, and the key to go on after."""
        found: Json = self.services.get(source, f"reviews/{number}/members", person, after=after).content
        return found

    def of_draft(self, person: Person, source: str, code: str) -> Json | None:
        """Return the review of the draft of one code that may still lead to its release, alone or in a set."""
        if not self.is_needed(person):
            return None
        found = [one for one in self._of(source, person, {"code": code}) if one["kind"] in ("edition", "set")]
        alive = [one for one in found[::-1] if one["state"] in ("open", "approved")]
        releasing = {"code": code, "op": "release"}.items()
        return next((one for one in alive if any(releasing <= member.items() for member in one["members"])), None)

    def submit(self, person: Person, source: str, members: list[Json], note: str | None, *, as_set: bool) -> Json:
        """Submit drafts and withdrawals of one source, to be reviewed as one."""
        asked = {"members": members, "kind": "set" if as_set else "edition", "note": note}
        return {**self.services.post(source, "reviews", person, asked).content, "source": source}

    def sign(self, signer: Signer, source: str, number: int, gate: Gate, asked: Json) -> Json:
        """Say at one gate that the review passes or returns. `asked`: verdict, opinion, overrides, digest."""
        sent = {**asked, "on_behalf_of": signer.on_behalf_of}
        path = f"reviews/{number}/gates/{gate}"
        return {**self.services.post(source, path, signer.person, sent).content, "source": source}

    def take_back(self, person: Person, source: str, number: int) -> Json:
        """Close a review of which nothing is released."""
        return {**self.services.delete(source, f"reviews/{number}", person).content, "source": source}

    def withdraw_urgently(self, person: Person, source: str, asked: Json) -> Json:
        """Withdraw before the review: at once as a duty officer, else once a second person confirms it."""
        return {**self.services.post(source, "reviews/urgent", person, asked).content, "source": source}

    def confirm(self, person: Person, source: str, number: int) -> Json:
        """Confirm an urgent withdrawal as the second person."""
        return {**self.services.post(source, f"reviews/{number}/second", person).content, "source": source}

    def _of(self, source: str, person: Person, wanted: Json) -> Iterator[Json]:
        after: int | None = 0
        for _ in range(MOST_PAGES):
            if after is None:
                return
            answer = self.services.get(source, "reviews", person, **wanted, after=after, limit=PAGE).content
            yield from ({**one, "source": source} for one in answer["reviews"])
            after = answer["next"]

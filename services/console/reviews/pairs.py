"""What an item and its guide state differently, as findings of a review: settled by editing, or overridden.

Neither source has both texts, so the desk compares them: when a review is shown, and again when 政策关 is signed. Only
the desk makes the tokens with which persons sign, so no signature goes around the comparison.
"""

from dataclasses import dataclass

from contracts.base import Json
from contracts.content.gates import Gate
from contracts.content.guides import Guide
from contracts.content.item_and_guide import Differing, between
from contracts.content.items import Item
from services.console.content.shape import ContentKind
from services.console.drafts.checks import tolerant
from services.console.reviews.upstream import SOURCE_KINDS, Reviews
from services.console.upstream.editions import PLACES, Editions
from shared.publishing.reviews.findings.finding import ReviewFinding
from shared.tokens.person import Person
from shared.transparency.canonical import digest

MOST_COMPARED = 20
"""Members of a review that are compared: each asks the other source, and an import may have thousands."""

RULE = "item_and_guide"
GATE = Gate.POLICY


@dataclass(frozen=True)
class Pairs:
    """Compares the members of a review with the other document of their code."""

    reviews: Reviews
    editions: Editions

    def compares(self, review: Json) -> bool:
        """Whether the review is small enough."""
        return bool(review["member_count"] <= MOST_COMPARED)

    def findings(self, person: Person, review: Json) -> list[Json]:
        """Return what the members and their other documents state differently; `review` with `source` and bodies.

        As the findings of a source, and `other`: key and digest of the body with which a member was compared.
        """
        if not self.compares(review):
            return []
        kind = SOURCE_KINDS[review["source"]]
        changed = [one for one in review["members"] if one["op"] == "release"]
        return [finding for one in changed for finding in self._of_member(person, kind, one)]

    def _of_member(self, person: Person, kind: ContentKind, member: Json) -> list[Json]:
        other_kind = ContentKind.GUIDE if kind is ContentKind.ITEM else ContentKind.ITEM
        other = self._other(person, other_kind, member["code"])
        if other is None:
            return []
        bodies = {kind: member["body"], other_kind: other}
        item, guide = (tolerant(one, bodies[one]) for one in (ContentKind.ITEM, ContentKind.GUIDE))
        if not isinstance(item, Item) or not isinstance(guide, Guide):
            return []
        compared = {"key": f"{other_kind.value}:{member['code']}", "digest": digest(other)}
        found = (_finding(kind, member["code"], one) for one in between(item, guide))
        return list({one["id"]: {**one, "other": compared} for one in found}.values())

    def _other(self, person: Person, kind: ContentKind, code: str) -> Json | None:
        """Return the other document: its draft while that is under review, else as it is released."""
        edition = self.editions.find(kind, code, person)
        if edition is None:
            return None
        is_reviewed = self.reviews.of_draft(person, PLACES[kind][0], code) is not None
        return edition.draft if is_reviewed else (edition.in_force or edition.draft)


def _finding(kind: ContentKind, code: str, said: Differing) -> Json:
    # The same name in the reviews of both documents, whichever field each of them calls it by.
    found = ReviewFinding(GATE, code, said.fact, RULE, f"事项和办事指南说法不一：{said.words}", said.words)
    field = said.fact if kind is ContentKind.ITEM else said.place
    return {**found.as_json(), "field": field, "text": ""}

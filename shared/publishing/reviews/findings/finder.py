"""Apply every rule to one body that is submitted for review."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import ValidationError

from contracts.base import Json
from contracts.content.gates import Gate
from contracts.content.guides import Guide
from contracts.content.items import Item
from shared.publishing.fact_check import unread_words
from shared.publishing.guide_linter.finding import REPEALED, Subject
from shared.publishing.guide_linter.linter import lint
from shared.publishing.reviews.findings.finding import BodyText, ReviewFinding, texts_of
from shared.publishing.reviews.findings.legal import basis_of, repealed_in
from shared.publishing.reviews.findings.secrecy import secrets_in
from shared.publishing.reviews.findings.word_lists import WordLists
from shared.publishing.reviews.findings.wording import listed_words_in, slips_in
from shared.text.local_midnight import today

GATE_OF_RULE = {"G-11": Gate.POLICY, "G-16": Gate.LEGAL}
"""The gate of a rule of the guide linter; of all others: 文字关."""

UNWRITTEN = "G-17"


@dataclass(frozen=True)
class Finder:
    """Finds what reviewers must look at. `model`: of the bodies, an item's or a guide's."""

    model: type[Item] | type[Guide]
    lists: WordLists = field(default_factory=WordLists)

    def findings(self, code: str, body: Json | None) -> list[Json]:
        """Return the findings of a body, each once; nothing for what leaves the channels."""
        if body is None:
            return []
        found = {one.id: one.as_json() for one in self._found(code, body)}
        return list(found.values())

    def _found(self, code: str, body: Json) -> Iterator[ReviewFinding]:
        for text in texts_of(body):
            yield from secrets_in(code, text)
            yield from slips_in(code, text)
            yield from listed_words_in(code, text, self.lists)
            yield from repealed_in(code, text, self._repealed)
        try:
            content = self.model.model_validate(body, extra="ignore")
        except ValidationError:
            # A body of an older form is released again as it is; only its words are looked at.
            return
        yield from self._of_content(code, content)

    def _of_content(self, code: str, content: Item | Guide) -> Iterator[ReviewFinding]:
        item = content if isinstance(content, Item) else None
        guide = content if isinstance(content, Guide) else None
        if item is not None:
            yield from basis_of(item)
        for one in lint(Subject(item, guide, today(datetime.now(UTC)), self._repealed)):
            if one.rule == UNWRITTEN:
                continue  # `slips_in` has read every text for it
            gate = GATE_OF_RULE.get(one.rule, Gate.TEXT)
            yield ReviewFinding(gate, code, one.field, one.rule, f"{one.message}；{one.remedy}")
        for told in unread_words(content):
            told_of = BodyText(str(told["field"]), str(told["value"] or ""))
            message = f"与旁边的字段无法比较：{told['message']}"
            yield ReviewFinding(Gate.POLICY, code, told_of.field, "unread_fact", message, told_of.text)

    @property
    def _repealed(self) -> dict[str, str]:
        return {**REPEALED, **self.lists.repealed}

"""Find facts that released items and guides state more than once, and differently.

Inside one item or guide (`contracts.content.fact_pairs`), between an item and its guide, and between guides that quote
the same window, telephone number or fee. Only the newest released versions count. A person decides which is right.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pydantic import ValidationError

from contracts.base import Json
from contracts.content import figures
from contracts.content.fact_pairs import TwiceTold, contradictions, counts_materials, unreadable, yuan
from contracts.content.guide_quotes import QuotedFact, quotes
from contracts.content.guides import Guide
from contracts.content.item_and_guide import between
from contracts.content.items import Item
from contracts.envelope.publication import Kind, Op, Release
from services.operations.unstated_facts import FactsReader, newest

MOST_KEYS = 20
FEE_WORDS = re.compile(r"收费|多少钱|费用|交钱|要钱|\bfees?\b|\bcosts?\b|\bcharges?\b")


@dataclass(frozen=True, slots=True)
class RepeatedFact:
    """One fact in several places. `differs`: the places contradict each other; otherwise a person must read the words.

    `between`: `inside` one body, `item_guide`, or `guides`. `keys`: where, the first `MOST_KEYS`; `count`: in all.
    """

    between: str
    fact: str
    keys: list[str]
    message: str
    differs: bool = True
    count: int = 0

    def as_json(self) -> Json:
        """Return it for a script."""
        return {
            "between": self.between,
            "fact": self.fact,
            "keys": self.keys[:MOST_KEYS],
            "count": self.count or len(self.keys),
            "message": self.message,
            "differs": self.differs,
        }


@dataclass
class _Released:
    """The newest released bodies, by code."""

    items: dict[str, Item] = field(default_factory=dict)
    guides: dict[str, Guide] = field(default_factory=dict)


def repeated_facts(reader: FactsReader) -> list[RepeatedFact]:
    """Read every item and guide in force or planned, and return what they repeat: what differs first."""
    released = _Released()
    for source in ("catalog", "guides"):
        for release in newest(reader, source):
            if release.op == Op.RELEASE:
                _add(released, release)
    found = [*_inside(released), *_between_item_and_guide(released), *_between_guides(released.guides)]
    return sorted(found, key=lambda one: not one.differs)


def as_json(found: list[RepeatedFact]) -> Json:
    """Return the answer of the HTTP address and of `facts --json`."""
    return {"differs": sum(one.differs for one in found), "facts": [one.as_json() for one in found]}


def _add(released: _Released, release: Release) -> None:
    """Take a body of any version; `verify` reports one that cannot be parsed."""
    code = release.key.partition(":")[2]
    try:
        if release.kind == Kind.ITEM:
            released.items[code] = Item.model_validate(release.body, extra="ignore")
        elif release.kind == Kind.GUIDE:
            released.guides[code] = Guide.model_validate(release.body, extra="ignore")
    except ValidationError:
        return


def _inside(released: _Released) -> Iterator[RepeatedFact]:
    for kind, bodies in (("item", released.items), ("guide", released.guides)):
        for code, content in bodies.items():
            pairs: Iterable[TwiceTold] = [*contradictions(content), *unreadable(content)]
            for pair in pairs:
                message = f"{pair.words} {pair.message}"
                yield RepeatedFact("inside", pair.words, [f"{kind}:{code}"], message, differs=pair.contradicts)
    for code, guide in released.guides.items():
        for message in (*_answers_about_fees(guide), *_answers_about_materials(guide)):
            yield RepeatedFact("inside", "questions", [f"guide:{code}"], message)


def _answers_about_fees(guide: Guide) -> Iterator[str]:
    known = {fee.amount_fen for fee in guide.fees}
    for index, one in enumerate(guide.questions):
        read = figures.amount(one.answer) if FEE_WORDS.search(one.question.lower()) else figures.NOTHING
        if read.value is not None and known and None not in known and read.value not in known:
            stated = ", ".join(yuan(fen) for fen in sorted(fen for fen in known if fen is not None))
            yield f"questions.{index}.answer says {one.answer!r}, but the fees are {stated}"


def _answers_about_materials(guide: Guide) -> Iterator[str]:
    for index, one in enumerate(guide.questions if guide.materials else ()):
        read = figures.materials(one.answer)
        if read.value is not None and not counts_materials(guide, read):
            listed = len(guide.materials or ())
            yield f"questions.{index}.answer says {one.answer!r}, but the guide lists {listed} materials"


def _between_item_and_guide(released: _Released) -> Iterator[RepeatedFact]:
    for code in sorted(released.items.keys() & released.guides.keys()):
        for one in between(released.items[code], released.guides[code]):
            yield RepeatedFact("item_guide", one.fact, [f"item:{code}", f"guide:{code}"], one.message)


def _between_guides(guides: dict[str, Guide]) -> Iterator[RepeatedFact]:
    said: dict[tuple[QuotedFact, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for code in sorted(guides):
        found = ((one.fact, one.what, one.value) for one in quotes(guides[code].model_dump(mode="json")))
        for fact, what, value in dict.fromkeys(found):
            said[fact, what][value].append(f"guide:{code}")
    for fact in QuotedFact:
        for (quoted, what), values in said.items():
            if quoted == fact and len({key for keys in values.values() for key in keys}) > 1 < len(values):
                yield _differing(fact, what, values)


def _differing(fact: QuotedFact, what: str, values: dict[str, list[str]]) -> RepeatedFact:
    keys = list(dict.fromkeys(key for found in values.values() for key in found))
    told = "; ".join(f"{value} ({len(found)} guides, such as {found[0]})" for value, found in values.items())
    return RepeatedFact("guides", fact, keys, f"{what}: {told}", count=len(keys))

"""Find facts that released items and guides state more than once, and differently.

Inside one item or guide (`contracts.content.fact_pairs`), between an item and its guide, and between guides that quote
the same window, telephone number or fee. Only the newest released versions count. A person decides which is right.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from pydantic import ValidationError

from contracts.base import Json
from contracts.content import figures
from contracts.content.fact_pairs import TwiceTold, contradictions, counts_materials, unreadable, yuan
from contracts.content.guides import Guide
from contracts.content.items import Item
from contracts.envelope.publication import Kind, Op, Release
from services.operations.unstated_facts import FactsReader, newest

MOST_KEYS = 20
LEAST_DIGITS = 7
"""Shorter telephone numbers, such as 12345 and 110, are everybody's."""

ONLINE_WORDS = re.compile(r"网上申请|网上提交|网上申报|在线申请|在线提交|全程网办|apply online|submit online")
FEE_WORDS = re.compile(r"收费|多少钱|费用|交钱|要钱|\bfees?\b|\bcosts?\b|\bcharges?\b")
HANDLED_ONLINE = "5"
"""网上办理深度: from 办理 on, an application can be decided without a visit."""


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
        item, guide = released.items[code], released.guides[code]
        for compare in (_names, _fees, _limits, _visits, _online):
            for fact, message in compare(item, guide):
                yield RepeatedFact("item_guide", fact, [f"item:{code}", f"guide:{code}"], message)


def _names(item: Item, guide: Guide) -> Iterator[tuple[str, str]]:
    for name in ("task_name", "dept_name"):
        ours, theirs = getattr(item, name), getattr(guide, name)
        if _compact(ours) != _compact(theirs):
            yield name, f"the item's {name} is {ours!r}, the guide's {theirs!r}"


def _fees(item: Item, guide: Guide) -> Iterator[tuple[str, str]]:
    amounts = [fee.amount_fen for fee in guide.fees]
    if item.is_fee is False and any(amounts):
        stated = ", ".join(f"{fee.fee_name} {yuan(fee.amount_fen)}" for fee in guide.fees if fee.amount_fen)
        yield "is_fee", f"the item says that nothing is charged (is_fee false), the guide lists {stated}"
    if item.is_fee and amounts and not any(amount is None or amount for amount in amounts):
        yield "is_fee", "the item says that a fee is charged (is_fee true), but every fee of the guide is 0.00 元"


def _limits(item: Item, guide: Guide) -> Iterator[tuple[str, str]]:
    """Compare 时限说明 with the limit that it names: 承诺, 法定, or, without either word, 承诺."""
    for name, read in figures.limits(guide.time_limit_explain or "").items():
        day, unit = getattr(item, f"{name}_day"), getattr(item, f"{name}_type")
        other_unit = read.unit is not None and unit is not None and read.unit != unit
        if day is not None and read.value is not None and (read.value != day or other_unit):
            named = {"1": "工作日", "2": "自然日"}.get(unit or "", "without a unit")
            yield f"{name}_day", f"the item's {name}_day is {day} {named}, the guide says {guide.time_limit_explain!r}"


def _visits(item: Item, guide: Guide) -> Iterator[tuple[str, str]]:
    texts = [(f"questions.{index}.answer", one.answer) for index, one in enumerate(guide.questions)]
    texts += [(f"steps.{index}.content", step.content or "") for index, step in enumerate(guide.steps)]
    for path, text in texts:
        read = figures.visits(text)
        if item.limit_scene_num is not None and read.value is not None and read.value != item.limit_scene_num:
            yield (
                "limit_scene_num",
                f"the item's limit_scene_num is {item.limit_scene_num}, the guide's {path} says {text!r}",
            )


def _online(item: Item, guide: Guide) -> Iterator[tuple[str, str]]:
    texts = [f"{step.name} {step.content or ''}" for step in guide.steps]
    if item.is_online is False:
        for index, text in enumerate(texts):
            if ONLINE_WORDS.search(text.lower()):
                yield "is_online", f"the item cannot be handled online (is_online false), steps.{index} says {text!r}"
    depths = [depth for depth in item.online_handle_depth or () if HANDLED_ONLINE <= depth < "9"]
    if depths and texts and item.limit_scene_num == 0 and all("窗口" in text or "现场" in text for text in texts):
        yield (
            "online_handle_depth",
            f"online_handle_depth {', '.join(depths)} and no visit, but every step is at a window",
        )


def _between_guides(guides: dict[str, Guide]) -> Iterator[RepeatedFact]:
    yield from _differing(guides, "window phone", _window_phones)
    yield from _differing(guides, "window hours", _window_hours)
    yield from _differing(guides, "fee", _prices)
    yield from _differing(guides, "phone", _offices)


Quotes = Callable[[Guide], Iterable[tuple[str, str]]]
"""Yields what a guide quotes, and what it says about it: a window and its telephone number, a fee and its amount."""


def _differing(guides: dict[str, Guide], fact: str, quotes: Quotes) -> Iterator[RepeatedFact]:
    said: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for code in sorted(guides):
        for what, value in dict.fromkeys(quotes(guides[code])):
            said[what][value].append(f"guide:{code}")
    for what, values in said.items():
        if len(values) > 1 and len({key for keys in values.values() for key in keys}) > 1:
            keys = list(dict.fromkeys(key for found in values.values() for key in found))
            told = "; ".join(f"{value} ({len(found)} guides, such as {found[0]})" for value, found in values.items())
            yield RepeatedFact("guides", fact, keys, f"{what}: {told}", count=len(keys))


def _window_phones(guide: Guide) -> Iterator[tuple[str, str]]:
    for one in guide.windows:
        if one.phone:
            yield f"{one.address} {one.window_no or ''}".strip(), _compact(one.phone)


def _window_hours(guide: Guide) -> Iterator[tuple[str, str]]:
    for one in guide.windows:
        if one.hours:
            yield f"{one.address} {one.window_no or ''}".strip(), _compact(one.hours)


def _prices(guide: Guide) -> Iterator[tuple[str, str]]:
    for fee in guide.fees:
        if fee.amount_fen is not None:
            yield _compact(fee.fee_name), yuan(fee.amount_fen)


def _offices(guide: Guide) -> Iterator[tuple[str, str]]:
    """A number for questions that belongs to two offices is wrong for one of them."""
    for number in re.findall(r"\d[\d-]*\d", unicodedata.normalize("NFKC", guide.link_way or "")):
        if len(digits := number.replace("-", "")) >= LEAST_DIGITS:
            yield digits, guide.dept_name


def _compact(text: str) -> str:
    """Return a text as it is compared: width, case and spaces make no difference."""
    return "".join(unicodedata.normalize("NFKC", text).split()).lower()

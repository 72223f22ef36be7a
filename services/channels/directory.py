"""The items of a channel as people browse them: chosen by facets, counted, page by page. Pure, in memory."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import islice
from operator import or_

from contracts.base import Json
from services.channels import spoken
from services.channels.facets import FACETS, SIDES, Facet, Filter
from services.channels.life_events import LIFE_EVENTS, LifeEvent

BROWSED = ("code", "name", "short_name", "dept_name", "audiences", "person_themes", "business_themes", "glance")
NEEDED = frozenset(("code", "name", "dept_name", "glance"))
"""Without these an item cannot be listed: a row that was damaged; the auditor finds it, and no list falls with it."""

OF_SOME = ("glance_en", "is_service_terminals")
"""What only some channels have in their documents."""


@dataclass(frozen=True, slots=True)
class Option:
    """A value of a facet: how many items it would show beside what is chosen of the others."""

    value: str
    zh: str
    en: str
    count: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A facet with the values that would show something, or are chosen; `without`: items if none of it were chosen."""

    facet: Facet
    options: list[Option]
    without: int

    @property
    def chosen(self) -> bool:
        """Whether it narrows what is shown."""
        return any(option.chosen for option in self.options)


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of items, how many there are in all, and what else can be chosen."""

    items: list[Json]
    total: int
    groups: list[Group] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Facets:
    """What can be chosen on the home page, with numbers: themes as often as they occur, units by name."""

    person_themes: list[tuple[str, int]] = field(default_factory=list)
    business_themes: list[tuple[str, int]] = field(default_factory=list)
    departments: list[tuple[str, int]] = field(default_factory=list)
    events: list[tuple[LifeEvent, int]] = field(default_factory=list)


class Directory:
    """Heads of all items, in order of their codes; made anew when the channel's items changed, about 1 KB an item.

    For each value of a facet one whole number has a bit for every item that has it: to narrow is `&`, to count is to
    count bits, and 2,000 items with every facet cost less than a millisecond.
    """

    def __init__(self, documents: Iterable[Json]) -> None:
        self._items: list[Json] = []
        self._having: dict[str, dict[str, int]] = {}
        """Facet, or `theme:<audience>`, → value → the items that have it, as bits."""
        for place, document in enumerate(one for one in documents if one.keys() >= NEEDED):
            self._items.append(_head(document))
            for name, values in _values(document):
                having = self._having.setdefault(name, {})
                for value in values:
                    having[value] = having.get(value, 0) | 1 << place
        self._at = {item["code"]: place for place, item in enumerate(self._items)}
        self.facets = Facets(
            person_themes=_counted(theme for item in self._items for theme in item.get("person_themes", ())),
            business_themes=_counted(theme for item in self._items for theme in item.get("business_themes", ())),
            departments=_counted(item["dept_name"] for item in self._items),
            events=[(event, count) for event in LIFE_EVENTS if (count := sum(map(event.takes, self._items)))],
        )

    def untold(self, wanted: Filter) -> list[str]:
        """Facets of `wanted` that no document here tells: nothing could fit, which would be no honest answer."""
        return [name for name in wanted.chosen if self._items and name not in self._having]

    def beginning(self, start: str) -> list[Json]:
        """Heads of the items whose code begins so."""
        return [item for item in self._items if item["code"].startswith(start)]

    def listing(self, wanted: Filter, offset: int, limit: int, among: Sequence[str] | None = None) -> Listing:
        """Items `offset` … `offset + limit` of those wanted, among the given codes in their order, or all by code."""
        places = range(len(self._items)) if among is None else [self._at[code] for code in among if code in self._at]
        scope = sum(1 << place for place in places) if among is not None else self._all
        found = self._fitting(wanted, scope)
        items = [self._items[place] for place in places if found >> place & 1]
        groups = [self._group(name, wanted, scope) for name in FACETS if name in self._having]
        return Listing(items[offset : offset + limit], len(items), groups)

    def after(self, wanted: Filter, code: str, limit: int) -> list[str]:
        """At most `limit` codes of what is wanted, that come after `code`."""
        start = bisect_right(self._items, code, key=lambda item: str(item["code"]))
        found = self._fitting(wanted, self._all)
        codes = (self._items[place]["code"] for place in range(start, len(self._items)) if found >> place & 1)
        return list(islice(codes, limit))

    @property
    def _all(self) -> int:
        return (1 << len(self._items)) - 1

    def _fitting(self, wanted: Filter, scope: int) -> int:
        """Which of `scope` are wanted, as bits."""
        for name, values in wanted.chosen.items():
            if values:
                having = self._having.get(_side(name, wanted), {})
                scope &= reduce(or_, (having.get(value, 0) for value in values))
        return scope

    def _group(self, name: str, wanted: Filter, scope: int) -> Group:
        facet, chosen = FACETS[name], wanted.values(name)
        base = self._fitting(wanted.choosing(name), scope)
        having = self._having.get(_side(name, wanted), {})
        found = {value: base & bits for value, bits in having.items()}
        if name == "audience":  # which themes are meant depends on it
            found = {value: self._fitting(wanted.choosing(name, value), scope) for value in having}
        counts = {value: number for value, bits in found.items() if (number := bits.bit_count())}
        by_count = facet.known is None or facet.by_count
        values = [value for value, _ in _ordered(counts)] if by_count else [v for v in facet.known or () if v in counts]
        values += [value for value in chosen if value not in counts]
        options = [Option(value, *facet.words(value), counts.get(value, 0), value in chosen) for value in values]
        return Group(facet, options, base.bit_count())


def _head(document: Json) -> Json:
    """What a list shows of an item; with its short answers in English where the document is enough for them."""
    head = {key: document[key] for key in BROWSED + OF_SOME if key in document}
    if "glance_en" not in head and FACETS["visit"].field in document:
        head["glance_en"] = spoken.glance(document)
    return head


def _values(document: Json) -> Iterator[tuple[str, Iterable[str]]]:
    """All values of an item by facet, and its themes for one audience under `theme:<audience>`."""
    yield from ((name, facet.of(document)) for name, facet in FACETS.items() if facet.field in document)
    yield from ((f"theme:{side}", document.get(f"{side}_themes", ())) for side in SIDES)


def _side(name: str, wanted: Filter) -> str:
    """Where a facet's values are: with one audience chosen, a theme of the other side is not meant."""
    audiences = wanted.values("audience")
    return f"theme:{audiences[0]}" if name == "theme" and len(audiences) == 1 else name


def _counted(labels: Iterable[str]) -> list[tuple[str, int]]:
    return _ordered(Counter(labels))


def _ordered(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))

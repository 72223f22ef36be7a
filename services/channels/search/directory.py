"""The items of a channel as people browse them: filtered by facets, counted, paged. Pure, in memory."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import islice
from operator import or_

from contracts.base import Json
from services.channels.search.facets import FACETS, SIDES, Facet, Filter
from services.channels.text import english_documents
from services.channels.text.life_events import LIFE_EVENTS, LifeEvent

BROWSED = ("code", "name", "short_name", "dept_name", "audiences", "person_themes", "business_themes", "glance")
NEEDED = frozenset(("code", "name", "dept_name", "glance"))
"""Without these an item cannot be listed. A damaged row is left out of lists; the auditor finds it."""

OF_SOME = ("glance_en", "is_service_terminals")
"""Fields that only some channels have in their documents."""


@dataclass(frozen=True, slots=True)
class Option:
    """A value of a facet; `count`: items that it would show together with the choices in other facets."""

    value: str
    zh: str
    en: str
    count: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A facet with the values that match something or are chosen; `without`: items if none of it were chosen."""

    facet: Facet
    options: list[Option]
    without: int

    @property
    def chosen(self) -> bool:
        """Whether any value of it is chosen."""
        return any(option.chosen for option in self.options)


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of items, their total number, and the facets that can be chosen."""

    items: list[Json]
    total: int
    groups: list[Group] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Facets:
    """What can be chosen on the home page, with counts: themes by frequency, departments and events in their order."""

    person_themes: list[tuple[str, int]] = field(default_factory=list)
    business_themes: list[tuple[str, int]] = field(default_factory=list)
    departments: list[tuple[str, int]] = field(default_factory=list)
    events: list[tuple[LifeEvent, int]] = field(default_factory=list)


class Directory:
    """Heads of all items in order of code, about 1 KB per item; rebuilt when the channel's items change.

    For each value of a facet one integer has a bit for every item with that value: narrowing is `&`, counting is
    counting bits, so 2,000 items with every facet take less than a millisecond.
    """

    def __init__(self, documents: Iterable[Json]) -> None:
        self._items: list[Json] = []
        self._having: dict[str, dict[str, int]] = {}
        """Facet, or `theme:<audience>`, → value → bit set of the items that have it."""
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
        """Return the facets of `wanted` that no document here has, so that nothing could match."""
        return [name for name in wanted.chosen if self._items and name not in self._having]

    def beginning(self, start: str) -> list[Json]:
        """Return the heads of items whose code begins with `start`."""
        return [item for item in self._items if item["code"].startswith(start)]

    def heads(self, codes: Iterable[str]) -> list[Json]:
        """Return the heads of those codes that are shown, in their order."""
        return [self._items[self._at[code]] for code in codes if code in self._at]

    def listing(self, wanted: Filter, offset: int, limit: int, among: Sequence[str] | None = None) -> Listing:
        """Return items `offset` … `offset + limit` that match, out of `among` in its order, or of all by code.

        Without `among`, the items of one event come in the event's order.
        """
        places = range(len(self._items)) if among is None else [self._at[code] for code in among if code in self._at]
        scope = sum(1 << place for place in places) if among is not None else self._all
        found = self._fitting(wanted, scope)
        items = [self._items[place] for place in places if found >> place & 1]
        if among is None and wanted.event is not None:
            items.sort(key=wanted.event.rank)
        groups = [self._group(name, wanted, scope) for name in FACETS if name in self._having]
        return Listing(items[offset : offset + limit], len(items), groups)

    def after(self, wanted: Filter, code: str, limit: int) -> list[str]:
        """Return at most `limit` codes of matching items that come after `code`."""
        start = bisect_right(self._items, code, key=lambda item: str(item["code"]))
        found = self._fitting(wanted, self._all)
        codes = (self._items[place]["code"] for place in range(start, len(self._items)) if found >> place & 1)
        return list(islice(codes, limit))

    @property
    def _all(self) -> int:
        return (1 << len(self._items)) - 1

    def _fitting(self, wanted: Filter, scope: int) -> int:
        """Return the bits of `scope` that match the filter."""
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
        if name == "audience":  # the themes to count depend on the audience
            found = {value: self._fitting(wanted.choosing(name, value), scope) for value in having}
        counts = {value: number for value, bits in found.items() if (number := bits.bit_count())}
        by_count = facet.known is None or facet.by_count
        values = [value for value, _ in _ordered(counts)] if by_count else [v for v in facet.known or () if v in counts]
        values += [value for value in chosen if value not in counts]
        options = [Option(value, *facet.words(value), counts.get(value, 0), value in chosen) for value in values]
        return Group(facet, options, base.bit_count())


def _head(document: Json) -> Json:
    """Return what a list shows of an item, with English short answers if the document has the fields they need."""
    head = {key: document[key] for key in BROWSED + OF_SOME if key in document}
    if "glance_en" not in head and FACETS["visit"].field in document:
        head["glance_en"] = english_documents.glance(document)
    return head


def _values(document: Json) -> Iterator[tuple[str, Iterable[str]]]:
    """Yield an item's values by facet, and its themes for one audience under `theme:<audience>`."""
    yield from ((name, facet.of(document)) for name, facet in FACETS.items() if facet.field in document)
    yield from ((f"theme:{side}", document.get(f"{side}_themes", ())) for side in SIDES)


def _side(name: str, wanted: Filter) -> str:
    """Return where a facet's values are kept: with one audience chosen, only themes of that side count."""
    audiences = wanted.values("audience")
    return f"theme:{audiences[0]}" if name == "theme" and len(audiences) == 1 else name


def _counted(labels: Iterable[str]) -> list[tuple[str, int]]:
    return _ordered(Counter(labels))


def _ordered(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))

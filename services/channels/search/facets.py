"""The facets by which people filter items, as GET parameters; one table for the pages and the API. Pure.

Values of one facet widen the result, facets narrow it: `serve=1&serve=2&visit=once`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from contracts.base import Json
from contracts.codes.tables import ONLINE_HANDLE_DEPTH, SERVE_TYPE
from services.channels.text.life_events import BY_CODE, LIFE_EVENTS, LifeEvent
from services.channels.text.themes import ENGLISH
from shared.errors import Violation

MOST_VALUES = 20
"""Per facet in one address."""

LONGEST_VALUE = 200
SIDES = ("person", "business")


@dataclass(frozen=True, slots=True)
class Facet:
    """One facet. `name`: its parameter; `field`: the field that a document must have; `of`: an item's values.

    `known`: value → Chinese and English label; None where any text may be a value. `by_count`: values are ordered by
    count, otherwise as in `known`.
    """

    name: str
    zh: str
    en: str
    field: str
    of: Callable[[Json], Iterable[str]]
    known: Mapping[str, tuple[str, str]] | None = None
    by_count: bool = False

    def words(self, value: str) -> tuple[str, str]:
        """Return the Chinese and English label of a value."""
        return (self.known or {}).get(value, (value, value))


def _with_english(table: dict[str, str], english: str) -> dict[str, tuple[str, str]]:
    return {code: (zh, en) for (code, zh), en in zip(table.items(), english.split("/"), strict=True)}


def _themes(item: Json) -> Iterable[str]:
    return [theme for side in SIDES for theme in item.get(f"{side}_themes", ())]


def _visits(item: Json) -> list[str]:
    """“最多跑一次” means one visit or none (domain 5.2, limit_scene_num): its items include those without a visit."""
    number = item["limit_scene_num"]
    return [] if number is None else [name for name, most in (("none", 0), ("once", 1)) if number <= most]


FACETS = {
    facet.name: facet
    for facet in (
        Facet(
            "audience",
            "办事的人",
            "Who applies",
            "audiences",
            lambda item: item["audiences"],
            {"person": ("个人办事", "For people"), "business": ("企业办事", "For businesses")},
        ),
        Facet(
            "serve",
            "服务对象",
            "Who it serves",
            "serve_type",
            lambda item: item["serve_type"],
            _with_english(
                SERVE_TYPE,
                "Natural persons/Companies/Public institutions/Social organisations/Unincorporated firms/"
                "Government bodies/Other organisations",
            ),
        ),
        Facet(
            "event",
            "大事",
            "Event",
            "code",
            lambda item: [event.code for event in LIFE_EVENTS if event.takes(item)],
            {event.code: (event.zh, event.en) for event in LIFE_EVENTS},
        ),
        Facet(
            "theme",
            "主题",
            "Theme",
            "code",
            _themes,
            {label: (label.partition("（")[0], english) for label, english in ENGLISH.items()},
            by_count=True,
        ),
        Facet(
            "visit",
            "最多跑一次",
            "Visits",
            "limit_scene_num",
            _visits,
            {"none": ("不用跑现场", "No visit"), "once": ("最多跑1次（含不用跑的）", "1 visit at most (or none)")},
        ),
        Facet(
            "depth",
            "网办深度",
            "Done online",
            "online_handle_depth",
            lambda item: item["online_handle_depth"] or (),
            _with_english(
                ONLINE_HANDLE_DEPTH,
                "Advice/Hand in/Preliminary check/Acceptance/Handling/Result told/Electronic licence/Other",
            ),
        ),
        Facet("department", "部门", "Department", "dept_name", lambda item: [item["dept_name"]], by_count=True),
    )
}
"""Every facet by the name of its parameter, in page order."""


@dataclass(frozen=True, slots=True)
class Filter:
    """The chosen facet values; an empty filter matches everything."""

    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def values(self, name: str) -> tuple[str, ...]:
        """Return the chosen values of a facet."""
        return self.chosen.get(name, ())

    @property
    def event(self) -> LifeEvent | None:
        """The chosen event, if there is exactly one."""
        codes = self.values("event")
        return BY_CODE[codes[0]] if len(codes) == 1 else None

    def pairs(self) -> list[tuple[str, str]]:
        """Return each chosen value with its facet's name, in the order of `FACETS`."""
        return [(name, value) for name in FACETS for value in self.values(name)]

    def choosing(self, name: str, *values: str) -> "Filter":
        """Return the filter with exactly these values of a facet."""
        return Filter({**self.chosen, name: values})

    def toggled(self, name: str, value: str) -> "Filter":
        """Return the filter with this value, or without it if it was chosen."""
        had = self.values(name)
        values = tuple(one for one in had if one != value) if value in had else (*had, value)
        return self.choosing(name, *values)

    def query(self, *before: tuple[str, str]) -> str:
        """Return the filter as a query string in a fixed order; `before` comes first."""
        return urlencode([*before, *self.pairs()])


def wanted(given: Iterable[tuple[str, str]]) -> tuple[Filter, list[Violation]]:
    """Return the filter for these parameters, and violations for invalid values. Other parameters are ignored."""
    chosen: dict[str, tuple[str, ...]] = {}
    wrong = []
    for name, text in given:
        facet, value = FACETS.get(name), text.strip()
        if facet is None or not value:
            continue
        had = chosen.get(name, ())
        if reason := _refused(facet, value, len(had)):
            wrong.append(Violation(name, "facet", reason, value[:80]))
        elif value not in had:
            chosen[name] = (*had, value)
    return Filter(chosen), wrong


def _refused(facet: Facet, value: str, had: int) -> str | None:
    if had >= MOST_VALUES:
        return f"accepts at most {MOST_VALUES} values"
    if facet.known is not None and value not in facet.known:
        return f"is not a value of {facet.zh}; known values are {', '.join(facet.known)}"
    return f"is longer than {LONGEST_VALUE} characters" if len(value) > LONGEST_VALUE else None

"""The items of a channel as people browse them: by audience, theme, event and unit, page by page. Pure, in memory."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from contracts.base import Json
from services.channels.life_events import LIFE_EVENTS, LifeEvent

Audience = Literal["person", "business"]
BROWSED = ("code", "name", "short_name", "dept_name", "audiences", "person_themes", "business_themes", "glance")
OF_SOME = ("glance_en", "is_service_terminals")
"""What only some channels have in their documents."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What to show; None shows everything. `theme` is a label and means the audience's themes, or those of both."""

    audience: Audience | None = None
    theme: str | None = None
    department: str | None = None
    event: LifeEvent | None = None

    def takes(self, item: Json) -> bool:
        """Whether this item is wanted."""
        if self.department is not None and item["dept_name"] != self.department:
            return False
        if self.event is not None and not self.event.takes(item):
            return False
        if self.theme is not None:
            sides = [self.audience] if self.audience else ["person", "business"]
            return any(self.theme in item.get(f"{side}_themes", ()) for side in sides)
        return self.audience is None or self.audience in item.get("audiences", ())


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of items and how many there are in all."""

    items: list[Json]
    total: int


@dataclass(frozen=True, slots=True)
class Facets:
    """What can be chosen, each with the number of its items: themes as often as they occur, units by name."""

    person_themes: list[tuple[str, int]] = field(default_factory=list)
    business_themes: list[tuple[str, int]] = field(default_factory=list)
    departments: list[tuple[str, int]] = field(default_factory=list)
    events: list[tuple[LifeEvent, int]] = field(default_factory=list)


class Directory:
    """Heads of all items, in the order given. Made anew when the channel's items changed; about 1 KB an item."""

    def __init__(self, documents: Iterable[Json]) -> None:
        self._items = [{key: document[key] for key in BROWSED + OF_SOME if key in document} for document in documents]
        self.facets = Facets(
            person_themes=_counted(theme for item in self._items for theme in item.get("person_themes", ())),
            business_themes=_counted(theme for item in self._items for theme in item.get("business_themes", ())),
            departments=_counted(item["dept_name"] for item in self._items),
            events=[(event, count) for event in LIFE_EVENTS if (count := sum(map(event.takes, self._items)))],
        )

    def listing(self, wanted: Filter, offset: int, limit: int) -> Listing:
        """Items `offset` … `offset + limit` of those wanted."""
        found = [item for item in self._items if wanted.takes(item)]
        return Listing(found[offset : offset + limit], len(found))


def _counted(labels: Iterable[str]) -> list[tuple[str, int]]:
    return sorted(Counter(labels).items(), key=lambda pair: (-pair[1], pair[0]))

"""A list of items on a page: the query, the result, and the address of every further choice. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from services.channels.search.directory import Group, Listing
from services.channels.search.facets import FACETS, Filter

LONGEST_HEADING = 200


@dataclass(frozen=True, slots=True)
class Chip:
    """One chosen value or query, and the address without it."""

    zh: str
    en: str
    address: str


@dataclass(frozen=True, slots=True)
class Browse:
    """`path`: the page's own address; `q`: the query, empty for none; `number`: the page of the list, from 1."""

    path: str
    q: str
    wanted: Filter
    listing: Listing
    number: int
    size: int

    @property
    def pages(self) -> int:
        """Number of pages, at least 1."""
        return max(1, -(-self.listing.total // self.size))

    @property
    def heading(self) -> str:
        """Everything chosen, in Chinese; empty if nothing is."""
        return self._chosen_words(0)

    @property
    def heading_en(self) -> str:
        """Like `heading`, in English."""
        return self._chosen_words(1)

    @property
    def groups(self) -> list[Group]:
        """Facets to offer. `audience` is left out where documents have `serve`, which is finer; `event` always."""
        told = {group.facet.name for group in self.listing.groups}
        left_out = {"event", "audience" if "serve" in told else ""}
        return [group for group in self.listing.groups if group.options and group.facet.name not in left_out]

    def address(self, wanted: Filter, q: str | None = None, number: int = 1) -> str:
        """Return the address of the first page of another choice; `q`: another query, None for the current one."""
        asked = self.q if q is None else q
        pairs = [("q", asked)] if asked else []
        query = wanted.query(*pairs)
        page = urlencode([("page", number)]) if number > 1 else ""
        return f"{self.path}?{'&'.join(part for part in (query, page) if part)}".rstrip("?")

    def toggled(self, name: str, value: str) -> str:
        """Return the address with a value, or without it if it is chosen."""
        return self.address(self.wanted.toggled(name, value))

    def page(self, number: int) -> str:
        """Return the address of another page of the same list."""
        return self.address(self.wanted, number=number)

    def cleared(self) -> str:
        """Return the address with the query alone."""
        return self.address(Filter())

    def chips(self) -> Iterator[Chip]:
        """Yield the query and every chosen value, each with the address without it."""
        if self.q:
            yield Chip(f"“{self.q}”", f"“{self.q}”", self.address(self.wanted, q=""))
        for name, value in self.wanted.pairs():
            yield Chip(*FACETS[name].words(value), self.toggled(name, value))

    def ways_out(self) -> list[tuple[Group, str]]:
        """For an empty list: facets without which it would not be empty, with their addresses; most items first."""
        groups = [group for group in self.listing.groups if group.chosen and group.without]
        without = [(group, self.address(self.wanted.choosing(group.facet.name))) for group in groups]
        return sorted(without, key=lambda pair: -pair[0].without)

    def _chosen_words(self, language: int) -> str:
        words = (FACETS[name].words(value)[language] for name, value in self.wanted.pairs())
        return " · ".join(words)[:LONGEST_HEADING]

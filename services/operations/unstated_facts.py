"""Count the facts that released items and guides do not state, and those that an earlier import may have filled in.

`doctor` reads the sources; `verify` counts in what it has read of the ledger.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import ValidationError

from contracts.base import Json
from contracts.content.guides import Guide
from contracts.content.items import Item
from contracts.content.unstated_facts import HALL, suspect_guide, suspect_item, unknown_of_guide, unknown_of_item
from contracts.envelope.publication import Kind, Lane, Op, Release

PAGE = 500


class FactsReader(Protocol):
    """GET `/<service>/v1/<path>` as JSON."""

    def get(self, service: str, path: str, **params: Any) -> Any: ...


@dataclass
class StatedFacts:
    """By field, how many released items and guides do not state it, and in how many an import may have filled it in."""

    unknown: Counter[str] = field(default_factory=Counter)
    suspect: Counter[str] = field(default_factory=Counter)

    def add(self, release: Release) -> None:
        """Count the newest version of one key. Ignore a body that cannot be parsed: `verify` reports it."""
        try:
            self._add(release)
        except ValidationError:
            return

    def as_json(self) -> Json:
        """Return the counts for a script, in order of names."""
        return {name: dict(sorted(getattr(self, name).items())) for name in ("unknown", "suspect")}

    def _add(self, release: Release) -> None:
        imported = release.lane == Lane.BACKFILL
        if release.kind == Kind.ITEM:
            item = Item.model_validate(release.body, extra="ignore")
            self.unknown.update(unknown_of_item(item))
            self.suspect.update(suspect_item(item) if imported else ())
        elif release.kind == Kind.GUIDE:
            guide = Guide.model_validate(release.body, extra="ignore")
            self.unknown.update(unknown_of_guide(guide))
            self.suspect.update(suspect_guide(guide) if imported else ())


def stated_facts(reader: FactsReader) -> StatedFacts:
    """Count in the newest version of every item and guide that is not withdrawn."""
    found = StatedFacts()
    for source in ("catalog", "guides"):
        for release in newest(reader, source):
            if release.op == Op.RELEASE:
                found.add(release)
    return found


def hall_unknown(releases: Iterable[Release]) -> int:
    """Return how many of these items the kiosk omits because they do not say whether the hall accepts them."""
    found = StatedFacts()
    for release in releases:
        if release.kind == Kind.ITEM and release.body is not None:
            found.add(release)
    return found.unknown[HALL]


def newest(reader: FactsReader, source: str) -> Iterator[Release]:
    """Yield the newest version of every key of one source.

    Read from the source, because the ledger also holds all cases, of which a county has many more.
    """
    after = ""
    while releases := reader.get(source, "releases/newest", after=after, limit=PAGE)["releases"]:
        yield from (Release.model_validate(data) for data in releases)
        after = releases[-1]["key"]

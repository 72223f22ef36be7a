"""The requests to catalog and guides, and their answers about each entry."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from contracts.base import Json
from contracts.content.items import DirectoryRow
from services.importing.engine.results import Result, RowFate, joined
from services.importing.engine.row_entry import RowEntry
from shared.errors import Violation

CONFIRMED = ["withdrawals", "emptying", "changes"]
"""The breaker is applied here, over the whole file: what is sent has passed it or was confirmed."""

CATALOG, GUIDES, IMPORTS = "catalog", "guides", "imports"
NOT_SENT = frozenset({RowFate.REJECTED, RowFate.OLDER, RowFate.HELD})


class Sources(Protocol):
    """The HTTP APIs of catalog and guides."""

    def post(self, service: str, path: str, content: object) -> Any:
        """POST `/<service>/v1/<path>`."""

    def get(self, service: str, path: str, **params: Any) -> Any:
        """GET `/<service>/v1/<path>`."""


class ReviewableSources(Sources, Protocol):
    """The same, for what submits for review."""

    def delete(self, service: str, path: str) -> Any:
        """DELETE `/<service>/v1/<path>`."""


@dataclass(frozen=True, slots=True)
class ImportOrigin:
    """The source of the rows. `regions`: divisions that are accepted in addition to the county's own (C-8)."""

    source: str
    conversion: str = ""
    file: str = "rows"
    sha256: str = "0" * 64
    by: str | None = None
    regions: tuple[str, ...] = ()

    def head(self) -> Json:
        """Return the part of a request that describes the origin."""
        head: Json = {
            "source": self.source,
            "conversion": self.conversion,
            "file": {"name": self.file[-300:], "sha256": self.sha256},
            "by": self.by,
            "regions": list(self.regions),
            "confirm": CONFIRMED,
        }
        return head


@dataclass
class SourceAnswer:
    """The county's answer to one request.

    `notice`: why it does not take effect yet (`shared.publishing.recording_status`).
    """

    results: list[Result] = field(default_factory=list)
    live: int = 0
    warnings: list[Json] = field(default_factory=list)
    notice: Json | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """Sends entries: an item before its guide, and the guide only if the item was accepted.

    `reviews`: by service, the review in which a dry run gathers what a run would do; `gathered`: how much that was.
    """

    sources: Sources
    origin: ImportOrigin
    reviews: dict[str, int] = field(default_factory=dict)
    gathered: Counter[str] = field(default_factory=Counter)

    def take(
        self, entries: Sequence[RowEntry], directory: Iterable[DirectoryRow] = (), *, dry_run: bool
    ) -> SourceAnswer:
        """Send entries of whole groups. `directory`: rows of the 基本目录 that a dry run must know."""
        content = {
            "entries": [entry.for_catalog() for entry in entries],
            "directory": _merged(row.model_dump(mode="json") for row in directory),
            "guessed": [] if dry_run else _merged(entry.guessed for entry in entries if entry.guessed),
        }
        items = self._post(CATALOG, content, dry_run=dry_run)
        by_code = {entry.code: entry for entry in entries}
        taken = [told for told in items["entries"] if told["on"] and told["fate"] not in NOT_SENT]
        with_guide = [(by_code[told["code"]], told["shared"]) for told in taken if by_code[told["code"]].guide]
        guides = self._guides(with_guide, dry_run=dry_run)
        reasons = _reasons(items) | _reasons(guides)
        told_of_guides = {told["code"]: told for told in guides["entries"]}
        results = [
            joined(told, told_of_guides.get(told["code"]), reasons.get(told["code"], ())) for told in items["entries"]
        ]
        notice = items.get("notice") or guides.get("notice")
        return SourceAnswer(results, items["live"], [*items["warnings"], *guides["warnings"]], notice)

    def directory(self, rows: Sequence[DirectoryRow], *, dry_run: bool) -> list[str]:
        """Send rows of the 基本目录; return the codes of new and changed rows."""
        merged = _merged(row.model_dump(mode="json") for row in rows)
        changed: list[str] = self._post(CATALOG, {"directory": merged}, dry_run=dry_run)["directory"]
        return changed

    def _guides(self, entries: Sequence[tuple[RowEntry, Json]], *, dry_run: bool) -> Json:
        if not entries:
            return {"entries": [], "rejected": [], "warnings": []}
        content = {"entries": [entry.for_guides(identity) for entry, identity in entries]}
        return self._post(GUIDES, content, dry_run=dry_run)

    def _post(self, service: str, content: Json, *, dry_run: bool) -> Json:
        review = {"review": self.reviews[service]} if dry_run and service in self.reviews else {}
        body = {**self.origin.head(), **content, "dry_run": dry_run, **review}
        answer: Json = self.sources.post(service, IMPORTS, body)
        self.gathered[service] += (answer["released"] + answer["withdrawn"]) if review else 0
        return answer


def _reasons(answer: Json) -> dict[str, list[Violation]]:
    found: dict[str, list[Violation]] = {}
    for one in answer["rejected"]:
        violation = Violation(one["field"], one["rule"], one["message"], one["value"])
        found.setdefault(one["code"], []).append(violation)
    return found


def _merged(rows: Iterable[Json]) -> list[Json]:
    """Return one row per catalogue code, with all levels of its rows."""
    merged: dict[str, Json] = {}
    for row in rows:
        known = merged.get(row["catalog_code"], {"use_level": []})
        merged[row["catalog_code"]] = {**row, "use_level": sorted({*row["use_level"], *known["use_level"]})}
    return list(merged.values())

"""Sending what was read to the sources, in chunks; each row is released with its guide or not at all."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from contracts.base import Json
from contracts.catalog import DirectoryRow
from services.importing.report import Report
from services.importing.row import Accepted, Outcome, Rejected
from shared.errors import Violation

CHUNK = 200


class Sources(Protocol):
    """Where rows go: the HTTP APIs of catalog and guides."""

    def post(self, service: str, path: str, content: object) -> Json:
        """POST `/<service>/v1/<path>`."""


@dataclass
class Sent:
    """What the sources made of it."""

    released: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    rejected: list[Rejected] = field(default_factory=list)


@dataclass
class Sender:
    """Sends outcomes and counts them. Killed in between, the same file can simply be sent again."""

    sources: Sources
    report: Report
    dry_run: bool = False
    confirm_withdrawals: bool = False
    sent: Sent = field(default_factory=Sent)
    _withdraw: list[str] = field(default_factory=list)

    def send(self, outcomes: Iterable[Outcome]) -> Iterator[int]:
        """Send everything; yields how many rows each step has dealt with."""
        for chunk in _chunks(self.report.counting(outcomes)):
            self._send_chunk([row for row in chunk if isinstance(row, Accepted) and not row.ignored])
            self.sent.rejected.extend(row for row in chunk if isinstance(row, Rejected))
            yield len(chunk)
        self._send_withdrawals()

    def _send_chunk(self, rows: Sequence[Accepted]) -> None:
        self._withdraw.extend(row.withdraw for row in rows if row.withdraw)
        with_item = [row for row in rows if row.item]
        items = [row.item.model_dump(mode="json") for row in with_item if row.item]
        directory = _merged(row.directory for row in rows if row.directory)
        refused = self._post("catalog", with_item, items, directory=directory)
        with_guide = [row for row in rows if row.guide and row.number not in refused]
        self._post("guides", with_guide, [row.guide.model_dump(mode="json") for row in with_guide if row.guide])

    def _post(self, service: str, rows: Sequence[Accepted], contents: list[Json], **more: list[Json]) -> set[int]:
        """Numbers of the rows that the source refused."""
        if not contents and not any(more.values()):
            return set()
        answer = self.sources.post(service, "imports", {"rows": contents, "dry_run": self.dry_run, **more})
        self.sent.released += answer["released"]
        self.sent.unchanged += answer["unchanged"]
        reasons: dict[int, list[Violation]] = {}
        for reason in answer["rejected"]:
            violation = Violation(reason["field"], reason["rule"], reason["message"], reason["value"])
            reasons.setdefault(rows[reason["index"]].number, []).append(violation)
        for number, violations in reasons.items():
            rejected = Rejected(number, violations, None)
            self.sent.rejected.append(rejected)
            self.report.turn(rejected)
        return set(reasons)

    def _send_withdrawals(self) -> None:
        if not self._withdraw:
            return
        for service in ("catalog", "guides"):
            content = {
                "withdraw": self._withdraw,
                "confirm_withdrawals": self.confirm_withdrawals,
                "dry_run": self.dry_run,
            }
            self.sent.withdrawn += self.sources.post(service, "imports", content)["withdrawn"]


def _chunks(outcomes: Iterable[Outcome]) -> Iterator[list[Outcome]]:
    iterator = iter(outcomes)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk


def _merged(rows: Iterable[DirectoryRow]) -> list[Json]:
    """One row a catalogue code, with every level that any of them names."""
    merged: dict[str, DirectoryRow] = {}
    for row in rows:
        known = merged.get(row.catalog_code)
        levels = sorted({*row.use_level, *(known.use_level if known else ())})
        merged[row.catalog_code] = row.model_copy(update={"use_level": levels})
    return [row.model_dump(mode="json") for row in merged.values()]

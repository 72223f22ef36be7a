"""The files that an import writes while it runs: rejected rows, warnings, and the outcome of each row.

Each line is flushed at once, so that the files are complete up to the point where the import ends for any reason.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO, cast

from contracts.base import Json, format_time
from services.importing.engine.results import Result
from services.importing.fields.notes import visible
from services.importing.row import Rejected, RowWarning


@dataclass
class Files:
    """The files to write to; None: not requested."""

    rejects: TextIO | None = None
    warnings: TextIO | None = None
    report: TextIO | None = None

    def refused(self, rejected: Rejected) -> None:
        """Write a rejected row."""
        if self.rejects is not None:
            write_rejects(rejected, self.rejects)
            self.rejects.flush()

    def warned(self, number: int | None, code: str | None, warnings: Iterable[RowWarning]) -> None:
        """Write the warnings about an accepted row."""
        if self.warnings is None:
            return
        for one in warnings:
            severity = "note" if one.name.routine else "warning"
            place = {"sheet": one.sheet} if one.sheet else {}
            entry = {**place, "row": number, "code": code, "severity": severity, "name": one.name, "column": one.field}
            _line(self.warnings, {**entry, "value": one.value, "message": one.message})

    def begin(self, facts: Json) -> None:
        """Write the report's first line of a run."""
        if self.report is not None:
            _line(self.report, {"run": {**facts, "started_at": format_time(datetime.now(UTC))}})

    def settled(self, result: Result) -> None:
        """Write the outcome of a row."""
        if self.report is not None:
            _line(self.report, result.as_json())

    def end(self, sums: Json) -> None:
        """Write the report's last line of a run, whether it succeeded or not."""
        if self.report is not None:
            _line(self.report, {"end": {**sums, "ended_at": format_time(datetime.now(UTC))}})


@contextmanager
def opened(rejects: Path | None, warnings: Path | None, report: Path | None) -> Iterator[Files]:
    """Open the files before anything is sent, so that a wrong path is found first. A report is appended to.

    Raises `OSError`.
    """
    with ExitStack() as stack:

        def file(path: Path | None, mode: str) -> TextIO | None:
            return cast("TextIO", stack.enter_context(path.open(mode, encoding="utf-8"))) if path else None

        yield Files(file(rejects, "w"), file(warnings, "w"), file(report, "a"))


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """An earlier run of the same file in a report: its rows, how many were finished, and whether it ended normally."""

    rows: int
    settled: int
    ended: bool


def earlier_run(report: Path | None, sha256: str) -> EarlierRun | None:
    """Return the newest run of a file in a report; None if there is none, or if the report cannot be read."""
    if report is None or not report.is_file():
        return None
    found: EarlierRun | None = None
    for line in report.read_text(encoding="utf-8", errors="replace").splitlines():
        entry = _parsed(line)
        if "run" in entry:
            same = entry["run"].get("sha256") == sha256
            found = EarlierRun(entry["run"].get("rows", 0), 0, ended=False) if same else None
        elif found is not None and "end" in entry:
            found = EarlierRun(found.rows, found.settled, ended=True)
        elif found is not None and "row" in entry:
            found = EarlierRun(found.rows, found.settled + 1, found.ended)
    return found


def write_rejects(rejected: Rejected, file: TextIO, *, with_raw: bool = True) -> None:
    """Write one JSON line per violation: row, field, rule, value, message; the first one also has the row itself.

    Values are shortened; control characters and bidi overrides are escaped, so that a terminal can show the file.
    """
    for place, violation in enumerate(rejected.violations):
        entry: dict[str, Any] = {
            **({"sheet": rejected.sheet} if rejected.sheet else {}),
            "row": rejected.number,
            "code": rejected.code,
            "field": violation.field,
            "rule": violation.rule,
            "value": violation.value,
            "message": violation.message,
        }
        if with_raw and place == 0 and rejected.raw is not None:
            entry["raw"] = rejected.raw
        file.write(json.dumps(_visible(entry), ensure_ascii=False) + "\n")


def _line(file: TextIO, entry: Json) -> None:
    file.write(json.dumps(_visible(entry), ensure_ascii=False) + "\n")
    file.flush()


def _parsed(line: str) -> Json:
    """Parse a line; a line that was cut off when the import was killed gives an empty entry."""
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _visible(value: Any) -> Any:
    if isinstance(value, str):
        return "\n".join(visible(line) for line in value.split("\n"))
    if isinstance(value, dict):
        return {_visible(name): _visible(part) for name, part in value.items()}
    return [_visible(part) for part in value] if isinstance(value, list) else value

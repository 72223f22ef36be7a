"""The import of one file, as the command line and the HTTP service run it: its rows, steps, and report."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.importing.engine.files import Files
from services.importing.engine.import_run import Course, ImportOptions, PlannedRow
from services.importing.engine.reading import Reading, RowListener
from services.importing.engine.report import ImportReport, sums, warnings_of
from services.importing.engine.results import Result
from services.importing.engine.sources import Desk, ImportOrigin, Sources
from services.importing.engine.spool import Spool
from services.importing.formats.registry import columns, conversion, read
from services.importing.row import Outcome, Rejected, RowWarning


@dataclass(frozen=True)
class FileToImport:
    """A file and how it is read. `mapping`: of a table; `codes`: a table of local codes. `source`: the import source.

    `regions`: divisions (6 digits) that are accepted beside the county's own. `by`: who imports it.
    """

    path: Path
    format: str
    source: str
    mapping: Path | None = None
    codes: Path | None = None
    regions: tuple[str, ...] = ()
    by: str | None = None

    def outcomes(self) -> Iterator[Outcome]:
        """Return the rows. Raises what `services.importing.formats.registry.read` raises."""
        return read(self.path, self.format, self.mapping, self.codes)

    def columns(self) -> Mapping[str, str]:
        """Return our field → the file's column."""
        return columns(self.format, self.mapping)

    def origin(self) -> ImportOrigin:
        """Return what the sources store about the file. Reads it once for its digest. Raises `OSError`."""
        with self.path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        how = conversion(self.format, self.mapping, self.codes)
        return ImportOrigin(self.source, how, self.path.name, sha256, self.by, self.regions)


@dataclass
class RowListeners:
    """Passes events about rows to the files and the report."""

    files: Files
    report: ImportReport = field(default_factory=ImportReport)

    def warned(self, number: int | None, code: str | None, warnings: list[RowWarning]) -> None:
        self.files.warned(number, code, warnings)
        self.report.warn(number, code, warnings)

    def settled(self, result: Result) -> None:
        self.warned(result.number, result.code, warnings_of(result))
        self.files.settled(result)

    def refused(self, rejected: Rejected) -> None:
        self.files.refused(rejected)
        self.report.refuse(rejected)


def _nothing(_rows: Iterable[PlannedRow]) -> None:
    """Accept every plan."""


@dataclass
class FileImport:
    """One import of one file: `read` all of it, then `execute`. `planned`: see `Course`.

    If the process dies, `files` are complete up to there, and the same file again finishes it.
    """

    file: FileToImport
    origin: ImportOrigin
    wishes: ImportOptions
    sources: Sources
    files: Files
    spool: Spool
    planned: Callable[[Iterable[PlannedRow]], None] = _nothing
    listeners: RowListeners = field(init=False)
    course: Course = field(init=False)

    def __post_init__(self) -> None:
        self.listeners = RowListeners(self.files)
        listener = RowListener(self.listeners.warned, self.listeners.refused)
        reading = Reading(self.spool, listener, self.file.columns(), self.wishes.empty_cells)
        desk = Desk(self.sources, self.origin)
        self.course = Course(reading, desk, self.wishes, self.listeners.settled, self.planned)

    @property
    def report(self) -> ImportReport:
        """The totals so far."""
        return self.listeners.report

    def read(self, outcomes: Iterable[Outcome]) -> Iterator[int]:
        """Read the file; yield the number of rows so far. Sends nothing."""
        yield from self.course.reading.take(outcomes)
        facts = {"file": self.origin.file, "sha256": self.origin.sha256, "source": self.origin.source}
        self.files.begin({**facts, "rows": self.course.reading.rows, "dry_run": self.wishes.dry_run})

    def execute(self) -> Iterator[int]:
        """Plan and do it; yield the number of rows that each step has finished. Raises what `sources` raise."""
        yield from self.course.run()

    def end(self, stopped: str | None) -> None:
        """Write the last line of the report. `stopped`: why it ended before its end, None if it did not."""
        self.files.end({**sums(self.course), "stopped": stopped})

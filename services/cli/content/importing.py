"""`import`: read a foreign file into catalog and guides."""

import getpass
import hashlib
import re
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.cli.content import import_report
from services.cli.terminal import USAGE, BaseUrl, DataDir, Json_, county, err, fail, plain, print_json
from services.importing.engine.files import Files, earlier_run, opened
from services.importing.engine.findings import write_findings
from services.importing.engine.import_run import Course, ImportOptions
from services.importing.engine.reading import Reading, RowListener
from services.importing.engine.report import ImportReport, sums, warnings_of
from services.importing.engine.results import Result
from services.importing.engine.sources import Desk, ImportOrigin
from services.importing.engine.spool import spooling
from services.importing.formats.registry import FORMATS, columns, conversion, read
from services.importing.row import Outcome, Rejected, RowWarning
from shared.errors import Refused, TongyuanError
from shared.publishing.imports.request import REGION_PATTERN, SOURCE_PATTERN, Confirmation

FORMAT_HELP = "; ".join(f"{name}: {kind.title}" for name, kind in FORMATS.items())
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
FormatName = Annotated[str, typer.Option(help=FORMAT_HELP)]
Mapping_ = Annotated[
    Path | None,
    typer.Option(exists=True, help="YAML file that maps columns to fields (table); `mapping` suggests one."),
]
Codes = Annotated[
    Path | None,
    typer.Option(exists=True, help="Table of local codes: columns 本地编码 and 实施编码, .xlsx, .xls or CSV."),
]
Source = Annotated[
    str, typer.Option(help="Name of the import source, whose last values are stored. Default: the format.")
]
Preview = Annotated[
    bool,
    typer.Option("--preview", "--dry-run", help="Say what would become of every row, and change nothing."),
]
EmptyCells = Annotated[bool, typer.Option("--empty-cells", help="A blank cell empties its field.")]
Region = Annotated[str, typer.Option(help="Other divisions whose units are accepted, comma-separated: 330182,330183.")]
Full = Annotated[
    bool, typer.Option("--full", help="The file is a full list: report the codes that it no longer contains.")
]
Missing = Annotated[
    bool, typer.Option("--withdraw-missing", help="With --full: withdraw the codes that it no longer contains.")
]
All = Annotated[bool, typer.Option("--confirm", help="Confirm everything that the breaker holds.")]
Withdrawals = Annotated[bool, typer.Option("--confirm-withdrawals", help="Confirm withdrawing more than max(20, 5 %).")]
Emptying = Annotated[
    bool, typer.Option("--confirm-emptying", help="Confirm emptying fields of more than max(20, 5 %).")
]
Changes = Annotated[bool, typer.Option("--confirm-changes", help="Confirm changing more than max(20, 25 %).")]
Rejects = Annotated[Path | None, typer.Option(help="Write rejected rows here, as JSON Lines.")]
Warnings = Annotated[Path | None, typer.Option(help="Write every warning here: row, column and value.")]
FindingsFile = Annotated[
    Path | None,
    typer.Option(help="Write every finding here, with sheet, row, column, value, rule and remedy: .json, else CSV."),
]
ReportFile = Annotated[Path | None, typer.Option(help="Append the outcome of each row here, as it happens.")]


@dataclass(frozen=True)
class Job:
    """One file to import, and the files to write."""

    file: Path
    outcomes: Iterator[Outcome]
    origin: ImportOrigin
    columns: Mapping[str, str]
    rejects: Path | None
    warnings: Path | None
    report: Path | None


def import_file(  # noqa: PLR0913, PLR0917  # an argument is an option of the command
    file: File,
    format: FormatName,  # noqa: A002  # the name of the option
    mapping: Mapping_ = None,
    codes: Codes = None,
    source: Source = "",
    preview: Preview = False,
    empty_cells: EmptyCells = False,
    region: Region = "",
    full: Full = False,
    withdraw_missing: Missing = False,
    confirm: All = False,
    confirm_withdrawals: Withdrawals = False,
    confirm_emptying: Emptying = False,
    confirm_changes: Changes = False,
    rejects: Rejects = None,
    warnings: Warnings = None,
    report: ReportFile = None,
    findings: FindingsFile = None,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Release the content of each valid row of FILE; list row, field, rule and value for every other row.

    The command can be repeated.
    """
    if withdraw_missing and not full:
        fail("--withdraw-missing needs --full: only a full list shows which codes are gone", USAGE)
    given = dict(zip(Confirmation, (confirm_withdrawals, confirm_emptying, confirm_changes), strict=True))
    confirmed = frozenset(kind for kind, yes in given.items() if yes or confirm)
    wishes = ImportOptions(preview, empty_cells, full, withdraw_missing, confirmed)
    try:
        outcomes, names = read(file, format, mapping, codes), columns(format, mapping)
        origin = _origin(file, source or format, conversion(format, mapping, codes), region)
    except Refused as error:
        fail(str(error), USAGE)
    job = Job(file, outcomes, origin, names, rejects, warnings, report)
    before = earlier_run(report, origin.sha256)
    course, summary, stopped = _run(job, wishes, base_url, data_dir)
    if findings is not None:
        _write_findings(findings, summary)
    if as_json:
        print_json({**summary.as_json(course), "stopped": stopped})
    else:
        import_report.print_report(course, summary, before, stopped)
    raise typer.Exit(1 if import_report.is_unfinished(course, stopped) else 0)


def _write_findings(path: Path, summary: ImportReport) -> None:
    try:
        write_findings(path, summary.findings)
    except OSError as error:
        fail(f"--findings {path}: {error.strerror}", USAGE)


def _origin(file: Path, source: str, how: str, region: str) -> ImportOrigin:
    regions = tuple(word.strip() for word in region.split(",") if word.strip())
    wrong = next((word for word in regions if not re.fullmatch(REGION_PATTERN, word)), None)
    if wrong is not None:
        fail(f"--region {plain(wrong)}: expected 行政区划 of 6 digits, comma-separated", USAGE)
    if not re.fullmatch(SOURCE_PATTERN, source):
        fail(f"--source {plain(source)}: expected a name of letters, digits, dots and hyphens", USAGE)
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return ImportOrigin(source, how, file.name, sha256, _person(), regions)


def _person() -> str | None:
    """Return the name of the user who runs the command, if the system knows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None


@dataclass
class _RowListeners:
    """Passes events about rows to the files and the report."""

    files: Files
    report: ImportReport

    def warned(self, number: int | None, code: str | None, warnings: list[RowWarning]) -> None:
        self.files.warned(number, code, warnings)
        self.report.warn(number, code, warnings)

    def settled(self, result: Result) -> None:
        self.warned(result.number, result.code, warnings_of(result))
        self.files.settled(result)

    def refused(self, rejected: Rejected) -> None:
        self.files.refused(rejected)
        self.report.refuse(rejected)


def _run(
    job: Job, wishes: ImportOptions, base_url: str | None, data_dir: Path | None
) -> tuple[Course, ImportReport, str | None]:
    """Run the import; return also why it stopped before its end (None: it did not)."""
    try:
        with opened(job.rejects, job.warnings, job.report) as files, spooling() as spool:
            listeners = _RowListeners(files, ImportReport())
            reading = Reading(spool, RowListener(listeners.warned, listeners.refused), job.columns, wishes.empty_cells)
            with county(base_url, data_dir) as running:
                course = Course(reading, Desk(running, job.origin), wishes, listeners.settled)
                stopped = _run_with_progress(course, job, listeners)
            files.end({**sums(course), "stopped": stopped})
            return course, listeners.report, stopped
    except OSError as error:
        options = {"--rejects": job.rejects, "--warnings": job.warnings, "--report": job.report}
        option = next((name for name, path in options.items() if path and str(path) == error.filename), "")
        fail(f"{option} {error.filename}: {error.strerror}".strip(), USAGE)


def _until_interrupted(steps: Iterator[int]) -> Iterator[int]:
    """Yield from `steps`. After a first Ctrl-C the current request is completed; a second one does not wait.

    Raises `KeyboardInterrupt` between steps.
    """
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, ask)
    try:
        for step in steps:
            yield step
            if asked:
                raise KeyboardInterrupt
    finally:
        signal.signal(signal.SIGINT, before)


def _run_with_progress(course: Course, job: Job, listeners: _RowListeners) -> str | None:
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*bar, console=err) as progress:
        name = plain(job.file.name)
        task = progress.add_task(f"{name}: reading", total=None)
        try:
            for rows in _until_interrupted(course.reading.take(job.outcomes)):
                progress.update(task, completed=rows)
            facts = {"file": job.file.name, "sha256": job.origin.sha256, "source": job.origin.source}
            listeners.files.begin({**facts, "rows": course.reading.rows, "dry_run": course.wishes.dry_run})
            progress.update(task, description=name, total=course.reading.rows, completed=0)
            for rows in _until_interrupted(course.run()):
                progress.advance(task, rows)
        except KeyboardInterrupt:
            return "interrupted"
        except TongyuanError as error:
            if course.reading.rows == 0:
                raise
            return str(error)
    return None

"""`import`: read a foreign file into catalog and guides."""

import getpass
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.cli.content import import_report
from services.cli.content.import_gates import ImportGates
from services.cli.terminal import USAGE, BaseUrl, DataDir, Json_, county, err, fail, plain, print_json
from services.importing.engine.files import earlier_run, opened
from services.importing.engine.findings import write_findings
from services.importing.engine.import_run import Course, ImportOptions
from services.importing.engine.report import ImportReport
from services.importing.engine.sources import ImportOrigin
from services.importing.engine.spool import spooling
from services.importing.file_import import FileImport, FileToImport
from services.importing.formats.registry import FORMATS
from services.importing.row import Outcome
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
Submit = Annotated[
    bool,
    typer.Option("--submit", help="Submit what the import would do to the five gates, and change nothing else."),
]
Note = Annotated[str | None, typer.Option(help="With --submit: what reviewers should know.")]
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
    """One file to import, its rows, and the files to write."""

    file: FileToImport
    origin: ImportOrigin
    outcomes: Iterator[Outcome]
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
    submit: Submit = False,
    note: Note = None,
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

    The command can be repeated. In a county of five gates, --submit comes first; the same command without it imports
    what the gates have signed.
    """
    _require_sense(submit=submit, preview=preview, full=full, withdraw_missing=withdraw_missing)
    confirmed = _confirmed(confirm, confirm_withdrawals, confirm_emptying, confirm_changes)
    wishes = ImportOptions(preview or submit, empty_cells, full, withdraw_missing, confirmed, submit)
    given_file = FileToImport(file, format, _source(source or format), mapping, codes, _regions(region), _person())
    job = _job(given_file, rejects, warnings, report)
    gates = ImportGates(given_file.source, submit=submit, preview=preview, note=note)
    before = earlier_run(report, job.origin.sha256)
    course, summary, stopped = _run(job, wishes, gates, base_url, data_dir)
    if gates.refused:
        fail(gates.refused)
    if findings is not None:
        _write_findings(findings, summary)
    if as_json:
        print_json({**summary.as_json(course), "stopped": stopped, **gates.told()})
    else:
        import_report.print_report(course, summary, before, stopped)
        gates.say()
    raise typer.Exit(1 if import_report.is_unfinished(course, stopped) else 0)


def _job(file: FileToImport, rejects: Path | None, warnings: Path | None, report: Path | None) -> Job:
    try:
        return Job(file, file.origin(), file.outcomes(), rejects, warnings, report)
    except Refused as error:
        fail(str(error), USAGE)


def _confirmed(everything: bool, *each: bool) -> frozenset[Confirmation]:
    return frozenset(kind for kind, yes in zip(Confirmation, each, strict=True) if yes or everything)


def _require_sense(*, submit: bool, preview: bool, full: bool, withdraw_missing: bool) -> None:
    """End the command for options that contradict one another."""
    if submit and preview:
        fail("--submit and --preview are two things: look at the preview first, then submit", USAGE)
    if withdraw_missing and not full:
        fail("--withdraw-missing needs --full: only a full list shows which codes are gone", USAGE)


def _write_findings(path: Path, summary: ImportReport) -> None:
    try:
        write_findings(path, summary.findings)
    except OSError as error:
        fail(f"--findings {path}: {error.strerror}", USAGE)


def _regions(region: str) -> tuple[str, ...]:
    regions = tuple(word.strip() for word in region.split(",") if word.strip())
    wrong = next((word for word in regions if not re.fullmatch(REGION_PATTERN, word)), None)
    if wrong is not None:
        fail(f"--region {plain(wrong)}: expected 行政区划 of 6 digits, comma-separated", USAGE)
    return regions


def _source(source: str) -> str:
    if not re.fullmatch(SOURCE_PATTERN, source):
        fail(f"--source {plain(source)}: expected a name of letters, digits, dots and hyphens", USAGE)
    return source


def _person() -> str | None:
    """Return the name of the user who runs the command, if the system knows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None


def _run(
    job: Job, wishes: ImportOptions, gates: ImportGates, base_url: str | None, data_dir: Path | None
) -> tuple[Course, ImportReport, str | None]:
    """Run the import; return also why it stopped before its end (None: it did not)."""
    try:
        with opened(job.rejects, job.warnings, job.report) as files, spooling() as spool:
            with county(base_url, data_dir) as running:
                run = FileImport(job.file, job.origin, wishes, running, files, spool)
                gates.guard(run, running)
                stopped = _run_with_progress(run, job.outcomes)
                gates.end(stopped)
            run.end(stopped)
            return run.course, run.report, stopped
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


def _run_with_progress(run: FileImport, outcomes: Iterator[Outcome]) -> str | None:
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*bar, console=err) as progress:
        name, reading = plain(run.origin.file), run.course.reading
        task = progress.add_task(f"{name}: reading", total=None)
        try:
            for rows in _until_interrupted(run.read(outcomes)):
                progress.update(task, completed=rows)
            progress.update(task, description=name, total=reading.rows, completed=0)
            for rows in _until_interrupted(run.execute()):
                progress.advance(task, rows)
        except KeyboardInterrupt:
            return "interrupted"
        except TongyuanError as error:
            if reading.rows == 0:
                raise
            return str(error)
    return None

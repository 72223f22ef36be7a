"""`import`: a foreign file into the catalogue and the guides."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.cli.console import USAGE, BaseUrl, DataDir, Json_, county, err, fail, plain, print_json, say
from services.importing.formats import FORMATS, read
from services.importing.report import Report, write_rejects
from services.importing.row import Outcome
from services.importing.sending import Sender
from shared.errors import Refused

MOST_SHOWN = 20
FORMAT_HELP = "; ".join(f"{name}: {kind.title}" for name, kind in FORMATS.items())


def import_file(  # noqa: PLR0913, PLR0917  # an argument is an option of the command
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    format: Annotated[str, typer.Option(help=FORMAT_HELP)],  # noqa: A002  # the name of the option
    mapping: Annotated[
        Path | None, typer.Option(exists=True, help="YAML that says which column is what (csv).")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every row, change nothing.")] = False,
    rejects: Annotated[Path | None, typer.Option(help="Write rejected rows here, as JSON Lines.")] = None,
    confirm_withdrawals: Annotated[bool, typer.Option(help="Yes, withdraw more than max(20, 5 %).")] = False,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Release every good row of FILE; name row, field, rule and value of every other. Safe to repeat."""
    try:
        outcomes = read(file, format, mapping)
    except Refused as error:
        fail(str(error), USAGE)
    with _sink(rejects) as sink:
        with county(base_url, data_dir) as running:
            sender = Sender(running, Report(), dry_run=dry_run, confirm_withdrawals=confirm_withdrawals)
            _send(sender, outcomes, file)
        if sink is not None:
            for rejected in sender.sent.rejected:
                write_rejects(rejected, sink)
    _tell(sender, as_json=as_json)
    raise typer.Exit(1 if sender.sent.rejected else 0)


def _sink(rejects: Path | None) -> AbstractContextManager[TextIO | None]:
    """The file for rejected rows, opened before anything is sent: a wrong path must not cost the answer."""
    if rejects is None:
        return nullcontext()
    try:
        return rejects.open("w", encoding="utf-8")
    except OSError as error:
        fail(f"--rejects {rejects}: {error.strerror}", USAGE)


def _send(sender: Sender, outcomes: Iterator[Outcome], file: Path) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err) as progress:
        task = progress.add_task(plain(file.name), total=_lines(file) if file.suffix != ".json" else None)
        for done in sender.send(outcomes):
            progress.advance(task, done)
        progress.update(task, total=sender.report.rows, completed=sender.report.rows)


def _lines(file: Path) -> int:
    with file.open("rb") as stream:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(1 << 20), b""))


def _tell(sender: Sender, *, as_json: bool) -> None:
    report, sent, dry_run = sender.report, sender.sent, sender.dry_run
    if as_json:
        sums = {"released": sent.released, "unchanged": sent.unchanged, "withdrawn_versions": sent.withdrawn}
        print_json({**report.as_json(), **sums, "dry_run": dry_run})
        return
    would = "would be " if dry_run else ""
    say(
        f"{report.rows} rows: {report.accepted} accepted, {report.with_warnings} with warnings, "
        f"{report.rejected} rejected; {sent.released} versions {would}released, {sent.unchanged} unchanged, "
        f"{sent.withdrawn} {would}withdrawn"
    )
    for name, count in sorted(report.warnings.items(), key=lambda pair: -pair[1]):
        say(f"  [yellow]![/] {count:>6}  {name}")
    for rejected in sent.rejected[:MOST_SHOWN]:
        for violation in rejected.violations[:3]:
            value = f" ({violation.value!r})" if violation.value else ""
            reason = f"row {rejected.number}: {violation.field}: {violation.message} [{violation.rule}]{value}"
            say(f"  [red]✗[/] {plain(reason)}")
    if len(sent.rejected) > MOST_SHOWN:
        say(f"  … and {len(sent.rejected) - MOST_SHOWN} more; --rejects FILE writes them all")

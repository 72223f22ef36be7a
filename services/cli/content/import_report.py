"""The text that `import` prints: the outcome of the rows, what needs attention, and what to do next."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from contracts.base import Json
from services.cli.inspect import unknown_facts
from services.cli.terminal import err, out, plain, say
from services.importing.engine.figures import changes
from services.importing.engine.files import EarlierRun
from services.importing.engine.findings import DOUBTFUL, LEFT_OUT, REFUSED, Finding
from services.importing.engine.import_run import Course
from services.importing.engine.report import ImportReport, fates_of, figures_of, rows_with, unknown_of
from services.importing.engine.results import WORDS, Result, RowFate
from shared.publishing.recording_status import Effect, told

MOST_SHOWN = 20
FEW_ROWS = 3
PIPE_WIDTH = 200
"""Columns of a table that is not printed on a terminal."""

_SEVEREST_FIRST = (REFUSED, LEFT_OUT, DOUBTFUL)


def print_report(course: Course, report: ImportReport, before: EarlierRun | None, stopped: str | None) -> None:
    """Print the report as text."""
    sums = report.as_json(course)
    would = "would be " if course.wishes.dry_run else ""
    say(
        f"{sums['rows']} rows: {sums['accepted']} accepted, {sums['with_warnings']} with warnings, "
        f"{sums['rejected']} rejected; {sums['released']} versions {would}released, {sums['unchanged']} unchanged, "
        f"{sums['withdrawn']} {would}withdrawn"
    )
    outcomes = ((WORDS[RowFate(name)], count) for name, count in sums["outcomes"].items() if count)
    say(f"  outcome of each row: {', '.join(f'{count} {words}' for words, count in outcomes) or 'no rows'}")
    _print_figures(course)
    if course.notice:
        say(f"  [red]![/] {plain(told(course.notice))}")
    _print_earlier_run(course, before)
    _print_warnings(report)
    for note in unknown_facts.of_import(unknown_of(course.results)):
        say(f"  [yellow]?[/] {plain(note)}")
    _print_fields("kept: changed manually, and the source has not changed it since", rows_with("kept", course.results))
    _print_fields("overridden: changed manually, and by the source since", rows_with("overrides", course.results))
    _print_fields("emptied", rows_with("emptied", course.results))
    _print_fields("reverted: filled in by an earlier import, stated by no file", rows_with("corrected", course.results))
    _print_rejected(course.results)
    _print_findings(report.findings)
    _print_missing(course)
    _print_next_steps(course, stopped)


def _print_figures(course: Course) -> None:
    """Print what becomes of the county's items, and the fields of the first changed ones."""
    title = "preview, nothing was changed" if course.wishes.dry_run else "outcome"
    told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in asdict(figures_of(course)).items())
    say(f"  {title}: {told}")
    listed = changes(course.results)
    for one in listed[:FEW_ROWS]:
        emptied = f"; emptied: {', '.join(one['emptied'])}" if one["emptied"] else ""
        place = f"{one['sheet']} row {one['row']}".strip()
        say(f"    changed: {plain(place)}: {plain(', '.join(one['fields']) + emptied)}")
    if len(listed) > FEW_ROWS:
        say("    … --report FILE lists the fields of every row")


def is_unfinished(course: Course, stopped: str | None) -> bool:
    """Return whether an operator has to do something."""
    fates = fates_of(course)
    refused = course.notice is not None and course.notice["state"] == Effect.REFUSED
    return bool(
        refused
        or stopped
        or course.questions
        or fates[RowFate.REJECTED]
        or fates[RowFate.HELD]
        or fates[RowFate.NOT_REACHED]
    )


def _print_earlier_run(course: Course, before: EarlierRun | None) -> None:
    if before is not None and not before.ended:
        say(f"  an earlier run of this file was interrupted: {before.settled} of {before.rows} rows were finished")
    known = sum(one.before for one in course.results)
    if known:
        say(f"  {known} rows were finished by an earlier run of this file")


def _print_warnings(report: ImportReport) -> None:
    for name, count in sorted(report.warnings.items(), key=lambda pair: -pair[1]):
        rows = list(dict.fromkeys(one["row"] for one in report.warned if one["name"] == name))
        where = f"  (row {', '.join(map(str, rows[:FEW_ROWS]))}{' …' if count > FEW_ROWS else ''})" if rows else ""
        say(f"  [yellow]![/] {count:>6}  {name}{where}")
    if report.warned:
        say("  --warnings FILE lists row, column and value of every warning")


def _print_fields(what: str, listed: Iterable[Json]) -> None:
    entries = list(listed)
    for entry in entries[:FEW_ROWS]:
        say(f"  [yellow]![/] row {entry['row']}: {plain(', '.join(entry['fields']))}: {what}")
    if len(entries) > FEW_ROWS:
        say(f"  … and {len(entries) - FEW_ROWS} more rows with fields {what}; --report FILE lists them all")


def _print_rejected(results: Iterable[Result]) -> None:
    rejected = sorted((one for one in results if one.fate == RowFate.REJECTED), key=lambda one: one.number or 0)
    for result in rejected[:MOST_SHOWN]:
        for violation in result.reasons[:3]:
            value = f" ({violation.value!r})" if violation.value else ""
            reason = f"row {result.number}: {violation.field}: {violation.message} [{violation.rule}]{value}"
            say(f"  [red]✗[/] {plain(reason)}")
    if len(rejected) > MOST_SHOWN:
        say(f"  … and {len(rejected) - MOST_SHOWN} more; --rejects FILE lists them all")


def _print_findings(findings: Sequence[Finding]) -> None:
    """Print the first findings as a table, rejected rows first."""
    if not findings:
        return
    shown = sorted(findings, key=lambda one: _SEVEREST_FIRST.index(one.severity))[:MOST_SHOWN]
    table = Table(box=None, pad_edge=False, show_edge=False)
    for title in ("", "sheet 工作表", "row 行", "column 列", "value 值", "rule 规则", "remedy 处理办法"):
        table.add_column(title, overflow="fold")
    for one in shown:
        sign = "[red]✗[/]" if one.severity == REFUSED else "[yellow]![/]"
        value = "" if one.value is None else one.value[:30]
        cells = (one.sheet, one.row or "", one.column, value, one.rule, f"{one.remedy_zh} {one.remedy}")
        table.add_row(sign, *(plain(cell) for cell in cells))
    (out if out.is_terminal else Console(file=out.file, width=PIPE_WIDTH)).print(table)
    if len(findings) > len(shown):
        say(f"  … and {len(findings) - len(shown)} more; --findings FILE.csv lists them all")


def _print_missing(course: Course) -> None:
    codes = course.missing.codes
    if codes:
        done = [one for one in course.missing_results if one.fate == RowFate.WITHDRAWN]
        words = "would be withdrawn" if course.wishes.dry_run else "withdrawn"
        say(f"  {len(codes)} released items are not in this full list; {len(done)} {words}")
        for code in codes[:MOST_SHOWN]:
            say(f"    {plain(code)}")
        if not course.wishes.withdraw_missing:
            say("  --withdraw-missing withdraws them")
        elif course.reading.unreadable:
            row = course.reading.unreadable[0]
            say(f"  none of them is withdrawn: the code in row {row} cannot be read and may be one of these")
    for unit, count in course.missing.elsewhere.items():
        say(f"  unit {plain(unit)} has {count} items of this source but no row in the list: they are not changed")


def _print_next_steps(course: Course, stopped: str | None) -> None:
    for kind, question in course.questions.items():
        held = sum(one.held_for == kind for one in [*course.results, *course.missing_results])
        err.print(
            f"[bold red]✗[/] {question}; {held} rows are held, the others are finished. If this is right, repeat the "
            f"command with --confirm-{kind}",
            highlight=False,
            soft_wrap=True,
        )
    if stopped:
        left = course.not_reached()
        err.print(
            f"[bold red]✗[/] stopped: {plain(stopped)}. {left} rows were not reached, or their response was lost: "
            "import the file again; finished rows are recognised",
            highlight=False,
            soft_wrap=True,
        )

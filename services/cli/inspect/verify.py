"""`verify`: check that every channel shows exactly what the sources released."""

from typing import Annotated

import typer
from rich.table import Table

from contracts.kinds import is_public, kind_of
from services.channels.core.port import adapters
from services.cli.inspect import legend, unknown_facts
from services.cli.terminal import USAGE, BaseUrl, DataDir, Json_, county, err, fail, out, plain, print_json, say
from services.operations.verification.report import VerificationReport
from services.operations.verification.verifier import Verification

MOST_SHOWN = 50


def verify(
    channels: Annotated[list[str] | None, typer.Argument(help="Default: all.")] = None,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Read everything public, recompute it from the ledger, and compare. Exit 1 for a problem."""
    known = adapters()
    for name in channels or ():
        if name not in known:
            fail(f"there is no channel {name!r}; choose one of: {', '.join(known)}", USAGE)
    chosen = {name: known[name] for name in channels or known}
    with county(base_url, data_dir) as running, err.status("reading the ledger …") as status:
        run = Verification(running, running.config.allowed_delay, lambda what, n: status.update(f"{what}: {n}"))
        report = run.run(chosen)
        withheld = run.log.withheld
    if as_json:
        print_json({**report.as_json(), "cases_compared": not withheld})
    else:
        _print_report(report, withheld=withheld)
    raise typer.Exit(0 if report.good else 1)


def _print_report(report: VerificationReport, *, withheld: bool) -> None:
    say(f"ledger: {report.entries} entries, root {report.root[:16]}…, signature and order checked at {legend.now()}")
    table = Table("channel", "position", "documents", "differences", "head age")
    for name, facts in report.channels.items():
        age = facts["head_age_seconds"]
        row = (facts["position"], facts["documents"], facts["differences"], "none yet" if age is None else f"{age} s")
        table.add_row(name, *map(str, row))
    out.print(table)
    for line in legend.VERIFY:
        say(f"[dim]{line}[/]")
    say(plain(_compared(report, withheld=withheld)))
    if withheld:
        say("[yellow]![/] cases were not compared: reading them needs the service token")
    if not report.sources_compared:
        say("[yellow]![/] the ledger was not compared with its sources: reading their feeds needs the service token")
    if report.hall_unknown:
        say(f"[yellow]?[/] {plain(unknown_facts.hall(report.hall_unknown))}")
    for finding in report.findings[:MOST_SHOWN]:
        colour = "yellow" if finding.verdict == "stale" else "red"
        kind = kind_of(finding.key)
        key = finding.key if kind == finding.key or is_public(kind) else f"{kind}:…"
        say(f"[{colour}]{finding.verdict:>9}[/]  {plain(f'{finding.where}  {key}  {finding.detail}')}")
    if len(report.findings) > MOST_SHOWN:
        say(f"  … and {len(report.findings) - MOST_SHOWN} more; --json lists them all")
    say(verdict(report))


def _compared(report: VerificationReport, *, withheld: bool) -> str:
    """Return what was checked, so that nobody takes what was left out for checked."""
    sources = "the sources' releases with the ledger, " if report.sources_compared else ""
    cases = "" if withheld else ", and the digests of cases"
    if not report.entries:
        return "the ledger has no entry: nothing has been released yet, so there was nothing to compare"
    return (
        f"compared: {sources}every document that {', '.join(report.channels)} list with the ledger's newest version"
        f"{cases}; a difference that disappears within 10 s was on its way and is not counted"
    )


def verdict(report: VerificationReport) -> str:
    """Return the last line. If nothing new can be released, equal channels are not enough."""
    why = plain(report.unreleasable) if report.unreleasable else ""
    if report.good:
        return "[bold green]✓ the same source everywhere[/]"
    if report.consistent and why:
        return f"[bold red]✗ all channels are consistent, but nothing can be released:[/] {why}"
    return "[bold red]✗ differences found[/]" + (f"[bold red]; and nothing can be released:[/] {why}" if why else "")

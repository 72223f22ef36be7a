"""`verify`: is every channel exactly what the one source released?"""

from typing import Annotated

import typer
from rich.table import Table

from services.channels.port import adapters
from services.cli.console import USAGE, BaseUrl, DataDir, Json_, county, err, fail, out, plain, print_json, say
from services.verification import Report, Verification

MOST_SHOWN = 50


def verify(
    channels: Annotated[list[str] | None, typer.Argument(help="Which; default: all.")] = None,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Read what everybody can read, work it out again from the ledger, compare. Exit 1: a problem."""
    known = adapters()
    for name in channels or ():
        if name not in known:
            fail(f"no channel {name!r}; one of: {', '.join(known)}", USAGE)
    chosen = {name: known[name] for name in channels or known}
    with county(base_url, data_dir) as running, err.status("reading the ledger …") as status:
        run = Verification(running, running.config.allowed_delay, lambda what, n: status.update(f"{what}: {n}"))
        report = run.run(chosen)
        withheld = run.log.withheld
    if as_json:
        print_json({**report.as_json(), "cases_compared": not withheld})
    else:
        _tell(report, withheld=withheld)
    raise typer.Exit(0 if report.good else 1)


def _tell(report: Report, *, withheld: bool) -> None:
    say(f"ledger: {report.entries} entries, root {report.root[:16]}…, signature and order checked")
    table = Table("channel", "position", "documents", "differences", "head age")
    for name, facts in report.channels.items():
        age = facts["head_age_seconds"]
        row = (facts["position"], facts["documents"], facts["differences"], "none yet" if age is None else f"{age} s")
        table.add_row(name, *map(str, row))
    out.print(table)
    if withheld:
        say("[yellow]![/] cases were not compared: their contents need the service's token")
    for finding in report.findings[:MOST_SHOWN]:
        colour = "yellow" if finding.verdict == "stale" else "red"
        key = finding.key if not finding.key.startswith("application:") else "application:…"
        say(f"[{colour}]{finding.verdict:>9}[/]  {plain(f'{finding.where}  {key}  {finding.detail}')}")
    if len(report.findings) > MOST_SHOWN:
        say(f"  … and {len(report.findings) - MOST_SHOWN} more; --json lists them all")
    say("[bold green]✓ the same source everywhere[/]" if report.good else "[bold red]✗ differences found[/]")

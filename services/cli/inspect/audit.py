"""`audit`: show the auditor's findings, the age of its passes, and how long detection and repair took."""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from services.cli.terminal import BaseUrl, DataDir, Json_, RunningCounty, county, out, plain, print_json, say
from shared.errors import TongyuanError
from shared.publishing.recording_status import Notice, heard, unsigned

MOST_SHOWN = 30
COLOURS = {"orphan": "bold red", "foreign": "bold red", "missing": "red", "different": "red"}


def audit(
    everything: Annotated[bool, typer.Option("--all", help="Include repaired findings.")] = False,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Show what the auditor finds wrong now, field by field. Exit 1: something is wrong, or nothing can be released."""
    with county(base_url, data_dir) as running:
        report = running.get("auditor", "report")
        found = running.get("auditor", "findings", open=not everything, limit=1000)["findings"]
        blocked = unsigned(heard(running.get), datetime.now(UTC))
    good = report["good"] and blocked is None
    if as_json:
        print_json({**report, "good": good, "unreleasable": blocked and blocked.as_json(), "findings": found})
    else:
        _print_report(report, found, blocked)
    raise typer.Exit(0 if good else 1)


def audited(running: RunningCounty) -> dict[str, Any]:
    """Return the auditor's row of `status`: `read`, how much of the ledger it has read, and its findings by verdict.

    It publishes nothing, so it has no position and nothing waits for it. If it is down, the county still works, and
    `doctor` reports it.
    """
    try:
        report = running.get("auditor", "report")
    except TongyuanError:
        return {"position": None, "behind": 0, "read": None, "findings": {}}
    verdicts = Counter[str]()
    for of_channel in report["open"].values():
        verdicts.update(of_channel)
    return {"position": None, "behind": 0, "read": report["ledger"]["position"], "findings": dict(verdicts)}


def _print_report(report: dict[str, Any], found: list[dict[str, Any]], blocked: Notice | None) -> None:
    table = Table("channel", "surface", "compared", "age", "took")
    for name, surfaces in report["channels"].items():
        for surface, one in surfaces.items():
            table.add_row(name, surface, str(one["checked"]), f"{one['age_seconds']:.0f} s", f"{one['seconds']:.1f} s")
    out.print(table)
    for title in ("detect", "repair"):
        figures = report[f"{title}_seconds"]
        if figures:
            say(f"time to {title}: median {figures['median']:.1f} s, max {figures['most']:.1f} s ({figures['count']})")
    for finding in found[:MOST_SHOWN]:
        _print_finding(finding)
    if len(found) > MOST_SHOWN:
        say(f"  … and {len(found) - MOST_SHOWN} more; --json lists them")
    if not report["ledger"].get("sources", {}).get("news"):
        say("[yellow]![/] the ledger has not been compared with its sources yet")
    if not report["channels"]:
        say("[yellow]![/] nothing has been read yet")
    if not report["good"]:
        say("[red]✗ something is wrong and not yet repaired[/]")
    if blocked:
        say(f"[red]✗ nothing can be released:[/] {plain(blocked)}")
    elif report["good"]:
        say("[green]✓ nothing is wrong[/]")


def _print_finding(finding: dict[str, Any]) -> None:
    repaired = finding["repaired_at"]
    colour = "green" if repaired else COLOURS.get(finding["verdict"], "red")
    where = plain(f"{finding['channel']}  {finding['key']}  ({finding['surface']})")
    state = f"repaired after {finding['repair_seconds']:.1f} s" if repaired else f"since {finding['found_at'][:19]}"
    say(f"[{colour}]{finding['verdict']:>9}[/]  {where}  {state}")
    if finding["problem"] and not repaired:
        say(f"           {plain(finding['problem'])}")
    for one in finding["differences"]:
        sides = ", ".join(f"{side} {one[side]!r}" for side in ("expected", "found") if side in one)
        say(f"           {plain(one['path'])}: {plain(sides)}")

"""`audit-log`: recompute the chain of each audit log, and compare it with what the ledger has signed."""

from collections.abc import Iterator
from typing import Any

import typer

from contracts.base import Json
from contracts.envelope.statement import AuditHead
from services.cli.terminal import BaseUrl, DataDir, Json_, RunningCounty, county, plain, print_json, say
from services.runtime.manifests import AUDITED
from shared.audit.verification import Verification
from shared.errors import NotFound
from shared.transparency.head_statement import read_statement

PAGE = 1000
MOST_SHOWN = 20
app = typer.Typer(help="Who did what at the sources and the desk (docs/operating/audit-log.md).")


@app.command("verify")
def verify(base_url: BaseUrl = None, data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """Recompute every hash of each audit log, and find the signed rows in it. Exit 1: something differs."""
    with county(base_url, data_dir) as running:
        signed = _signed(running)
        report = {log: _checked(running, log, signed.get(log)) for log in AUDITED}
    good = not any(one["faults"] for one in report.values())
    if as_json:
        print_json({"good": good, "sources": report})
    else:
        for source, one in report.items():
            _print(source, one)
    raise typer.Exit(0 if good else 1)


def _signed(running: RunningCounty) -> dict[str, AuditHead]:
    """Return the rows that the newest signed statement names; none while there is no statement."""
    try:
        note = running.get("ledger", "statement")["note"]
    except NotFound:
        return {}
    statement = read_statement(note, running.get("ledger", "keys")["keys"])
    return {head.source: head for head in statement.audit_heads}


def _checked(running: RunningCounty, log: str, signed: AuditHead | None) -> Json:
    found = Verification().check(_rows(running, log), signed)
    return {"rows": found.rows, "signed": found.signed, "faults": found.faults}


def _rows(running: RunningCounty, source: str) -> Iterator[Json]:
    before: int | None = None
    while True:
        params: dict[str, Any] = {"limit": PAGE, **({} if before is None else {"before": before})}
        page = running.get(source, "audit", **params)
        yield from page["rows"]
        before = page["next"]
        if before is None:
            return


def _print(source: str, one: Json) -> None:
    signed = "the ledger has signed none yet" if one["signed"] is None else f"signed up to row {one['signed']}"
    mark = "[red]✗[/]" if one["faults"] else "[green]✓[/]"
    say(f"{mark} {plain(source)}: {one['rows']} rows recomputed, {signed}")
    for fault in one["faults"][:MOST_SHOWN]:
        say(f"  [red]{plain(fault)}[/]")
    if len(one["faults"]) > MOST_SHOWN:
        say(f"  … and {len(one['faults']) - MOST_SHOWN} more; --json lists them")

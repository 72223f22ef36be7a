"""`status`, `trace`, `rebuild`: an operator's first commands in an incident."""

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import httpx
import typer
from rich.progress import Progress
from rich.table import Table

from contracts.kinds import KINDS, kind_of
from contracts.topology import AUDITOR, SOURCES
from services.cli.inspect import calendars, legend, part_state
from services.cli.inspect.audit import audited
from services.cli.terminal import (
    USAGE,
    BaseUrl,
    DataDir,
    Json_,
    RunningCounty,
    county,
    err,
    fail,
    out,
    plain,
    print_json,
    say,
)
from services.runtime.manifests import CHANNELS
from shared.county.identity import Identity
from shared.errors import NotFound, Refused, TongyuanError

MOST_SHOWN = 20
WATCH_SECONDS = 2.0


def status(
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again every two seconds, until Ctrl-C.")] = False,
) -> None:
    """Show the progress of every part: released, recorded, shown.

    Exit 1 when something is behind, parked, halted or wrong.
    """
    while watch:
        # A county that does not answer is said, and asked again.
        with suppress(typer.Exit):
            _show_status(base_url, data_dir, as_json=as_json, clear=True)
        time.sleep(WATCH_SECONDS)
    facts = _show_status(base_url, data_dir, as_json=as_json)
    raise typer.Exit(0 if facts["good"] else 1)


def _show_status(base_url: str | None, data_dir: Path | None, *, as_json: bool, clear: bool = False) -> dict[str, Any]:
    with county(base_url, data_dir) as running:
        facts = _status(running)
    if clear and not as_json:
        out.clear()
    if as_json:
        print_json(facts)
    else:
        say(plain(titled(Identity(**facts["county"]) if facts["county"] else None)))
        _tell_status(facts)
    return facts


def _tell_status(facts: dict[str, Any]) -> None:
    table = Table("part", "position", "behind", "head age", "parked", "findings")
    for name, row in facts["parts"].items():
        table.add_row(name, *map(part_state.cell, (row.get("read", row["position"]), row["behind"])), *_cells(row))
    out.print(table)
    for line in legend.STATUS:
        say(f"[dim]{line}[/]")
    for line in part_state.advice(facts["parts"]):
        say(f"[red]{plain(line)}[/]")
    for warning in facts["warnings"]:
        say(f"[yellow]! {plain(warning)}[/]")
    if not any(row["position"] for row in facts["parts"].values()):
        say("nothing has been released yet: positions start with the first release or import")
    if facts["good"]:
        say(f"[green]✓ all well[/] at {legend.now()}: nothing is behind, parked, halted, damaged or found wrong")
    else:
        say(f"[red]✗ something is behind, parked, halted or wrong[/] at {legend.now()}")


def _cells(row: dict[str, Any]) -> Iterator[str]:
    age_seconds, findings = row.get("head_age_seconds"), row.get("findings")
    yield part_state.cell(None if age_seconds is None else f"{age_seconds} s")
    yield part_state.cell(row.get("parked"))
    counted = (f"{count} {verdict}" for verdict, count in (findings or {}).items())
    yield part_state.cell(findings if findings is None else ", ".join(counted) or 0)


def trace(
    key: Annotated[str, typer.Argument(help="item:<实施编码>, guide:<实施编码>, application:<case_ref>, act:<…>")],
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Follow one key: released by its source, recorded by the ledger, shown by each channel."""
    entry = KINDS.get(kind_of(key))
    source = entry.owner(key) if entry and entry.has(key) else None
    if source is None:
        fail(f"a key is a kind and a name, such as {', '.join(f'{kind}:…' for kind in KINDS)}", USAGE)
    with county(base_url, data_dir) as running:
        facts = {
            "key": key,
            "released": running.get(source, f"releases/{key}"),
            "imported": _imported(running, source, key),
            "recorded": running.get("ledger", f"versions/{key}")["versions"],
            "shown": {name: _shown(running, name, key) for name in CHANNELS},
        }
    if as_json:
        print_json(facts)
    else:
        _tell_trace(facts)
    raise typer.Exit(0 if facts["recorded"] else 1)


def rebuild(
    channel: Annotated[str, typer.Argument(help="web, mobile, kiosk or portal")],
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    new_epoch: Annotated[
        bool,
        typer.Option("--new-epoch", help="Rebuild even if the ledger lost entries; every screen then starts over."),
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="Read every entry instead of a snapshot.")] = False,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Rebuild even if documents are lost that no entry withdraws.")
    ] = False,
    as_json: Json_ = False,
) -> None:
    """Rebuild a channel separately from the ledger, then replace the live one; list the documents that differed.

    A rebuild is refused if it would lose documents because the ledger is damaged or lost entries; they are listed.
    """
    if channel not in CHANNELS:
        fail(f"there is no channel {channel!r}; choose one of: {', '.join(CHANNELS)}", USAGE)
    last: dict[str, Any] = {}
    with county(base_url, data_dir) as running, Progress(console=err, transient=True) as progress:
        task = progress.add_task(channel, total=None)
        how = {"new_epoch": new_epoch, "full": full, "accept_loss": accept_loss}
        for last in running.stream(channel, f"rebuild?{urlencode({name: _lower(on) for name, on in how.items()})}"):
            progress.update(task, total=last.get("of"), completed=max(last.get("position", 0), last.get("keys", 0)))
    if "failed" in last or not last.get("done"):
        fail(f"not rebuilt; nothing was changed: {last.get('failed', 'no answer')}")
    if as_json:
        print_json(last)
    else:
        since = f"a snapshot of {last['snapshot']} and the entries since" if last.get("snapshot") else "all read"
        say(f"{channel}: rebuilt from {last['of']} entries ({since}), {len(last['differences'])} documents differed")
        for key in last["differences"][:MOST_SHOWN]:
            say(f"  {plain(key)}")
        for one in last.get("lost", ())[:MOST_SHOWN]:
            say(f"  [red]lost[/] {plain(one)}")


def _lower(choice: bool) -> str:
    return str(choice).lower()


def county_of(running: RunningCounty) -> Identity | None:
    """Return the county that the ledger names; None when it does not answer, or names none."""
    try:
        return _identity(running.ready("ledger"))
    except TongyuanError:
        return None


def identity_of(answer: httpx.Response) -> Identity | None:
    """Return the county that a service names in its `/readyz`, or None."""
    try:
        return _identity(answer.json())
    except ValueError:
        return None


def titled(county: Identity | None) -> str:
    """Return the county as one line."""
    return "a county without a stated identity" if county is None else f"{county.title}, log {county.origin}"


def _identity(facts: Any) -> Identity | None:
    said = facts.get("county") if isinstance(facts, dict) else None
    return Identity(*(said.get(part) for part in ("region", "origin", "county", "demo"))) if said else None


def _status(running: RunningCounty) -> dict[str, Any]:
    marks = {(m["source"], m["lane"]): m["sequence"] for m in running.get("ledger", "sources")["sources"]}
    parts: dict[str, dict[str, Any]] = {}
    for source in SOURCES:
        for lane, released in running.get(source, "releases/heads").items():
            taken = marks.get((source, lane), 0)
            parts[f"{source} ({lane})"] = {"position": released, "behind": released - taken}
    size = running.get("ledger", "entries", limit=1)["size"]
    head = _newest_head(running)
    signer = running.get("ledger", "signer")
    parts["ledger"] = {
        "position": size,
        "behind": 0,
        "head_age_seconds": age(head),
        "unsigned": head is None,
        **{what: signer.get(what) for what in ("refuses", "damaged")},
    }
    for name in CHANNELS:
        mark, follows = running.get(name, "position"), running.get(name, "lineage")
        parts[name] = {
            "position": mark["position"],
            "behind": max(size - mark["position"], 0),
            "head_age_seconds": age(mark["head"]),
            "parked": len(running.get(name, "parked")["parked"]),
            "halted": follows["halted"],
            "paused": follows.get("paused"),
            "drill": running.get(name, "drill"),
            "refused": running.get(name, "witness")["refused"],
        }
    parts[AUDITOR] = audited(running)
    belongs = county_of(running)
    return {
        "good": not any(map(part_state.is_bad, parts.values())),
        "county": belongs and belongs.as_json(),
        "parts": parts,
        "warnings": list(calendars.warnings(running)),
    }


def _newest_head(running: RunningCounty) -> dict[str, Any] | None:
    try:
        head: dict[str, Any] = running.get("ledger", "head")
    except Refused:
        return None
    return head


def age(head: dict[str, Any] | None) -> float | None:
    return None if head is None else round(time.time() - datetime.fromisoformat(head["time"]).timestamp(), 1)


def _shown(running: RunningCounty, name: str, key: str) -> Any:
    try:
        return running.get(name, f"trace/{key}")
    except NotFound:
        return None


def _imported(running: RunningCounty, source: str, key: str) -> list[dict[str, Any]]:
    """Return which file and row each version came from. Cases are not imported."""
    if source == "applications":
        return []
    found: list[dict[str, Any]] = running.get(source, f"imports/provenance/{key}")["provenance"]
    return found


def _origin_words(one: dict[str, Any]) -> str:
    row = f" row {one['row']}" if one["row"] is not None else ""
    file = f"{one['file']}{row} (SHA-256 {one['sha256']})" if one["file"] else "a request without a file"
    by = f" by {one['by']}" if one["by"] else ""
    return f"imported{by} at {one['imported_at']} for source {one['source']} from {file}"


def _tell_trace(facts: dict[str, Any]) -> None:
    say(f"[bold]{plain(facts['key'])}[/]")
    say("  asked: the source's versions, the ledger's entries, the newest version of each channel; times are UTC")
    positions = {entry["version"]: entry for entry in facts["recorded"]}
    for release in facts["released"]:
        entry = positions.get(release["version"])
        where = f"position {entry['position']} at {entry['recorded_at']}" if entry else "[red]not recorded[/]"
        say(f"  version {release['version']:>3}  {release['op']:<8}  released {release['released_at']}  {where}")
        for one in facts["imported"]:
            if one["version"] == release["version"]:
                say(f"               {plain(_origin_words(one))}")
    for name, shown in facts["shown"].items():
        if shown is None:
            say(f"  {name:<7} [red]nothing[/]")
            continue
        state = "shown" if shown["shown"] else "not shown (withdrawn, ended, or not for this channel)"
        say(f"  {name:<7} version {shown['version']} {state}, position {shown['position']}")
    if not facts["released"] and not facts["recorded"]:
        say("nothing was ever released under this key: compare it with the item's 实施编码, 31 or 33 characters.")
        say("A draft that was saved and never released has no version yet.")
    elif None in facts["shown"].values():
        say("nothing: no version has reached the channel (`tongyuan status`), or the channel does not take this kind")

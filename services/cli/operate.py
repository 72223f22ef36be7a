"""`status`, `trace`, `rebuild`, `doctor`: what an operator asks at 3 a.m."""

import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from prometheus_client.parser import text_string_to_metric_families
from rich.progress import Progress
from rich.table import Table

from contracts.topology import AUDITOR, CHANNELS, SOURCES
from services.cli import certificates
from services.cli.audit import audited
from services.cli.console import USAGE, BaseUrl, County, DataDir, Json_, county, err, fail, out, plain, print_json, say
from shared.errors import NotFound, Refused, TongyuanError
from shared.tls import reason

MOST_SHOWN = 20
LEAST_FREE_MIB = 500
CLOCKS_SECONDS, OLD_HEAD_SECONDS, UNSENT_SECONDS = 5, 60, 60
UNSENT = "tongyuan_outbox_oldest_age_seconds"
SECRETS = ("admin-token", "service-token", "ledger-key.pem")


def status(base_url: BaseUrl = None, data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """How far every part is: released, recorded, shown. Exit 1 when something is behind, parked, halted or wrong."""
    with county(base_url, data_dir) as running:
        facts = _status(running)
    if as_json:
        print_json(facts)
    else:
        table = Table("part", "position", "behind", "head age", "parked", "findings")
        for name, row in facts["parts"].items():
            cells = [row.get(column) for column in ("position", "behind", "head_age_seconds", "parked", "findings")]
            table.add_row(name, *("" if cell in (None, {}) else str(cell) for cell in cells))
        out.print(table)
        for line in _warnings(facts["parts"]):
            say(f"[red]{plain(line)}[/]")
        say("[green]✓ all well[/]" if facts["good"] else "[red]✗ something is behind, parked, halted or wrong[/]")
    raise typer.Exit(0 if facts["good"] else 1)


def trace(
    key: Annotated[str, typer.Argument(help="item:<实施编码>, guide:<实施编码> or application:<case_ref>")],
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Follow one key: released by its source, recorded by the ledger, shown by each channel."""
    source = {"item": "catalog", "guide": "guides", "application": "applications"}.get(key.partition(":")[0])
    if source is None:
        fail("a key begins with item:, guide: or application:", USAGE)
    with county(base_url, data_dir) as running:
        facts = {
            "key": key,
            "released": running.get(source, f"releases/{key}"),
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
        bool, typer.Option("--new-epoch", help="Even if the ledger went back; every screen then starts over.")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="Read every entry, also where a snapshot is quicker.")] = False,
    as_json: Json_ = False,
) -> None:
    """Build a channel anew from the ledger, aside, and swap it in; says which documents differed."""
    if channel not in CHANNELS:
        fail(f"no channel {channel!r}; one of: {', '.join(CHANNELS)}", USAGE)
    last: dict[str, Any] = {}
    with county(base_url, data_dir) as running, Progress(console=err, transient=True) as progress:
        task = progress.add_task(channel, total=None)
        for last in running.stream(channel, f"rebuild?new_epoch={_lower(new_epoch)}&full={_lower(full)}"):
            progress.update(task, total=last.get("of"), completed=max(last.get("position", 0), last.get("keys", 0)))
    if "failed" in last or not last.get("done"):
        fail(f"not rebuilt, nothing was changed: {last.get('failed', 'no answer')}")
    if as_json:
        print_json(last)
    else:
        since = f"a snapshot of {last['snapshot']} and those since" if last.get("snapshot") else "every one"
        say(f"{channel}: rebuilt from {last['of']} entries ({since}), {len(last['differences'])} documents differed")
        for key in last["differences"][:MOST_SHOWN]:
            say(f"  {plain(key)}")


def _lower(choice: bool) -> str:
    return str(choice).lower()


def doctor(base_url: BaseUrl = None, data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """Check what this county needs: services, clocks, disk, file rights, certificates. Exit 1 for anything wrong."""
    with county(base_url, data_dir) as running:
        problems = [
            *_services_problems(running),
            *_broker_problems(running),
            *_clock_problems(running),
            *_folder_problems(running.config.data_dir),
            *certificates.problems(running),
        ]
    if as_json:
        print_json({"problems": problems})
    else:
        for problem in problems:
            say(f"[red]✗[/] {plain(problem)}")
        if not problems:
            say("[green]✓ nothing wrong found[/]")
    raise typer.Exit(1 if problems else 0)


def _services_problems(running: County) -> Iterator[str]:
    for service in (*SOURCES, "ledger", *CHANNELS, AUDITOR):
        try:
            answer = running.http(service).get(f"/{service}/readyz")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            yield f"{service} does not answer: {reason(error)}"
            continue
        if not answer.is_success:
            yield f"{service} is not ready: {answer.status_code}"


def _broker_problems(running: County) -> Iterator[str]:
    """What the broker does not take. `status` may be content meanwhile: who waits for news compares, and finds it."""
    for service in (*SOURCES, "ledger"):
        try:
            answer = running.http(service).get(f"/{service}/metrics")
        except (httpx.HTTPError, httpx.InvalidURL):
            continue
        families = text_string_to_metric_families(answer.text) if answer.is_success else ()
        samples = [sample for family in families if family.name == UNSENT for sample in family.samples]
        age = max((one.value for one in samples if one.labels["service"] == service), default=0)
        if age > UNSENT_SECONDS:
            yield f"{service}: the broker has not confirmed what is {age:.0f} s old (at-three-in-the-morning.md)"


def _clock_problems(running: County) -> Iterator[str]:
    """The head's time is the sequencer's clock."""
    try:
        age = _age(running.get("ledger", "head"))
    except TongyuanError:
        return
    if age is not None and age < -CLOCKS_SECONDS:
        yield f"the ledger's newest head is {-age:.0f} s in the future: compare the machines' clocks"
    elif age is not None and age > OLD_HEAD_SECONDS:
        yield f"the ledger's newest head is {age:.0f} s old: is the sequencer running, do the clocks agree?"


def _folder_problems(folder: Path) -> Iterator[str]:
    if not folder.exists():
        return
    free = shutil.disk_usage(folder).free // 2**20
    if free < LEAST_FREE_MIB:
        yield f"only {free} MiB are free under {folder}"
    for name in SECRETS:
        file = folder / name
        if file.exists() and file.stat().st_mode & 0o077:
            yield f"{file} can be read by others: chmod 600"


def _status(running: County) -> dict[str, Any]:
    marks = {(m["source"], m["lane"]): m["sequence"] for m in running.get("ledger", "sources")["sources"]}
    parts: dict[str, dict[str, Any]] = {}
    for source in SOURCES:
        for lane, released in running.get(source, "releases/heads").items():
            taken = marks.get((source, lane), 0)
            parts[f"{source} ({lane})"] = {"position": released, "behind": released - taken}
    size = running.get("ledger", "entries", limit=1)["size"]
    parts["ledger"] = {
        "position": size,
        "behind": 0,
        "head_age_seconds": _age(_newest_head(running)),
        "refuses": running.get("ledger", "signer")["refuses"],
    }
    for name in CHANNELS:
        mark = running.get(name, "position")
        parts[name] = {
            "position": mark["position"],
            "behind": max(size - mark["position"], 0),
            "head_age_seconds": _age(mark["head"]),
            "parked": len(running.get(name, "parked")["parked"]),
            "halted": running.get(name, "lineage")["halted"],
            "drill": running.get(name, "drill"),
            "refused": running.get(name, "witness")["refused"],
        }
    parts[AUDITOR] = audited(running)
    return {"good": not any(map(_is_bad, parts.values())), "parts": parts}


def _newest_head(running: County) -> dict[str, Any] | None:
    try:
        head: dict[str, Any] = running.get("ledger", "head")
    except Refused:
        return None
    return head


def _is_bad(part: dict[str, Any]) -> bool:
    """Behind, or ahead: a source that was restored from an older backup has released less than the ledger has of it."""
    wrong = any(part.get(what) for what in ("parked", "halted", "refuses", "findings"))
    return bool(part["behind"] or wrong or _failed(part) or _stale(part))


def _stale(part: dict[str, Any]) -> bool:
    """Heads come every other second, whatever is released: without one it cannot know what it lacks."""
    age = part.get("head_age_seconds")
    return age is not None and age > OLD_HEAD_SECONDS


def _failed(part: dict[str, Any]) -> bool:
    return part.get("drill", {}).get("good") is False


def _warnings(parts: dict[str, dict[str, Any]]) -> Iterator[str]:
    for name, part in parts.items():
        if refuses := part.get("refuses"):
            yield f"{name} signs and records nothing since {refuses['since']}: {refuses['reason']}"
            yield "  restore a newer ledger; or, where its key is, take it as it is (docs/operating/keys.md):"
            yield f"  tongyuan keys accept {refuses['size']} {refuses['root']}"
        if part.get("halted"):
            yield f"{name} is halted since {part['halted']['since']}: {part['halted']['reason']}"
            yield f"  restore a newer ledger, or: tongyuan rebuild {name} --new-epoch (docs/operating/backup.md)"
        if refused := part.get("refused"):
            yield f"{name} has refused {refused['count']} heads, the newest at {refused['at']}: {refused['reason']}"
        if _stale(part):
            yield f"{name}: its newest head is {part['head_age_seconds']:.0f} s old (at-three-in-the-morning.md)"
        if _failed(part):
            yield f"{name}: the drill of {part['drill']['finished_at']} failed: tongyuan drill {name}"
        if part["behind"] < 0:
            yield f"{name} has released {-part['behind']} fewer than the ledger has of it (docs/operating/backup.md)"


def _age(head: dict[str, Any] | None) -> float | None:
    return None if head is None else round(time.time() - datetime.fromisoformat(head["time"]).timestamp(), 1)


def _shown(running: County, name: str, key: str) -> Any:
    try:
        return running.get(name, f"trace/{key}")
    except NotFound:
        return None


def _tell_trace(facts: dict[str, Any]) -> None:
    say(f"[bold]{plain(facts['key'])}[/]")
    positions = {entry["version"]: entry for entry in facts["recorded"]}
    for release in facts["released"]:
        entry = positions.get(release["version"])
        where = f"position {entry['position']} at {entry['recorded_at']}" if entry else "[red]not recorded[/]"
        say(f"  version {release['version']:>3}  {release['op']:<8}  released {release['released_at']}  {where}")
    for name, shown in facts["shown"].items():
        if shown is None:
            say(f"  {name:<7} [red]nothing[/]")
            continue
        state = "shown" if shown["shown"] else "not shown"
        say(f"  {name:<7} version {shown['version']} {state}, position {shown['position']}")

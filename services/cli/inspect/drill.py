"""`drill`: check whether a rebuild would give exactly what is shown. Changes nothing."""

from typing import Annotated, Any

import typer
from rich.progress import Progress

from services.cli.terminal import (
    USAGE,
    BaseUrl,
    DataDir,
    Json_,
    RunningCounty,
    county,
    err,
    fail,
    plain,
    print_json,
    say,
)
from services.runtime.manifests import CHANNELS

MOST_SHOWN = 20


def drill(
    channels: Annotated[list[str] | None, typer.Argument(help="Default: all.")] = None,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Rebuild each channel separately from the ledger and compare it with the live one.

    Exit 1 for a difference or an unfinished drill.
    """
    for name in channels or ():
        if name not in CHANNELS:
            fail(f"there is no channel {name!r}; choose one of: {', '.join(CHANNELS)}", USAGE)
    with county(base_url, data_dir) as running, Progress(console=err, transient=True) as progress:
        results = {name: _run_drill(running, name, progress) for name in channels or CHANNELS}
    if as_json:
        print_json(results)
    else:
        for name, result in results.items():
            _print_result(name, result)
    raise typer.Exit(0 if all(map(_is_good, results.values())) else 1)


def _run_drill(running: RunningCounty, name: str, progress: Progress) -> dict[str, Any]:
    last: dict[str, Any] = {"failed": "no answer"}
    task = progress.add_task(name, total=None)
    for last in running.stream(name, "drill"):
        progress.update(task, total=last.get("of"), completed=last.get("position", 0))
    return last if last.get("done") else {"failed": last.get("failed", "the drill ended early")}


def _is_good(result: dict[str, Any]) -> bool:
    return "failed" not in result and not result["differences"] and result["root_before"] == result["root_after"]


def _print_result(name: str, result: dict[str, Any]) -> None:
    if "failed" in result:
        say(f"[red]✗[/] {name}: {plain(result['failed'])}")
    elif _is_good(result):
        say(f"[green]✓[/] {name}: {result['of']} entries yield root {result['root_after'][:16]}…, as the live one")
    else:
        say(f"[red]✗[/] {name}: {len(result['differences'])} documents differ from the ledger")
        for key in result["differences"][:MOST_SHOWN]:
            say(f"  {plain(key)}")

"""`backup` and `restore`: the whole county into one file, and back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from services import backup as county_backup
from services.backup import ORDER, Outcome
from services.cli import console
from services.cli.console import USAGE, DataDir, Json_, err, fail, plain, print_json, say
from shared.errors import TongyuanError


def backup(
    target: Annotated[Path, typer.Argument(help="File to write, or folder to give it a name in.")],
    data_dir: DataDir = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file when there is one.")] = False,
    as_json: Json_ = False,
) -> None:
    """Write everything that this county needs to come back into one file; it may run meanwhile."""
    config = console.settings(data_dir=data_dir)
    if target.is_file() and not force:
        fail(f"{target} is there already; --force replaces it", USAGE)
    if not target.absolute().parent.is_dir():
        fail(f"there is no folder {target.absolute().parent}", USAGE)
    with _telling() as tell:
        done = county_backup.backup(config, target.absolute(), tell)
    _report(done, as_json, f"backup written: {done.file}, {done.file.stat().st_size // 1024 + 1} KiB")


def restore(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="What `tongyuan backup` wrote.")],
    data_dir: DataDir = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="This service's store alone; may be repeated.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Even if there is a county; it is kept aside.")] = False,
    as_json: Json_ = False,
) -> None:
    """Put a backup back, after all of it was checked. The county must not run. Exit 1: nothing was changed."""
    config = console.settings(data_dir=data_dir)
    for service in only or ():
        if service not in ORDER:
            fail(f"no service {service!r}; one of: {', '.join(sorted(ORDER))}", USAGE)
    with _telling() as tell:
        done = county_backup.restore(config, file, only or [], tell, force=force)
    _report(done, as_json, f"restored from {file.name}, made {done.manifest.made_at:%Y-%m-%d %H:%M:%S} UTC")


def _report(done: Outcome, as_json: bool, line: str) -> None:
    manifest = done.manifest
    if as_json:
        head = None if manifest.head is None else {"size": manifest.head.size, "root": manifest.head.root}
        facts: dict[str, Any] = {"file": str(done.file), "made_at": manifest.made_at.isoformat(), "head": head}
        print_json({**facts, "marks": manifest.marks, "notes": done.notes, "kept": done.kept})
        return
    say(f"[green]✓[/] {plain(line)}")
    head_text = (
        "no head yet" if manifest.head is None else f"newest head {manifest.head.size}, {manifest.head.root[:16]}…"
    )
    say(f"  {manifest.marks['ledger']} entries, {head_text}")
    if done.kept:
        say(f"  what was there before is kept: {plain(done.kept)}")
    for note in done.notes:
        say(f"[yellow]![/] {plain(note)}")


@contextmanager
def _telling() -> Iterator[county_backup.Tell]:
    """A progress bar over the stores; what goes wrong ends the command with one line."""
    try:
        with Progress(console=err, transient=True) as progress:
            task = progress.add_task("", total=len(ORDER) + 1)
            yield lambda what, number: progress.update(
                task, description=what, completed=min(number, len(ORDER)) if what != "ledger" else None
            )
    except (TongyuanError, OSError) as error:
        fail(str(error))

"""`backup` and `restore`: the whole county into one file, and back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from services.cli import terminal
from services.cli.terminal import USAGE, DataDir, Json_, err, fail, plain, print_json, say, words
from services.operations.backups import backup as county_backup
from services.operations.backups import restore as county_restore
from services.operations.backups.backup import ORDER, BackupResult
from services.operations.backups.textfile import require_textfile, write_textfile
from shared.config import SettingsError
from shared.errors import Invalid, TongyuanError


def backup(
    target: Annotated[Path, typer.Argument(help="File to write, or a folder, in which the file name is chosen.")],
    encrypt_to: Annotated[
        list[str] | None,
        typer.Option(
            "--encrypt-to",
            metavar="RECIPIENT",
            help="Encrypt for this recipient, whose identity alone can read it; repeatable.",
        ),
    ] = None,
    metrics_file: Annotated[
        Path | None,
        typer.Option("--metrics-file", help="File *.prom for the node exporter: it tells how old the backup is."),
    ] = None,
    data_dir: DataDir = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: Json_ = False,
) -> None:
    """Write everything needed to restore this county into one signed file; the county may keep running."""
    config = terminal.settings(data_dir=data_dir)
    if target.is_file() and not force:
        fail(f"{target} already exists; --force replaces it", USAGE)
    if not target.absolute().parent.is_dir():
        fail(f"there is no folder {target.absolute().parent}", USAGE)
    if metrics_file is not None:
        require_textfile(metrics_file)
    with _progress_bar() as tell:
        done = county_backup.backup(config, target.absolute(), tell, encrypt_to or ())
    if metrics_file is not None:
        write_textfile(metrics_file, done)
    how = f"encrypted for {len(encrypt_to)}" if encrypt_to else "not encrypted"
    _print_report(done, as_json, f"backup written: {done.file}, {done.file.stat().st_size // 1024 + 1} KiB, {how}")
    if not as_json:
        say(f"  signed by {plain(done.key)}")
        say("  keep a copy of that line apart from the backups: a new machine restores only backups signed by it")


def restore(  # noqa: PLR0913, PLR0917  # an argument is an option of the command
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A file written by `tongyuan backup`.")],
    data_dir: DataDir = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Restore only this service's store; repeatable.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="Public key to trust, or a file of keys; default: the pinned keys.")
    ] = None,
    identity: Annotated[
        Path | None,
        typer.Option("--identity", exists=True, dir_okay=False, help="File with the private key for decryption."),
    ] = None,
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="Accept an unsigned backup of an earlier version.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing county and keep a copy of it.")] = False,
    set_back: Annotated[
        bool,
        typer.Option(
            "--set-back", help="Restore even if the county here is ahead of the backup or has another history."
        ),
    ] = False,
    as_json: Json_ = False,
) -> None:
    """Restore a backup, after all of it was checked. The county must not run. Exit 1: nothing was changed."""
    config = terminal.settings(data_dir=data_dir)
    for service in only or ():
        if service not in ORDER:
            fail(f"there is no service {service!r}; choose one of: {', '.join(sorted(ORDER))}", USAGE)
    consent = county_restore.Consent(key, identity, unsigned=unsigned, force=force, set_back=set_back)
    with _progress_bar() as tell:
        done = county_restore.restore(config, file, only or [], tell, consent)
    _print_report(done, as_json, f"restored from {file.name}, made {done.manifest.made_at:%Y-%m-%d %H:%M:%S} UTC")


def _print_report(done: BackupResult, as_json: bool, line: str) -> None:
    manifest = done.manifest
    if as_json:
        head = None if manifest.head is None else {"size": manifest.head.size, "root": manifest.head.root}
        facts: dict[str, Any] = {"file": str(done.file), "made_at": manifest.made_at.isoformat(), "head": head}
        print_json({**facts, "marks": manifest.marks, "key": done.key, "notes": done.notes, "kept": done.kept})
        return
    say(f"[green]✓[/] {plain(line)}")
    head_text = (
        "no head yet" if manifest.head is None else f"newest head {manifest.head.size}, {manifest.head.root[:16]}…"
    )
    say(f"  {manifest.marks['ledger']} entries, {head_text}")
    if done.kept:
        say(f"  the previous data are kept in {plain(done.kept)}")
    for note in done.notes:
        say(f"[yellow]![/] {plain(note)}")


@contextmanager
def _progress_bar() -> Iterator[county_backup.Tell]:
    """Show a progress bar over the stores; an error ends the command with one line."""
    try:
        with Progress(console=err, transient=True) as progress:
            task = progress.add_task("", total=len(ORDER) + 1)
            yield lambda what, number: progress.update(
                task, description=what, completed=min(number, len(ORDER)) if what != "ledger" else None
            )
    except (SettingsError, Invalid) as error:
        fail(str(error), USAGE)
    except (TongyuanError, OSError) as error:
        fail(words(error))

"""`undo`: take one import back as one act."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from contracts.base import Json
from services.cli.terminal import BaseUrl, DataDir, Json_, county, plain, print_json, say
from services.importing.undo import take_back

MOST_SHOWN = 20
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
Source = Annotated[
    str, typer.Option(help="Name of the import source, as at the import (there the default is the format).")
]
Preview = Annotated[bool, typer.Option("--preview", help="Say what would be taken back, and change nothing.")]


def undo(
    file: File,
    source: Source,
    preview: Preview = False,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Take back the import of FILE: its items and guides become what they were before; later edits stay, listed.

    The command can be repeated.
    """
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    with county(base_url, data_dir) as running:
        told = take_back(running, source, sha256, preview=preview)
    if as_json:
        print_json(told)
    else:
        _print(told)
    raise typer.Exit(1 if told["conflicts"] else 0)


def _print(told: Json) -> None:
    title = "preview, nothing was changed: " if told["preview"] else ""
    for name in ("catalog", "guides"):
        counts = ", ".join(f"{told[part][name]} {part}" for part in ("restored", "withdrawn", "already"))
        say(f"{title}{name}: {counts.replace('already', 'taken back before')}")
    if not any(told[part][name] for part in ("restored", "withdrawn", "already") for name in ("catalog", "guides")):
        say("  no version of this file and source was found, or all of them were changed since")
    for one in told["conflicts"][:MOST_SHOWN]:
        made = f"version {one['version']} was made by {one['changed_by']}"
        say(f"  [yellow]![/] {plain(one['code'])} stays: {plain(made)}")
    if len(told["conflicts"]) > MOST_SHOWN:
        say(f"  … and {len(told['conflicts']) - MOST_SHOWN} more; --json lists them all")

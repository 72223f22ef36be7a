"""`export`: write a channel's pages as files."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.terminal import USAGE, BaseUrl, DataDir, Json_, county, err, fail, plain, print_json, say, words
from services.operations.export import Export
from shared.errors import TongyuanError

EXPORTED = ("portal",)


def export(
    channel: Annotated[str, typer.Argument(help="Only `portal`; the other channels need a server.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Created if missing; other files in it are kept.")],
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Write every page as a file with relative links, for a portal on another system.

    Later runs write only changed files.
    """
    if channel not in EXPORTED:
        fail(f"there is no export of {channel!r}; choose one of: {', '.join(EXPORTED)}", USAGE)
    with county(base_url, data_dir) as running, err.status("reading pages …") as status:
        http = running.http(channel)
        origin = running.config.origin_for(str(http.base_url))
        try:
            done = Export(http, channel, origin, lambda count: status.update(f"pages: {count}")).run(folder)
        except (TongyuanError, OSError) as error:
            fail(words(error))
    if as_json:
        print_json(done.as_json())
        return
    counts = f"{len(done.written)} files written, {len(done.kept)} unchanged, {len(done.removed)} removed"
    say(f"[bold green]✓[/] {plain(folder)}: {counts}; covers the ledger up to entry {done.position}")

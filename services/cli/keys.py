"""`tongyuan keys`: the keys that sign the ledger's heads."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table

from services.cli import console
from services.cli.console import USAGE, BaseUrl, DataDir, Json_, county, fail, out, plain, print_json, say
from services.ledger.keyring import rotate as rotate_ring
from shared.checkpoint import NoteKey
from shared.errors import TongyuanError

MOST_DAYS = 365
app = typer.Typer(no_args_is_help=True, help="Keys that sign the ledger's heads: list them, put a new one in use.")


@app.command("list")
def list_keys(base_url: BaseUrl = None, data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """Every key that signs, or once signed; a retired one still verifies the heads of its time."""
    with county(base_url, data_dir) as running:
        keys = running.get("ledger", "keys")["keys"]
    if as_json:
        print_json({"keys": keys})
        return
    table = Table("key", "state", "signs from", "signs until")
    for key in keys:
        cells = (key["key_id"], key["state"], key["created_at"][:19], (key["signs_until"] or "")[:19])
        table.add_row(*map(plain, cells))
    out.print(table)
    for key in keys:
        say(plain(key["vkey"]))


@app.command()
def rotate(
    overlap: Annotated[
        float, typer.Option(min=0, max=MOST_DAYS, help="Days for which the old key signs as well; 0: it is lost.")
    ] = 7,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Put a new signing key in use, on the machine where the sequencer keeps its key. It needs no restart.

    The old key endorses the new one and signs on beside it, so that everybody has the time to notice.
    """
    config = console.settings(data_dir=data_dir)
    now = datetime.now(UTC)
    if not config.data_dir.is_dir():
        fail(f"no folder {config.data_dir}; --data-dir says where the sequencer keeps its key", USAGE)
    try:
        old, new = (
            NoteKey(config.log_origin, key) for key in rotate_ring(config.data_dir, timedelta(days=overlap), now)
        )
    except (TongyuanError, OSError) as error:
        fail(str(error))
    until = now + timedelta(days=overlap)
    if as_json:
        print_json({"old": old.vkey, "new": new.vkey, "old_signs_until": until.isoformat()})
        return
    say(f"[green]✓[/] {plain(new.vkey)} signs from now on")
    say(f"  {plain(old.key_id.hex())} signs too until {until:%Y-%m-%d %H:%M} UTC; keep a copy of the new key file")

"""`tongyuan keys`: the keys that sign the ledger's heads."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table

from services.cli import console
from services.cli.console import USAGE, BaseUrl, DataDir, Json_, county, fail, out, plain, print_json, say
from services.ledger.keyring import KEY_FILE
from services.ledger.keyring import rotate as rotate_ring
from services.ledger.memory import MEMORY_FILE, Memory, Tree
from shared.checkpoint import NoteKey
from shared.errors import TongyuanError

MOST_DAYS = 365
ROOT = re.compile(r"[0-9a-f]{64}")
app = typer.Typer(
    no_args_is_help=True,
    help="Keys that sign the ledger's heads: list them, put a new one in use, accept another history.",
)


@app.command("list")
def list_keys(base_url: BaseUrl = None, data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """Every key that signs, or once signed; a retired one still verifies the heads of its time."""
    with county(base_url, data_dir) as running:
        found = running.get("ledger", "keys")
    keys, second = found["keys"], found["second_keys"]
    if as_json:
        print_json({"keys": keys, "second_keys": second})
        return
    table = Table("key", "state", "signs from", "signs until")
    for key in keys:
        cells = (key["key_id"], key["state"], key["created_at"][:19], (key["signs_until"] or "")[:19])
        table.add_row(*map(plain, cells))
    for key in second:
        table.add_row(*map(plain, (key["key_id"], key["algorithm"], key["created_at"][:19], "")))
    out.print(table)
    for key in keys + second:
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


@app.command()
def accept(
    size: Annotated[int, typer.Argument(min=0, help="Entries of the tree to accept, as `status` names it.")],
    root: Annotated[str, typer.Argument(help="Its root, 64 hex digits.")],
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Let the signer go on from this tree, though it has signed another: a fork, and it needs your name under it.

    On the machine where the sequencer keeps its key; it needs no restart. What was remembered is kept aside.
    """
    config = console.settings(data_dir=data_dir)
    if not ROOT.fullmatch(root):
        fail("ROOT: 64 hex digits, as `tongyuan status` shows them", USAGE)
    if not (config.data_dir / KEY_FILE).exists():
        fail(f"there is no {config.data_dir / KEY_FILE}; --data-dir says where the sequencer keeps its key", USAGE)
    memory = Memory(config.log_origin, config.data_dir / MEMORY_FILE)
    try:
        kept = memory.accept(Tree(size, bytes.fromhex(root)), datetime.now(UTC))
    except TongyuanError as error:
        fail(str(error))
    if as_json:
        print_json({"size": size, "root": root, "kept": kept and str(kept)})
        return
    say(f"[green]✓[/] heads continue {size} entries with root {root[:16]}… from now on")
    if kept:
        say(f"  what was signed last before is kept: {plain(kept)}")
    say("  channels that have seen more are halted: tongyuan rebuild CHANNEL --new-epoch (docs/operating/backup.md)")

"""`tongyuan keys`: the keys that sign the ledger's heads, and the sources' signing keys."""

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table

from services.cli import terminal
from services.cli.keys import source_keys
from services.cli.terminal import USAGE, BaseUrl, DataDir, Json_, county, fail, out, plain, print_json, say, words
from services.ledger.signing.keyring import KEY_FILE
from services.ledger.signing.keyring import rotate as rotate_ring
from services.ledger.signing.signed_head_store import MEMORY_FILE, SignedHeadStore, SignedTree
from shared.config import Settings, SettingsError
from shared.errors import Conflict, TongyuanError
from shared.transparency.checkpoint import NoteKey

MOST_DAYS = 365
ROOT = re.compile(r"[0-9a-f]{64}")
app = typer.Typer(
    no_args_is_help=True,
    help="Keys of ledger and sources: list, rotate, revoke, sign again; accept a restored ledger.",
)
app.command()(source_keys.revoke)
app.command()(source_keys.sign)


@app.command("list")
def list_keys(base_url: BaseUrl = None, data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """List every key that signs or once signed; a retired one still verifies the heads of its time."""
    with county(base_url, data_dir) as running:
        found = running.get("ledger", "keys")
    keys, second, sources = found["keys"], found["second_keys"], found.get("source_keys", [])
    if as_json:
        print_json({"keys": keys, "second_keys": second, "source_keys": sources})
        return
    table = Table("key", "state", "signs from", "signs until")
    for key in keys:
        cells = (key["key_id"], key["state"], key["created_at"][:19], (key["signs_until"] or "")[:19])
        table.add_row(*map(plain, cells))
    for key in second:
        table.add_row(*map(plain, (key["key_id"], key["algorithm"], key["created_at"][:19], "")))
    out.print(table)
    _print_source_keys(sources)
    for key in [*keys, *second, *sources]:
        say(plain(key["vkey"]))


def _print_source_keys(keys: list[dict[str, Any]]) -> None:
    table = Table("source", "key", "state", "signs from", "valid until", "must sign from")
    for key in keys:
        starts = (key["signs_from"], key["revoked_from"], key["compulsory_from"])
        table.add_row(*map(plain, (key["source"], key["key_id"], key["state"], *map(_start_text, starts))))
    out.print(table)


def _start_text(start: dict[str, Any] | None) -> str:
    if start is None:
        return ""
    return " ".join([f"position {start['position']}", *(f"{lane}={n}" for lane, n in start["sequences"].items())])


@app.command()
def rotate(
    source: Annotated[str | None, typer.Option(help="Rotate this source's key instead of the ledger's.")] = None,
    overlap: Annotated[
        float, typer.Option(min=0, max=MOST_DAYS, help="Days for which the old key also signs; 0 if it is lost.")
    ] = 7,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Put a new signing key in use, on the machine where the sequencer, or the source, keeps its key. No restart.

    The old key endorses the new one and also signs during the overlap, so that readers can adopt the new key.
    """
    config = terminal.settings(data_dir=data_dir)
    now = datetime.now(UTC)
    if source is not None:
        source_keys.rotate(config, source, overlap, as_json=as_json)
        return
    if not config.data_dir.is_dir():
        fail(f"there is no folder {config.data_dir}; set --data-dir to the folder of the sequencer's key", USAGE)
    try:
        SignedHeadStore(config.log_origin, config.data_dir / MEMORY_FILE).require_own_log()
        old, new = (
            NoteKey(config.log_origin, key) for key in rotate_ring(config.data_dir, timedelta(days=overlap), now)
        )
    except (TongyuanError, OSError) as error:
        fail(words(error))
    until = now + timedelta(days=overlap)
    if as_json:
        print_json({"old": old.vkey, "new": new.vkey, "old_signs_until": until.isoformat()})
        return
    say(f"[green]✓[/] {plain(new.vkey)} signs from now on")
    say(f"  {plain(old.key_id.hex())} also signs until {until:%Y-%m-%d %H:%M} UTC; keep a copy of the new key file")


def _require_own_ledger(config: Settings, tree: SignedTree) -> None:
    """Check before another history is accepted that the ledger is this county's and has this tree.

    Raises `SettingsError` for another county's, `Conflict` for another tree.
    """
    from services.ledger.queries import size as size_of  # noqa: PLC0415  # likewise
    from services.ledger.signing.signing_guard import tree_of  # noqa: PLC0415  # likewise
    from services.runtime import county_birth  # noqa: PLC0415  # heavy; other commands need not wait for it
    from services.runtime.wiring import Wiring  # noqa: PLC0415  # likewise

    with closing(Wiring(config)) as wiring:
        county_birth.require_own_ledger(wiring)
        with wiring.database("ledger").read() as session:
            size = size_of(session)
            found = tree_of(session, min(tree.size, size))[0]
    if found != tree:
        has = f"{size} entries" if tree.size > size else f"a different root for {tree.size} entries, {found.root.hex()}"
        raise Conflict(f"the ledger has {has}: nothing was accepted; take size and root from `tongyuan status`")


@app.command()
def accept(
    size: Annotated[int, typer.Argument(min=0, help="Size of the accepted tree in entries, as shown by `status`.")],
    root: Annotated[str, typer.Argument(help="Root of the tree: 64 hex digits.")],
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Let the signer continue from this tree although it has signed another one: a fork, which is your decision.

    Run it on the machine where the sequencer keeps its key and reaches its ledger; no restart is needed. The ledger
    must be this county's and have this tree. The old state of the signer is kept in a file beside the new one.
    """
    config = terminal.settings(data_dir=data_dir)
    if not ROOT.fullmatch(root):
        fail("ROOT: must be 64 hex digits, as shown by `tongyuan status`", USAGE)
    if not (config.data_dir / KEY_FILE).exists():
        fail(f"there is no {config.data_dir / KEY_FILE}; set --data-dir to the folder of the sequencer's key", USAGE)
    memory, tree = (
        SignedHeadStore(config.log_origin, config.data_dir / MEMORY_FILE),
        SignedTree(size, bytes.fromhex(root)),
    )
    try:
        _require_own_ledger(config, tree)
        kept = memory.accept(tree, datetime.now(UTC))
    except SettingsError as error:
        fail(str(error), USAGE)
    except TongyuanError as error:
        fail(str(error))
    if as_json:
        print_json({"size": size, "root": root, "kept": kept and str(kept)})
        return
    say(f"[green]✓[/] heads continue {size} entries with root {root[:16]}… from now on")
    if kept:
        say(f"  the previous signed state is kept in {plain(kept)}")
    say("  channels that have seen more entries stay halted until they are rebuilt (docs/operating/backup.md):")
    say("  tongyuan rebuild CHANNEL --new-epoch")

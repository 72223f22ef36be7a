"""`tongyuan backup-key`: the keys that a restore trusts here, and keys to encrypt backups to."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli import terminal
from services.cli.terminal import USAGE, DataDir, Json_, fail, plain, print_json, say, words
from services.operations.archive import encryption, key
from shared.errors import Invalid, TongyuanError

app = typer.Typer(
    no_args_is_help=True,
    help="Keys for backups: those that a restore trusts here, and new ones to encrypt backups for.",
)


@app.command()
def show(data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """Show the public keys that a restore trusts in this data folder; the last one was pinned last."""
    config = terminal.settings(data_dir=data_dir)
    try:
        found = [one.vkey for one in key.pinned(config.data_dir)]
    except (TongyuanError, OSError) as error:
        fail(words(error))
    if as_json:
        print_json({"keys": found})
        return
    for vkey in found:
        say(plain(vkey))
    if not found:
        say("none: the first backup makes one, and `restore --key` adopts one")


@app.command()
def identity(
    file: Annotated[Path, typer.Argument(help="File for the private key, not on a machine of the county.")],
) -> None:
    """Create a key that backups can be encrypted to, and print its public half for `backup --encrypt-to`.

    Other programs for the age format can create such keys too.
    """
    try:
        recipient = encryption.make_identity(file)
    except Invalid as error:
        fail(str(error), USAGE)
    except OSError as error:
        fail(words(error))
    typer.echo(recipient)

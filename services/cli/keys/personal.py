"""`tongyuan personal`: the keys that seal personal data of applications at rest."""

import typer

from services.applications.privacy import key_rotation
from services.cli import terminal
from services.cli.terminal import PROBLEM, DataDir, Json_, fail, plain, print_json, say, words
from services.runtime.wiring import Wiring
from shared.errors import TongyuanError

app = typer.Typer(no_args_is_help=True, help="Keys that seal personal data at rest: rotate, check.")


@app.command()
def rotate(data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """Reseal everything with a new key, on the machine that keeps the keys; the county may keep running.

    If it is interrupted, run it again to continue. The old key is moved to a file that ends in `.retired`.
    """
    config = terminal.settings(data_dir=data_dir)
    wiring = Wiring(config)
    done = 0

    def tell(cases: int) -> None:
        nonlocal done
        done = cases

    try:
        new, old = key_rotation.change_key(wiring.database("applications"), tell)
    except (TongyuanError, OSError) as error:
        fail(f"{words(error)}; nothing is lost: run the command again")
    finally:
        wiring.close()
    if as_json:
        print_json({"key": new, "retired": old, "cases": done})
        return
    say(f"[green]✓[/] {done} cases are sealed with key {new}; copy {plain(config.personal_keys)} to a safe place")
    for key in old:
        say(f"  key {key} is in {plain(config.personal_keys)}.retired: backups made until now need it")


@app.command()
def check(data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """Open every sealed value, and list those that cannot be opened, with the number of their case."""
    wiring = Wiring(terminal.settings(data_dir=data_dir))
    try:
        found = key_rotation.check(wiring.database("applications"))
    except (TongyuanError, OSError) as error:
        fail(words(error))
    finally:
        wiring.close()
    if as_json:
        print_json({"values": found.values, "bad": found.bad})
    else:
        for key, count in sorted(found.values.items()):
            say(f"{count} values are sealed with key {plain(key)}")
        for line in found.bad:
            say(f"[red]✗[/] {plain(line)}")
        if not found.bad:
            say("[green]✓[/] every value can be opened")
    if found.bad:
        raise typer.Exit(PROBLEM)

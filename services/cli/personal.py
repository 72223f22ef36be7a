"""`tongyuan personal`: the keys that seal personal data of applications at rest."""

import typer

from services.applications import reseal
from services.cli import console
from services.cli.console import PROBLEM, DataDir, Json_, fail, plain, print_json, say
from services.parts import Parts
from shared.errors import TongyuanError

app = typer.Typer(no_args_is_help=True, help="Keys that seal personal data at rest: put a new one in use, check all.")


@app.command()
def rotate(data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """Seal everything anew under a new key, on the machine that keeps the keys; the county may run meanwhile.

    Interrupted, the same command goes on. The old key leaves the file for one that ends in `.retired`.
    """
    config = console.settings(data_dir=data_dir)
    parts = Parts(config)
    done = 0

    def tell(cases: int) -> None:
        nonlocal done
        done = cases

    try:
        new, old = reseal.change_key(parts.database("applications"), tell)
    except (TongyuanError, OSError) as error:
        fail(f"{error}; nothing is lost: run it again")
    finally:
        parts.close()
    if as_json:
        print_json({"key": new, "retired": old, "cases": done})
        return
    say(f"[green]✓[/] {done} cases are sealed with key {new}; copy {plain(config.personal_keys)} to where you keep it")
    for key in old:
        say(f"  key {key} is in {plain(config.personal_keys)}.retired: backups made before now need it")


@app.command()
def check(data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """Open every sealed value, and name those that do not open, with the number of their case."""
    parts = Parts(console.settings(data_dir=data_dir))
    try:
        found = reseal.check(parts.database("applications"))
    except (TongyuanError, OSError) as error:
        fail(str(error))
    finally:
        parts.close()
    if as_json:
        print_json({"values": found.values, "bad": found.bad})
    else:
        for key, count in sorted(found.values.items()):
            say(f"{count} values are sealed with key {plain(key)}")
        for line in found.bad:
            say(f"[red]✗[/] {plain(line)}")
        if not found.bad:
            say("[green]✓[/] every value opens")
    if found.bad:
        raise typer.Exit(PROBLEM)

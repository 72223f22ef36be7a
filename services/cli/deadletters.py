"""`dead`: what was refused or could not be shown; look, try again, or give up."""

from typing import Annotated, Any

import typer
from rich.table import Table

from contracts.topology import CHANNELS, QUEUES
from services.cli import dead
from services.cli.console import USAGE, BaseUrl, County, DataDir, Json_, county, fail, out, plain, print_json, say
from shared.errors import NotFound

app = typer.Typer(no_args_is_help=True, help=__doc__)
Place = Annotated[str, typer.Argument(help="As `dead list` says: <channel>/<position> or <queue>/<number>")]


@app.command("list")
def list_(base_url: BaseUrl = None, data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """Everything that waits for a person. Exit 1 when there is anything."""
    with county(base_url, data_dir) as running:
        letters = [*_parked(running), *dead.letters(running.config)]
    if as_json:
        print_json(letters)
    elif letters:
        table = Table("place", "what", "since", "reason")
        for letter in letters:
            table.add_row(*(plain(letter[column]) for column in ("place", "what", "since", "reason")))
        out.print(table)
    else:
        say("[green]✓ nothing is parked, no dead letters[/]")
    raise typer.Exit(1 if letters else 0)


@app.command()
def show(place: Place, base_url: BaseUrl = None, data_dir: DataDir = None) -> None:
    """One of them, with what it holds; of what halls sent only which fields are present, since it is about persons."""
    where, number = _split(place)
    with county(base_url, data_dir) as running:
        if where in CHANNELS:
            print_json(_parked_entry(running, where, number))
        else:
            print_json(dead.show(running.config, where, number))


@app.command()
def replay(place: Place, base_url: BaseUrl = None, data_dir: DataDir = None) -> None:
    """Try again: show the parked entry, or put the dead letter back into its queue."""
    where, number = _split(place)
    with county(base_url, data_dir) as running:
        if where in CHANNELS:
            running.post(where, f"parked/{number}/replay")
        else:
            dead.replay(running.config, where, number)
    say("[green]✓[/] done")


@app.command()
def drop(place: Place, base_url: BaseUrl = None, data_dir: DataDir = None) -> None:
    """Give it up. The ledger keeps the entry; a dead letter is gone."""
    where, number = _split(place)
    with county(base_url, data_dir) as running:
        if where in CHANNELS:
            running.delete(where, f"parked/{number}")
        else:
            dead.drop(running.config, where, number)
    say("[green]✓[/] dropped")


def _parked(running: County) -> list[dict[str, Any]]:
    return [
        {
            "place": f"{name}/{row['position']}",
            "what": f"{row['key']} version {row['version']}",
            "since": row["parked_at"],
            "reason": row["reason"],
        }
        for name in CHANNELS
        for row in running.get(name, "parked")["parked"]
    ]


def _parked_entry(running: County, channel: str, position: int) -> dict[str, Any]:
    for letter in _parked(running):
        if letter["place"] == f"{channel}/{position}":
            return {**letter, "entry": running.get("ledger", f"entries/{position}")}
    raise NotFound(f"{channel} has no parked entry at position {position}")


def _split(place: str) -> tuple[str, int]:
    where, _, number = place.rpartition("/")
    if where not in (*CHANNELS, *(queue.name for queue in QUEUES)) or not (number.isascii() and number.isdigit()):
        fail("a place is <channel>/<position> or <queue>/<number>, as `dead list` says", USAGE)
    return where, int(number)

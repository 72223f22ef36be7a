"""`dead`: messages that were refused, and entries that could not be shown: list, show, replay or drop them."""

from typing import Annotated, Any

import typer
from rich.table import Table

from contracts.topology import RETIRED_QUEUES
from services.cli.terminal import (
    USAGE,
    BaseUrl,
    DataDir,
    Json_,
    RunningCounty,
    county,
    fail,
    out,
    plain,
    print_json,
    say,
)
from services.operations.dead_letters import broker
from services.runtime.manifests import CHANNELS, topology
from shared.errors import NotFound

app = typer.Typer(no_args_is_help=True, help=__doc__)
Place = Annotated[str, typer.Argument(help="Place as shown by `dead list`: <channel>/<position> or <queue>/<number>")]


@app.command("list")
def list_(base_url: BaseUrl = None, data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """List everything that waits for an operator. Exit 1 if there is anything."""
    with county(base_url, data_dir) as running:
        letters = [*_parked(running), *broker.letters(running.config)]
    if as_json:
        print_json(letters)
    elif letters:
        table = Table("place", "what", "since", "reason")
        for letter in letters:
            table.add_row(*(plain(letter[column]) for column in ("place", "what", "since", "reason")))
        out.print(table)
    else:
        say("[green]✓ no parked entries, no dead letters[/]")
    raise typer.Exit(1 if letters else 0)


@app.command()
def show(place: Place, base_url: BaseUrl = None, data_dir: DataDir = None) -> None:
    """Show one of them with its content; for hall messages, which are personal, only the names of fields."""
    where, number = _parse_place(place)
    with county(base_url, data_dir) as running:
        if where in CHANNELS:
            print_json(_parked_entry(running, where, number))
        else:
            print_json(broker.show(running.config, where, number))


@app.command()
def replay(place: Place, base_url: BaseUrl = None, data_dir: DataDir = None) -> None:
    """Try again: apply the parked entry, or return the dead letter to its queue."""
    where, number = _parse_place(place)
    with county(base_url, data_dir) as running:
        if where in CHANNELS:
            running.post(where, f"parked/{number}/replay")
        else:
            broker.replay(running.config, where, number)
    say("[green]✓[/] done")


@app.command()
def drop(place: Place, base_url: BaseUrl = None, data_dir: DataDir = None) -> None:
    """Drop it: the ledger keeps a parked entry; a dead letter is deleted."""
    where, number = _parse_place(place)
    with county(base_url, data_dir) as running:
        if where in CHANNELS:
            running.delete(where, f"parked/{number}")
        else:
            broker.drop(running.config, where, number)
    say("[green]✓[/] dropped")


def _parked(running: RunningCounty) -> list[dict[str, Any]]:
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


def _parked_entry(running: RunningCounty, channel: str, position: int) -> dict[str, Any]:
    for letter in _parked(running):
        if letter["place"] == f"{channel}/{position}":
            return {**letter, "entry": running.get("ledger", f"entries/{position}")}
    raise NotFound(f"{channel} has no parked entry at position {position}")


def _parse_place(place: str) -> tuple[str, int]:
    where, _, number = place.rpartition("/")
    if where not in (*CHANNELS, *(queue.name for queue in topology().queues), *RETIRED_QUEUES) or not (
        number.isascii() and number.isdigit()
    ):
        fail("PLACE: must be <channel>/<position> or <queue>/<number>, as shown by `dead list`", USAGE)
    return where, int(number)

"""`facts`: facts that released items and guides state more than once, and differently."""

from typing import Annotated

import typer

from services.cli.terminal import BaseUrl, DataDir, Json_, county, plain, print_json, say
from services.operations.repeated_facts import RepeatedFact, as_json, repeated_facts

MOST_SHOWN = 50
TITLES = {
    "inside": "inside one item or guide",
    "item_guide": "between an item and its guide",
    "guides": "between guides",
}


def facts(
    everything: Annotated[
        bool, typer.Option("--all", help="Also list words that only a person can compare with the field beside them.")
    ] = False,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json_: Json_ = False,
) -> None:
    """List facts that items and guides state twice and differently: fees, days, visits, windows, telephone numbers.

    Exit 1: some differ. What is read from a sentence and how: docs/integrating/facts.md.
    """
    with county(base_url, data_dir) as running:
        found = repeated_facts(running)
    differ = [one for one in found if one.differs]
    if as_json_:
        print_json(as_json(found))
    else:
        _tell(differ, [one for one in found if not one.differs], everything=everything)
    raise typer.Exit(1 if differ else 0)


def _tell(differ: list[RepeatedFact], unread: list[RepeatedFact], *, everything: bool) -> None:
    _list(differ, "[red]✗[/]")
    if everything:
        _list(unread, "[yellow]?[/]")
    elif unread:
        say(f"[yellow]?[/] {len(unread)} sentences cannot be compared with the field beside them: --all lists them")
    say("compared: the newest released version of every item and guide; drafts are checked when they are saved")
    say(f"[red]✗ {len(differ)} facts differ[/]" if differ else "[green]✓ no fact that could be read differs[/]")


def _list(found: list[RepeatedFact], mark: str) -> None:
    for between, title in TITLES.items():
        some = [one for one in found if one.between == between]
        if some:
            say(f"[bold]{title}[/]: {len(some)}")
        for one in some[:MOST_SHOWN]:
            more = f" and {one.count - 1} more" if one.count > 2 else ""  # an item and its guide are two
            say(f"{mark} {plain(one.keys[0])}{more}: {plain(one.message)}")
        if len(some) > MOST_SHOWN:
            say(f"  … and {len(some) - MOST_SHOWN} more; --json lists them all")

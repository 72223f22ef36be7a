"""`tongyuan plans`: what is planned for items and guides, and cancelling it."""

from datetime import datetime
from typing import Annotated

import typer

from contracts.base import Json
from contracts.kinds import KINDS, Kind, kind_of
from services.cli.terminal import USAGE, BaseUrl, DataDir, Json_, county, fail, plain, print_json, say
from shared.text.dates import BEIJING

MOST = 500
PLACES = {Kind.ITEM: ("catalog", "items"), Kind.GUIDE: ("guides", "guides")}
OPS = {"release": "new version", "withdraw": "leaves"}
app = typer.Typer(no_args_is_help=True, help="Planned versions and planned ends of items and guides: list, cancel.")


@app.command("list")
def list_(base_url: BaseUrl = None, data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """List items and guides with a planned version or a planned end. Times are Beijing time."""
    rows: list[Json] = []
    with county(base_url, data_dir) as running:
        for kind, (service, path) in PLACES.items():
            after: str | None = ""
            while after is not None:
                answer = running.get(service, f"{path}/planned", after=after, limit=MOST)
                rows += [{"key": f"{kind}:{one['code']}", **one} for one in answer["editions"]]
                after = answer["next"]
    if as_json:
        print_json({"plans": rows})
        return
    for row in rows:
        say(f"[bold]{row['key']}[/]  {plain(row['name'])}")
        for line in _lines(row):
            say(f"    {plain(line)}")
    say(f"{len(rows)} with something planned" if rows else "nothing is planned: no version begins later and none ends")


@app.command()
def cancel(
    key: Annotated[str, typer.Argument(metavar="KEY", help="item:CODE or guide:CODE.")],
    ends: Annotated[bool, typer.Option("--ends", help="Also lift the planned end of what is in force.")] = False,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Cancel every planned version of an item or a guide: what is in force is released again as it is."""
    kind, code = kind_of(key), key.partition(":")[2]
    if kind not in PLACES or not KINDS[kind].has(key):
        fail(
            f"{key} is no key of an item or a guide: say item:CODE or guide:CODE, as `tongyuan plans list` prints",
            USAGE,
        )
    service, path = PLACES[Kind(kind)]
    with county(base_url, data_dir) as running:
        answer = running.post(service, f"{path}/{code}/cancel-plans", {"ends": ends})
    say(f"[green]✓[/] version {answer['released']['version']} holds; nothing else is planned")


def _lines(row: Json) -> list[str]:
    told = [f"version {one['version']}: {OPS.get(one['op'], one['op'])} from {_time(one)}" for one in row["planned"]]
    if row["ends_at"]:
        told.insert(0, f"version {row['version']} ends on {_moment(row['ends_at'])}")
    gone = {"release": "is shown again with its item", "withdraw": "is hidden with its item"}
    return told + [f"{gone.get(one['op'], one['op'])} from {_time(one)}" for one in row["follows"]]


def _time(one: Json) -> str:
    until = f" until {_moment(one['expires_at'])}" if one["expires_at"] else ""
    return f"{_moment(one['effective_at'])}{until}"


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(BEIJING):%Y-%m-%d %H:%M}"

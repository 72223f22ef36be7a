"""`tongyuan feedback`: readers' feedback about guides, for the units that write them."""

from typing import Annotated

import typer

from contracts.base import Json
from services.cli.terminal import BaseUrl, DataDir, Json_, county, plain, print_json, say

MOST = 500
app = typer.Typer(no_args_is_help=True, help="Readers' feedback about guides: list, answer, close.")
Id = Annotated[str, typer.Argument(metavar="ID", help="Id as printed by `list`.")]


@app.command("list")
def list_(
    state: Annotated[str, typer.Option("--state", help="open, answered, closed or all.")] = "open",
    code: Annotated[str | None, typer.Option("--code", help="Only feedback about this guide.")] = None,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """List feedback, oldest first."""
    asked = {"state": None if state == "all" else state, "code": code}
    rows: list[Json] = []
    after: int | None = 0
    still_open = 0
    with county(base_url, data_dir) as running:
        while after is not None:
            wanted = {name: value for name, value in asked.items() if value is not None}
            page = running.get("guides", "feedback", after=after, limit=MOST, **wanted)
            rows += page["feedback"]
            after, still_open = page["next"], page["open"]
    if as_json:
        print_json({"feedback": rows, "open": still_open})
        return
    for row in rows:
        say(f"[bold]{row['id']}[/]  {row['state']}  {row['given_at'][:10]}  {row['code']} v{row['guide_version']}")
        for said in (*row["tags"].values(), row["text"], row["answer"] and f"→ {row['answer']}"):
            if said:
                say(f"    {plain(said)}")
    say(f"{len(rows)} shown, {still_open} open")


@app.command()
def answer(
    feedback_id: Id,
    text: Annotated[str, typer.Argument(help="What was done about it, for the record.")],
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Answer feedback: record what was done about it."""
    with county(base_url, data_dir) as running:
        running.post("guides", f"feedback/{feedback_id}/answer", {"answer": text})
    say("[green]✓[/] answered")


@app.command()
def close(feedback_id: Id, base_url: BaseUrl = None, data_dir: DataDir = None) -> None:
    """Close feedback that needs no further action."""
    with county(base_url, data_dir) as running:
        running.post("guides", f"feedback/{feedback_id}/close")
    say("[green]✓[/] closed")

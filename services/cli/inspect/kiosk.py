"""`kiosk`: the screens of the hall, and which of them show old content."""

from typing import Annotated, Any

import typer

from services.cli.inspect import legend
from services.cli.terminal import BaseUrl, DataDir, Json_, county, plain, print_json, say

CHANNEL = "kiosk"
NameOf = Annotated[
    str, typer.Argument(metavar="NAME", help="A place in the hall, such as hall-1; never a person's name.")
]
COPIES = {
    "whole": "keeps {kept} pages of {kept_at} for a time without network",
    "partial": "[yellow]! keeps only {kept} of {kept_of} pages[/]",
    "old": "[yellow]! keeps pages of {kept_at}, none newer[/]",
    "none": "[yellow]! keeps nothing: it cannot do without the network[/]",
    "unknown": "has not said what it keeps",
}
app = typer.Typer(no_args_is_help=True, help="Screens of the hall: enrol, list, revoke.")


@app.command()
def enrol(name: NameOf, base_url: BaseUrl = None, data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """Create a code that enrols a screen under this name: it works once, for half an hour."""
    with county(base_url, data_dir) as running:
        offer = running.post(CHANNEL, "screens", {"name": name})
        where = running.config.public_url or "http://…"
    if as_json:
        print_json(offer)
        return
    say(f"[bold]{plain(offer['code'])}[/]  for {plain(offer['name'])}, until {plain(offer['expires_at'])}")
    say(f"  on the screen: {plain(where)}/kiosk/enrol, or {plain(where)}/kiosk/enrol#{plain(offer['code'])}")


@app.command()
def screens(base_url: BaseUrl = None, data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """List every screen with what it shows. Exit 1 while one is red: old, silent, or without proof."""
    with county(base_url, data_dir) as running:
        found = running.get(CHANNEL, "screens")["screens"]
    if as_json:
        print_json(found)
    else:
        _tell_screens(found)
    raise typer.Exit(1 if any(screen["red"] for screen in found) else 0)


def _tell_screens(found: list[dict[str, Any]]) -> None:
    for screen in found:
        mark = "[red]✗[/]" if screen["red"] else "[green]✓[/]" if screen["state"] == "good" else "·"
        page = "no page reported" if screen["address"] is None else f"/kiosk/{screen['address']}"
        seen = f"last report {legend.utc(screen['seen_at'])}" if screen["seen_at"] else "no report yet"
        say(f"{mark} {plain(screen['name']):<20} {screen['state']:<10} {plain(page)}  {seen}{_kept(screen)}")
    if not found:
        say("no screen is enrolled, so none is watched: enrol one with `tongyuan kiosk enrol NAME`")
        return
    for line in legend.SCREENS:
        say(f"[dim]{line}[/]")
    red = sum(screen["red"] for screen in found)
    say(f"{len(found)} screens at {legend.now()}: {f'[red]{red} red[/]' if red else '[green]none red[/]'}")


def _kept(screen: dict[str, Any]) -> str:
    if not screen["seen_at"]:
        return ""
    moment = legend.utc(screen["kept_at"]) if screen["kept_at"] else ""
    return "  " + COPIES[screen["copy"]].format(kept=screen["kept"], kept_of=screen["kept_of"], kept_at=moment)


@app.command()
def revoke(name: NameOf, base_url: BaseUrl = None, data_dir: DataDir = None) -> None:
    """Revoke a screen's token and code: its reports are refused from now on."""
    with county(base_url, data_dir) as running:
        running.delete(CHANNEL, f"screens/{name}")
    say(f"[green]✓[/] {plain(name)} is revoked")

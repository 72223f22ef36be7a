"""`user`: the people who may sign in to the desk. It asks the running desk, which writes down who changed what."""

from typing import Annotated, Any

import typer

from services.cli.terminal import BaseUrl, DataDir, Json_, county, plain, print_json, print_list, say
from shared.tokens.person import StaffRole

DESK = "console"
NameOf = Annotated[str, typer.Argument(metavar="NAME", help="The account, such as li.hua.")]
RolesOf = Annotated[
    list[StaffRole], typer.Option("--role", help="A role; repeat it for several. `administrator` manages people.")
]
UnitsOf = Annotated[
    list[str] | None,
    typer.Option(
        "--department", help="统一社会信用代码 of a unit whose content is theirs; repeatable; none: every unit."
    ),
]
app = typer.Typer(no_args_is_help=True, help="People of the desk: add, roles, lock, reset a password.")


@app.command("list")
def list_(base_url: BaseUrl = None, data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """List everybody who has an account."""
    with county(base_url, data_dir) as running:
        people = running.get(DESK, "people")["people"]
    nothing = "nobody has an account: tongyuan user add NAME --display-name 姓名 --administrator"
    print_list(people, _line, nothing, as_json=as_json)


@app.command()
def add(
    name: NameOf,
    display_name: Annotated[str, typer.Option(help="As colleagues write it.")],
    roles: RolesOf = [],  # noqa: B006  # typer reads the default and never changes it
    departments: UnitsOf = None,
    administrator: Annotated[bool, typer.Option(help="Also give the role administrator.")] = False,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Create an account and print its one-time password, which must be changed at the first sign-in."""
    held = {*roles, *([StaffRole.ADMINISTRATOR] if administrator else [])}
    sent = {"name": name, "display_name": display_name, "roles": sorted(held), "departments": departments or []}
    with county(base_url, data_dir) as running:
        made = running.post(DESK, "people", sent)
    _tell_password(made, as_json=False)


@app.command()
def roles(
    name: NameOf,
    roles: RolesOf,
    departments: UnitsOf = None,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Give an account these roles in place of those it has; with --department, these units as well."""
    with county(base_url, data_dir) as running:
        known = running.get(DESK, f"people/{name}")
        units = known["departments"] if departments is None else departments
        sent = {"display_name": known["display_name"], "roles": sorted(set(roles)), "departments": units}
        say(_line(running.put(DESK, f"people/{name}", sent)))


@app.command()
def lock(name: NameOf, base_url: BaseUrl = None, data_dir: DataDir = None) -> None:
    """Lock an account: its sessions end at once, its tokens stop working."""
    with county(base_url, data_dir) as running:
        say(_line(running.post(DESK, f"people/{name}/lock")))


@app.command()
def unlock(name: NameOf, base_url: BaseUrl = None, data_dir: DataDir = None) -> None:
    """Unlock an account."""
    with county(base_url, data_dir) as running:
        say(_line(running.post(DESK, f"people/{name}/unlock")))


@app.command()
def unbind(name: NameOf, base_url: BaseUrl = None, data_dir: DataDir = None) -> None:
    """Free an account of the person at the unit's provider to whom it is bound; the next sign-in binds it again."""
    with county(base_url, data_dir) as running:
        say(_line(running.delete(DESK, f"people/{name}/binding")))


@app.command("reset-password")
def reset_password(
    name: NameOf,
    second_factor: Annotated[bool, typer.Option(help="Also remove a lost second factor.")] = False,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Print a new one-time password; sessions end, tokens are revoked."""
    with county(base_url, data_dir) as running:
        made = running.post(DESK, f"people/{name}/password")
        if second_factor:
            running.delete(DESK, f"people/{name}/second-factor")
    _tell_password(made, as_json=as_json)


@app.command("rotate-key")
def rotate_key(base_url: BaseUrl = None, data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """Seal everybody's second factor with a new key; the desk may be in use."""
    with county(base_url, data_dir) as running:
        done = running.post(DESK, "people-keys")
    if as_json:
        print_json(done)
        return
    say(f"[green]✓[/] second factors are sealed with key {done['key']}; copy the file staff-keys to a safe place")
    for name in done["lost"]:
        say(f"  the key of {plain(name)} is lost: tongyuan user reset-password {plain(name)} --second-factor")


@app.command()
def tokens(name: NameOf, base_url: BaseUrl = None, data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """List the API tokens of an account, without the tokens themselves."""
    with county(base_url, data_dir) as running:
        found = running.get(DESK, f"people/{name}/tokens")["tokens"]
    if as_json:
        print_json(found)
        return
    for one in found:
        used = f"last used {one['used_at']}" if one["used_at"] else "never used"
        say(f"{one['number']:>5}  {plain(one['title'])}  {', '.join(one['roles'])}  until {one['expires_at']}  {used}")
    if not found:
        say("no API token")


def _line(one: dict[str, Any]) -> str:
    state = "[red]locked[/]" if one["locked_at"] else "must set a password" if one["must_change_password"] else "active"
    units = ", ".join(one["departments"]) or "every unit"
    factor = ", second factor" if one["second_factor"] else ""
    bound = ", bound to an account of the unit" if one["bound_at"] else ""
    return (
        f"{plain(one['name']):<16} {plain(one['display_name'])}  {', '.join(one['roles'])}  {units}  "
        f"{state}{factor}{bound}"
    )


def _tell_password(made: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    say(f"[bold]{plain(made['one_time_password'])}[/]  for {plain(made['name'])}")
    say("  for one sign-in within 7 days at /console/; shown only now")

"""`run`, `migrate`, `topology`: what only the production shape needs."""

from pathlib import Path
from typing import Annotated

import orjson
import typer
from sqlalchemy.exc import SQLAlchemyError

from services import process
from services.cli import console
from services.cli.console import USAGE, fail
from services.parts import Parts
from shared import topology
from shared.config import SERVICES, SettingsError
from shared.errors import Invalid, TongyuanError

topology_app = typer.Typer(no_args_is_help=True, help="Exchanges, queues and rights of the broker.")


def run(name: Annotated[str, typer.Argument(metavar="PROCESS", help=", ".join(process.PROCESSES))]) -> None:
    """Run one process of the production shape (RabbitMQ, PostgreSQL) until told to stop."""
    raise typer.Exit(process.run(name))


def migrate(services: Annotated[list[str] | None, typer.Argument(help="Which; default: all.")] = None) -> None:
    """Bring the databases up to date; run before a new version starts."""
    for service in services or ():
        if service not in SERVICES:
            fail(f"no service {service!r}; one of: {', '.join(SERVICES)}", USAGE)
    parts = Parts(console.settings())
    for service in services or SERVICES:
        try:
            parts.migrate(service)
        except (TongyuanError, SQLAlchemyError, OSError) as error:
            fail(f"{service}: {_cause(error)}")
        console.say(f"[green]✓[/] {service}")
    parts.close()


@topology_app.command("apply")
def topology_apply() -> None:
    """Declare every exchange, queue and binding, with an account that may configure."""
    try:
        config = console.settings()
        topology.apply(process.amqp_url(config), tls=config.tls)
    except SettingsError as error:
        fail(str(error), USAGE)
    except TongyuanError as error:
        fail(str(error))
    console.say("[green]✓[/] topology declared")


@topology_app.command("definitions")
def topology_definitions(
    passwords: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="JSON file: account → password, for every account.")
    ],
) -> None:
    """Print RabbitMQ definitions: topology, accounts, and for each account only the rights it needs."""
    try:
        content = orjson.loads(passwords.read_bytes())
    except orjson.JSONDecodeError as error:
        fail(f"{passwords}: {error}", USAGE)
    if not isinstance(content, dict) or not all(isinstance(password, str) for password in content.values()):
        fail(f"{passwords}: must be one JSON object, account → password", USAGE)
    try:
        console.print_json(topology.definitions(content))
    except Invalid as error:
        fail(str(error), USAGE)


def _cause(error: Exception) -> str:
    """A driver's own words are in its first line; SQLAlchemy adds the statement and an address."""
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().splitlines()[0]

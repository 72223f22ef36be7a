"""`run`, `migrate`, `topology`: commands for a production deployment."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import orjson
import typer
from sqlalchemy.exc import SQLAlchemyError

from services.cli import terminal
from services.cli.terminal import USAGE, fail, words
from services.runtime import county_birth, manifests, process
from services.runtime.manifests import SERVICES
from services.runtime.wiring import Wiring
from shared.config import SettingsError
from shared.errors import Invalid, TongyuanError
from shared.messaging import topology_job

topology_app = typer.Typer(no_args_is_help=True, help="Exchanges, queues and rights of the broker.")


def run(name: Annotated[str, typer.Argument(metavar="PROCESS", help=", ".join(process.PROCESSES))]) -> None:
    """Run one process of a production deployment (RabbitMQ, PostgreSQL) until it is stopped."""
    raise typer.Exit(process.run(name))


def migrate(services: Annotated[list[str] | None, typer.Argument(help="Default: all.")] = None) -> None:
    """Migrate the databases to this version; run it before a new version starts."""
    for service in services or ():
        if service not in SERVICES:
            fail(f"there is no service {service!r}; choose one of: {', '.join(SERVICES)}", USAGE)
    with closing(Wiring(terminal.settings())) as wiring:
        try:
            county = county_birth.county_of(wiring, services or SERVICES)
        except SettingsError as error:
            fail(str(error), USAGE)
        except (TongyuanError, SQLAlchemyError, OSError) as error:
            fail(words(error))
        for service in services or SERVICES:
            try:
                county_birth.settle(wiring, service, county)
            except (TongyuanError, SQLAlchemyError, OSError) as error:
                fail(f"{service}: {words(error)}")
            terminal.say(f"[green]✓[/] {service}")


@topology_app.command("apply")
def topology_apply() -> None:
    """Declare every exchange, queue and binding, with an account that may configure."""
    try:
        config = terminal.settings()
        notes = topology_job.apply(config.required_amqp_url(), manifests.topology().queues, tls=config.tls)
    except SettingsError as error:
        fail(str(error), USAGE)
    except TongyuanError as error:
        fail(str(error))
    terminal.say("[green]✓[/] topology declared")
    for note in notes:
        terminal.say(terminal.plain(note))


@topology_app.command("definitions")
def topology_definitions(
    passwords: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="JSON file with the password of every account.")
    ],
) -> None:
    """Print RabbitMQ definitions: topology, accounts, and for each account only the rights it needs."""
    try:
        content = orjson.loads(passwords.read_bytes())
    except orjson.JSONDecodeError as error:
        fail(f"{passwords}: {error}", USAGE)
    if not isinstance(content, dict) or not all(isinstance(password, str) for password in content.values()):
        fail(f"{passwords}: must be a JSON object, account → password", USAGE)
    try:
        terminal.print_json(topology_job.definitions(manifests.accounts(), content))
    except Invalid as error:
        fail(str(error), USAGE)

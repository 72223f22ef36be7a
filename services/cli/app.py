"""The command line: every command, and the help that lists them."""

from pathlib import Path
from typing import Annotated

import orjson
import typer
from sqlalchemy.exc import SQLAlchemyError

from services import process
from services.cli import (
    audit,
    backup,
    console,
    county_up,
    deadletters,
    drill,
    export,
    feedback,
    importing,
    keys,
    kiosk,
    operate,
    personal,
    retention,
    verify,
)
from services.cli.console import USAGE, fail
from services.parts import Parts
from shared import topology
from shared.config import SERVICES, SettingsError
from shared.errors import Invalid, TongyuanError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Tongyuan 同源: one source, four channels. Start a county, run one process of it, and look after it.",
)
app.command("up")(county_up.up)
app.command("import")(importing.import_file)
app.command("verify")(verify.verify)
app.command("audit")(audit.audit)
app.command("status")(operate.status)
app.command("trace")(operate.trace)
app.command("rebuild")(operate.rebuild)
app.command("doctor")(operate.doctor)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("export")(export.export)
app.command("drill")(drill.drill)
app.command("erase")(retention.erase)
app.command("compact")(retention.compact)
app.add_typer(deadletters.app, name="dead")
app.add_typer(feedback.app, name="feedback")
app.add_typer(keys.app, name="keys")
app.add_typer(personal.app, name="personal")
app.add_typer(kiosk.app, name="kiosk")
topology_app = typer.Typer(no_args_is_help=True, help="Exchanges, queues and rights of the broker.")
app.add_typer(topology_app, name="topology")


@app.command()
def run(name: Annotated[str, typer.Argument(metavar="PROCESS", help=", ".join(process.PROCESSES))]) -> None:
    """Run one process of the production shape (RabbitMQ, PostgreSQL) until told to stop."""
    raise typer.Exit(process.run(name))


@app.command()
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

"""`tongyuan county`: the identity of the county that the stores belong to."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from services.cli import terminal
from services.cli.terminal import USAGE, DataDir, fail, plain, say, words
from services.operations.backups.file_swap import locked
from services.runtime import county_birth
from services.runtime.manifests import AUDITED, SERVICES
from services.runtime.wiring import Wiring
from shared.audit.recording import AuditEntry, record
from shared.config import Settings, SettingsError
from shared.county import store
from shared.errors import TongyuanError
from shared.tokens.person import COMMAND_LINE

MOST_CHARACTERS = 200
app = typer.Typer(no_args_is_help=True, help="Identity of the county that the stores belong to: record a new name.")


@app.callback()
def county() -> None:
    """Change the identity of the county that the stores belong to."""


@app.command()
def rename(
    name: Annotated[str, typer.Argument(help="The county's new name, as pages will show it.")],
    data_dir: DataDir = None,
) -> None:
    """Record a new name of the same county (县改市) in every store; the former name is kept beside it.

    Stop the county first, and start it with the new TONGYUAN_COUNTY. If it is interrupted, run it again.
    """
    name = name.strip()
    if not 0 < len(name) <= MOST_CHARACTERS or not name.isprintable():
        fail(f"NAME: must be 1 to {MOST_CHARACTERS} printable characters", USAGE)
    config = terminal.settings(data_dir=data_dir)
    try:
        with _stopped_county(config), closing(Wiring(config)) as wiring:
            county_birth.require_same_log(wiring, SERVICES)
            for service in SERVICES:
                with wiring.database(service).write() as session:
                    store.rename(session, name)
                    if service in AUDITED:
                        entry = AuditEntry("rename", f"county:{config.region}", None, {"name": name})
                        record(session, COMMAND_LINE, entry)
    except SettingsError as error:
        fail(str(error), USAGE)
    except (TongyuanError, SQLAlchemyError, OSError) as error:
        fail(words(error))
    say(
        f"[green]✓[/] {plain(config.region)} is called {plain(name)} from now on: "
        f"start it with TONGYUAN_COUNTY={plain(name)}"
    )


@contextmanager
def _stopped_county(config: Settings) -> Iterator[None]:
    """Lock the data folder of an embedded county, which must not run; processes with PostgreSQL may run on."""
    embedded = config.database_url_for("ledger").startswith("sqlite")
    if embedded and not config.data_dir.is_dir():
        fail(f"there is no folder {config.data_dir}; set --data-dir to the county's data folder", USAGE)
    with locked(config.data_dir) if embedded else nullcontext():
        yield

"""`exchange down`: items of the tables `up_task_*` into the county, through the import."""

import time
from pathlib import Path
from typing import Annotated

import typer

from services.cli.exchange.options import (
    MOST_POLLS,
    POLL_SECONDS,
    Confirm,
    FromDatabase,
    Note,
    Preview,
    Schema,
    Submit,
    database,
    import_outcome,
    mistakes_end_the_command,
    print_import,
    wishes_of,
)
from services.cli.terminal import PROBLEM, USAGE, BaseUrl, DataDir, Json_, county, fail, print_json
from services.exchange.items.item_import import import_items
from services.exchange.items.joined_rows import Joining, join
from services.exchange.refusals import refused_guids, write_refusals
from services.exchange.tables.csv_folder import read_folder
from services.exchange.tables.definitions import FAMILIES, ITEM_TABLES
from shared.errors import Invalid, Violation


def down(  # noqa: PLR0913, PLR0917  # an argument is an option of the command
    folder: Annotated[
        Path | None, typer.Argument(exists=True, file_okay=False, help="Folder of CSV files, one per table.")
    ] = None,
    from_database: FromDatabase = False,
    schema: Schema = None,
    source: Annotated[str, typer.Option(help="Name of the import source.")] = "up-task",
    preview: Preview = False,
    submit: Submit = False,
    note: Note = None,
    confirm: Confirm = False,
    rejects: Annotated[Path | None, typer.Option(help="Write refused rows here, as JSON Lines.")] = None,
    replay: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Take only the rows of this reject list again.")
    ] = None,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Import the items of the exchange's tables, from a folder of CSV files or with --database.

    It can be repeated: an item is known by its code and version. Exit 1: rows were refused, or something is held.
    """
    if (folder is None) != from_database:
        fail("name either a folder or --database", USAGE)
    wishes = wishes_of(source, preview, submit, confirm=confirm, note=note)
    with mistakes_end_the_command():
        only = refused_guids(replay) if replay else None
        joining = _read(folder, schema, only)
        with county(base_url, data_dir) as running:
            done = import_items(running, joining.items, wishes, lambda: time.sleep(POLL_SECONDS), MOST_POLLS)
        refusals = [*joining.refusals, *done.refusals]
        if rejects is not None:
            write_refusals(rejects, refusals)
    if as_json:
        print_json(import_outcome(done, len(joining.items), len(refusals)))
    else:
        print_import(done, len(joining.items), refusals, "rows")
    raise typer.Exit(0 if done.complete and not refusals else PROBLEM)


def _read(folder: Path | None, schema: str | None, only: frozenset[str] | None) -> Joining:
    if folder is not None:
        tables = read_folder(folder, ITEM_TABLES)
    else:
        with database(schema) as opened:
            tables = opened.read(ITEM_TABLES)
    if not any(f"up_task_{family}_basic" in tables for family in FAMILIES):
        names = " and ".join(f"up_task_{family}_basic" for family in FAMILIES)
        raise Invalid(Violation("tables", "table-missing", f"has neither {names}: name another folder, file or schema"))
    return join(tables, only)

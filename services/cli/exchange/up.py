"""`exchange up`: released items, and cases, as rows of the exchange's tables."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from contracts.base import Json
from services.cli.exchange.options import FromDatabase, Schema, database, lines_of, mistakes_end_the_command
from services.cli.terminal import PROBLEM, USAGE, BaseUrl, DataDir, Json_, county, fail, plain, print_json, say, warn
from services.exchange import position
from services.exchange.export import Export, export, require_envelope
from services.exchange.items.item_rows import Envelope
from services.exchange.refusals import write_refusals
from services.exchange.tables.csv_folder import write_folder
from services.exchange.tables.definitions import CASE_TABLES, ITEM_TABLES
from shared.text.dates import BEIJING


def up(  # noqa: PLR0913, PLR0917  # an argument is an option of the command
    folder: Annotated[Path | None, typer.Argument(file_okay=False, help="New folder for the batch's files.")] = None,
    to_database: FromDatabase = False,
    schema: Schema = None,
    create_tables: Annotated[
        bool, typer.Option("--create-tables", help="With --database: create tables that are missing.")
    ] = False,
    cases: Annotated[
        bool, typer.Option("--cases", help="Also up_pro_*: they name applicants, and every case read is logged.")
    ] = False,
    state: Annotated[
        Path | None, typer.Option(dir_okay=False, help="File with the position of this target. Without it: everything.")
    ] = None,
    data_source: Annotated[str, typer.Option(help="data_source of the envelope, 1 to 3 characters.")] = "999",
    batch: Annotated[str | None, typer.Option(help="cd_batch, at most 32 characters. Default: the time.")] = None,
    rejects: Annotated[Path | None, typer.Option(help="Write refused rows here, as JSON Lines.")] = None,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Write what the county has released as rows of the exchange's tables, to a new folder or with --database.

    With --state only what changed since the last time. Unknown facts are NULL. Exit 1: rows were refused.
    """
    if (folder is None) != to_database:
        fail("name either a folder or --database", USAGE)
    now = datetime.now(UTC)
    local = now.astimezone(BEIJING)
    envelope = Envelope(local.strftime("%Y-%m-%d %H:%M:%S"), batch or local.strftime("%Y%m%d%H%M%S"), data_source)
    with mistakes_end_the_command(), county(base_url, data_dir) as running:
        require_envelope(envelope)
        begin = position.load(state) if state else position.Position()
        made = export(running, begin, envelope, now, cases=cases)
        told = _write(made, folder, envelope, begin.position, schema, cases=cases, create=create_tables)
        if rejects is not None:
            write_refusals(rejects, made.refusals)
        if state is not None:
            position.save(state, made.position)
    _print(made, told, as_json=as_json)
    raise typer.Exit(PROBLEM if made.refusals else 0)


def _write(  # each is an option of the command
    made: Export, folder: Path | None, envelope: Envelope, after: int, schema: str | None, *, cases: bool, create: bool
) -> Json:
    """Write to the folder or the database; return the counts. What the database refuses is added to `made`."""
    if folder is not None:
        facts = {
            "batch": envelope.batch,
            "time": envelope.time,
            "after": after,
            "position": made.position.position,
            "unstated": dict(sorted(made.unstated.items())),
        }
        files = write_folder(folder, made.tables(cases=cases), facts)["files"]
        return {"rows": sum(one["rows"] for one in files.values())}
    with database(schema) as opened:
        if create:
            opened.create((*ITEM_TABLES, *(CASE_TABLES if cases else ())))
        done = opened.write(made.records)
    made.refusals += done.refusals
    counts = {name: getattr(done, name) for name in ("inserted", "updated", "unchanged", "older")}
    return {**counts, "absent": {name: columns for name, columns in done.absent.items() if columns}}


def _print(made: Export, told: Json, *, as_json: bool) -> None:
    answer = {
        **told,
        "records": len(made.records),
        "position": made.position.position,
        "waiting": len(made.position.waiting),
        "rejected": len(made.refusals),
        "unstated": dict(sorted(made.unstated.items())),
    }
    if as_json:
        print_json(answer)
        return
    say(f"{answer['records']} records up to position {answer['position']}, {answer['rejected']} rows refused")
    say("  " + ", ".join(f"{plain(name)} {plain(count)}" for name, count in told.items()))
    unknown = [f"{column}: NULL in {count}, required there" for column, count in sorted(made.unstated.items())]
    warn([*unknown, *lines_of(made.refusals)])

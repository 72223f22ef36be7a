"""Options that commands of `exchange` share, and the end of a command for a mistake in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from contracts.base import Json
from services.cli.terminal import USAGE, fail, plain, say, settings, warn, words
from services.exchange.items.item_import import ImportedItems, ImportWishes
from services.exchange.refusals import Refusal
from services.exchange.tables.database import TableDatabase, table_database
from shared.errors import Invalid
from shared.publishing.imports.request import Confirmation

DATABASE_VARIABLE = "TONGYUAN_EXCHANGE_DATABASE_URL"
MOST_PRINTED = 20
POLL_SECONDS, MOST_POLLS = 0.5, 7200
Preview = Annotated[bool, typer.Option("--preview", help="Say what would happen, and change nothing.")]
Submit = Annotated[bool, typer.Option("--submit", help="Submit to the five gates, and change nothing else.")]
Note = Annotated[str | None, typer.Option(help="With --submit: what reviewers should know.")]
Confirm = Annotated[bool, typer.Option("--confirm", help="Confirm everything that the breaker holds.")]
Schema = Annotated[str | None, typer.Option(help="Schema of the tables in the database.")]
FromDatabase = Annotated[
    bool, typer.Option("--database", help=f"Use the database whose address {DATABASE_VARIABLE} has.")
]


@contextmanager
def mistakes_end_the_command() -> Iterator[None]:
    """End the command for input that is refused, or a file that cannot be read or written."""
    try:
        yield
    except Invalid as error:
        told = "; ".join(f"{one.field}: {one.message} [{one.rule}]" for one in error.violations)
        fail(told, USAGE)
    except OSError as error:
        fail(words(error), USAGE)


def wishes_of(
    source: str, preview: Preview, submit: Submit, *, confirm: Confirm, note: Note, table: str | None = None
) -> ImportWishes:
    """Return how rows are imported. Ends the command for a preview that is a submission as well."""
    if preview and submit:
        fail("--submit and --preview are two things: look at the preview first, then submit", USAGE)
    confirmed = tuple(str(one) for one in Confirmation) if confirm else ()
    return ImportWishes(source, preview, submit, confirm=confirmed, note=note, table=table)


@contextmanager
def database(schema: str | None) -> Iterator[TableDatabase]:
    """Yield the database. Its address has a password: it is a setting, and no argument that others could read."""
    url = settings().exchange_database_url
    if url is None:
        fail(f"--database needs {DATABASE_VARIABLE}, such as postgresql://user:password@host:5432/name", USAGE)
    with table_database(url.get_secret_value(), schema) as found:
        yield found


def lines_of(refusals: list[Refusal], option: str = "--rejects") -> Iterator[str]:
    """Yield a line for each of the first refusals, and how many there are beside them. `option` writes all."""
    for one in refusals[:MOST_PRINTED]:
        yield f"{one.table} {one.row_guid or 'without row_guid'}  {one.field}: {one.remedy} [{one.rule}]"
    if len(refusals) > MOST_PRINTED:
        yield f"and {len(refusals) - MOST_PRINTED} more: {option} FILE has all"


def import_outcome(done: ImportedItems, items: int, rejected: int) -> Json:
    """Return what an import came to, for `--json`."""
    return {
        "items": items,
        "state": done.state,
        "problem": done.problem,
        "figures": done.figures,
        "held_for": done.held_for,
        "reviews": done.reviews,
        "rejected": rejected,
    }


def print_import(done: ImportedItems, items: int, refusals: list[Refusal], word: str) -> None:
    """Print what an import came to. `word`: what was refused, in the plural."""
    say(f"{items} items read, {len(refusals)} {word} refused; the import is {plain(done.state)}")
    if done.figures:
        say("  " + ", ".join(f"{plain(name)} {plain(count)}" for name, count in done.figures.items()))
    warn([*([done.problem] if done.problem else []), *(f"held: {kind}" for kind in done.held_for), *lines_of(refusals)])

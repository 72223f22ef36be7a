"""`standards export` and `standards import`: HSDS 3 and CPSV-AP 3."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from services.cli.exchange.options import (
    MOST_POLLS,
    POLL_SECONDS,
    Confirm,
    Note,
    Preview,
    Submit,
    import_outcome,
    lines_of,
    mistakes_end_the_command,
    print_import,
    wishes_of,
)
from services.cli.terminal import PROBLEM, USAGE, BaseUrl, DataDir, Json_, county, fail, print_json, say, warn
from services.exchange.items.item_import import ImportedItems, import_items
from services.exchange.refusals import Refusal, write_refusals
from services.exchange.standards.documents import LARGEST_DOCUMENT
from services.exchange.standards.facts import Facts
from services.exchange.standards.formats import SOURCES, TABLES, Format, format_of, read, written
from services.exchange.standards.hsds_pages import page_bytes, pages_of
from services.exchange.standards.hsds_service import service_of
from services.exchange.standards.released_now import released_now
from shared.atomic_file import write_atomically
from shared.errors import Invalid, Violation

app = typer.Typer(
    no_args_is_help=True, help="Released items as HSDS 3 and CPSV-AP 3, and such documents into the import."
)

As = Annotated[Format | None, typer.Option("--as", help="Format. Default: what the file's name ends in.")]


@app.command("export")
def export_documents(
    target: Annotated[Path, typer.Argument(help="File to write: .json HSDS, .ttl Turtle, .jsonld JSON-LD.")],
    kind: As = None,
    page_size: Annotated[
        int | None, typer.Option(min=1, help="HSDS only: services per page; TARGET is then a new folder of pages.")
    ] = None,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Write every item that is released and shown now, with its guide. Unknown facts are left out."""
    if page_size is not None and kind not in (None, Format.HSDS):
        fail("--page-size is for HSDS: CPSV-AP has no pages", USAGE)
    with mistakes_end_the_command():
        kind = kind or (Format.HSDS if page_size else format_of(target))
        with county(base_url, data_dir) as running:
            services, region = released_now(running, datetime.now(UTC)), running.config.region
        files = _write_pages(target, services, page_size) if page_size else _write(target, services, kind, region)
    if as_json:
        print_json({"services": len(services), "files": files})
    else:
        say(f"{len(services)} services in {files} {'file' if files == 1 else 'files'}")


@app.command("import")
def import_documents(  # noqa: PLR0913, PLR0917  # an argument is an option of the command
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Documents of one format.")],
    kind: As = None,
    source: Annotated[str | None, typer.Option(help="Name of the import source. Default: hsds or cpsv-ap.")] = None,
    preview: Preview = False,
    submit: Submit = False,
    note: Note = None,
    confirm: Confirm = False,
    rejects: Annotated[Path | None, typer.Option(help="Write what was refused here, as JSON Lines.")] = None,
    lost: Annotated[Path | None, typer.Option(help="Write values lost or in doubt here, as JSON Lines.")] = None,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Import the services of HSDS or CPSV-AP documents, each known by its 实施编码. Nothing that they name is fetched.

    What they do not state stays as it is. Exit 1: services were refused, or something is held.
    """
    with mistakes_end_the_command():
        kind = kind or _one_format(files)
        wishes = wishes_of(source or SOURCES[kind], preview, submit, confirm=confirm, note=note, table=TABLES[kind])
        documents = read(_contents(files), kind)
        with county(base_url, data_dir) as running:
            done = import_items(running, documents.facts, wishes, lambda: time.sleep(POLL_SECONDS), MOST_POLLS)
        refusals, losses = [*documents.refusals, *done.refusals], [*documents.losses, *done.left_out]
        for file, listed in ((rejects, refusals), (lost, [*losses, *done.doubtful])):
            if file is not None:
                write_refusals(file, listed)
    _print(done, len(documents.facts), refusals, losses, as_json=as_json)
    raise typer.Exit(0 if done.complete and not refusals else PROBLEM)


def _print(done: ImportedItems, items: int, refusals: list[Refusal], losses: list[Refusal], *, as_json: bool) -> None:
    if as_json:
        fields = dict(Counter(one.field for one in losses).most_common())
        more = {"lost": len(losses), "lost_fields": fields, "doubtful": len(done.doubtful)}
        print_json({**import_outcome(done, items, len(refusals)), **more})
        return
    print_import(done, items, refusals, "services")
    say(f"{len(losses)} values are lost, {len(done.doubtful)} are in doubt")
    warn(lines_of([*losses, *done.doubtful], "--lost"))


def _write(target: Path, services: Sequence[Facts], kind: Format, region: str) -> int:
    write_atomically(target, written(services, kind, region))
    return 1


def _write_pages(folder: Path, services: Sequence[Facts], size: int) -> int:
    folder.mkdir(parents=True)
    pages = list(pages_of([service_of(facts) for facts in services], size))
    for page in pages:
        write_atomically(folder / f"page-{page['page_number']:04}.json", page_bytes(page))
    return len(pages)


def _one_format(files: Sequence[Path]) -> Format:
    kinds = {format_of(file) for file in files}
    if len(kinds) > 1:
        raise Invalid(Violation("files", "format", "are of several formats: import each format by itself"))
    return kinds.pop()


def _contents(files: Sequence[Path]) -> Iterator[bytes]:
    """Yield the content of each file, of one that is too large no more than shows that it is."""
    for file in files:
        with file.open("rb") as opened:
            yield opened.read(LARGEST_DOCUMENT + 1)

"""`mapping`: suggest the mapping of a table from its header."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.terminal import USAGE, err, fail, plain
from services.importing.formats.header_names import suggested
from shared.errors import Refused

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
Save = Annotated[
    Path | None, typer.Option(help="Write the mapping here instead of printing it; it must not exist yet.")
]


def suggest_mapping(file: File, save: Save = None) -> None:
    """Suggest which column of FILE (.xlsx, .xls or CSV) fills which field, from the header; name the columns left out.

    Read the suggestion, correct it, and give it to `import --format table --mapping`.
    """
    try:
        found = suggested(file)
    except Refused as error:
        fail(str(error), USAGE)
    text = found.as_yaml(file.name)
    if save is None:
        typer.echo(text, nl=False)
    else:
        try:
            with save.open("x", encoding="utf-8") as target:
                target.write(text)
        except OSError as error:
            fail(f"--save {save}: {error.strerror}", USAGE)
    children = f", child tables: {', '.join(found.children)}" if found.children else ""
    err.print(f"{len(found.columns)} columns mapped{children}", highlight=False, soft_wrap=True)
    for column in found.lost:
        err.print(f"[yellow]![/] left out: {plain(column)}", highlight=False, soft_wrap=True)

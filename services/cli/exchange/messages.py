"""`exchange hall`, `exchange marks` and `exchange services`: messages of halls, marks, and service records."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from contracts.base import Json
from services.cli.exchange.options import lines_of, mistakes_end_the_command
from services.cli.terminal import PROBLEM, BaseUrl, DataDir, Json_, county, print_json, say, warn
from services.exchange.cases import messages
from services.exchange.cases.case_reports import Reported
from services.exchange.cases.marks import service_records
from services.exchange.export import released_cases
from services.exchange.refusals import write_refusals
from shared.atomic_file import write_atomically

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="JSON Lines: one message per line.")]
Rejects = Annotated[Path | None, typer.Option(help="Write refused messages here, as JSON Lines.")]


def hall(
    file: File, rejects: Rejects = None, base_url: BaseUrl = None, data_dir: DataDir = None, as_json: Json_ = False
) -> None:
    """Report a hall system's messages: routing key and body, a line each. Repeating it has no effect.

    Exit 1: messages were refused.
    """
    with mistakes_end_the_command(), county(base_url, data_dir) as running, file.open("rb") as lines:
        done = messages.report_hall(running, lines)
        _end(done, rejects, {}, as_json=as_json)


def marks(
    file: File, rejects: Rejects = None, base_url: BaseUrl = None, data_dir: DataDir = None, as_json: Json_ = False
) -> None:
    """Take marks of 好差评 from the hall's devices. Exit 1: marks were refused."""
    with mistakes_end_the_command(), county(base_url, data_dir) as running, file.open("rb") as lines:
        done = messages.report_marks(running, lines)
        _end(done, rejects, {"guides_wrong": dict(done.guides_wrong)}, as_json=as_json)


def services(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="File to write: JSON Lines, a record per step.")],
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Write the service records that a province's 好差评 asks for, of all released cases."""
    with mistakes_end_the_command(), county(base_url, data_dir) as running:
        area = running.config.region
        found: list[Any] = []
        for case, released in released_cases(running, datetime.now(UTC)):
            found += service_records(case, released.item if released else None, area)
        write_atomically(file, b"".join(orjson.dumps(one) + b"\n" for one in found), 0o600)
    say(f"{len(found)} service records")


def _end(done: Reported, rejects: Path | None, more: Json, *, as_json: bool) -> None:
    if rejects is not None:
        write_refusals(rejects, done.refusals)
    if as_json:
        print_json({"taken": done.taken, "rejected": len(done.refusals), **more})
    else:
        say(f"{done.taken} taken, {len(done.refusals)} refused")
        warn(
            [
                *(
                    f"{code}: {count} marks say that its guide is wrong"
                    for code, count in more.get("guides_wrong", {}).items()
                ),
                *lines_of(done.refusals),
            ]
        )
    raise typer.Exit(PROBLEM if done.refusals else 0)

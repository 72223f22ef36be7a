"""Rows that were not exchanged, each with its reason and its remedy, and their file."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from shared.atomic_file import write_atomically
from shared.errors import Invalid, Violation

TASK_GUID = "task_guid"
"""The column of a child that names its item."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row that was refused. `value`: at most 100 characters; never of a personal column."""

    table: str
    row_guid: str | None
    field: str
    rule: str
    remedy: str
    value: str | None = None


def write_refusals(path: Path, refusals: Iterable[Refusal]) -> None:
    """Write one JSON object per line, replacing the file. Raises `OSError`."""
    write_atomically(path, b"".join(orjson.dumps(asdict(one)) + b"\n" for one in refusals))


def refused_guids(path: Path) -> frozenset[str]:
    """Return the `row_guid` of every refused row of a reject list, and of the items that refused children name.

    Raises `Invalid`, `OSError`.
    """
    lines: Sequence[bytes] = path.read_bytes().splitlines()
    found: set[str | None] = set()
    for number, line in enumerate(lines, start=1):
        try:
            told = orjson.loads(line)
            found |= {told["row_guid"], told["value"] if told["field"] == TASK_GUID else None}
        except (ValueError, KeyError, TypeError):
            message = "must be a line of a reject list, as `tongyuan exchange down --rejects` writes it"
            raise Invalid(Violation(f"line {number}", "reject-list", message)) from None
    return frozenset(guid for guid in found if guid)

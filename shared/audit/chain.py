"""The chain of an audit log: each row's hash covers the row and the hash before it. Pure.

hash = SHA-256 over the UTF-8 text `<previous hash><sequence>:<at>:<document>`, in hexadecimal; `document` is RFC 8785
JSON. PostgreSQL computes the same in the statement that appends a row.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime

from contracts.base import Json, format_time
from shared.transparency.canonical import canonical, digest

GENESIS = "0" * 64
"""The hash before the first row."""

YEARS_KEPT = 10
"""How long a row is kept at least."""

REMOVED = "audit.removed"
"""The action of the row that names the newest of the rows that were removed because of their age."""

OUTSIDE = ("sequence", "at", "hash", "changes", "log")
"""What a row as JSON has beside its document, which has the digest of `changes`: drafts are not for every reader.

`log`: in lists of several logs, the one that has the row.
"""


def row_hash(previous: str, sequence: int, at: str, document: str) -> str:
    """Return the hash of a row that follows `previous`."""
    return hashlib.sha256(f"{previous}{sequence}:{at}:{document}".encode()).hexdigest()


def document_of(row: Json) -> str:
    """Return the document of a row as `/v1/audit` shows it. Raises `Broken`."""
    return canonical({name: value for name, value in row.items() if name not in OUTSIDE}).decode()


def years_before(moment: datetime, years: int) -> datetime:
    """Return the same moment so many years earlier; of 29 February, the 28th."""
    try:
        return moment.replace(year=moment.year - years)
    except ValueError:
        return moment.replace(year=moment.year - years, day=28)


def anchor_of(row: Json) -> tuple[int, str] | None:
    """Return number and hash of the newest row that was removed, if the row tells of a removal."""
    if row["action"] != REMOVED:
        return None
    return int(row["after"]["through"]), str(row["after"]["hash"])


def faults(newest_first: Iterable[Json], before: tuple[int, str] | None = None) -> Iterator[str]:
    """Yield what is wrong with rows in descending order: a gap, a hash that differs, or a removal of young rows.

    `before`: number and hash of the row before the oldest one. None: the newest row about a removal names it; without
    such a row, nothing was removed and the log begins with row 1.
    """
    later: Json | None = None
    for row in newest_first:
        if (anchor := anchor_of(row)) is not None:
            before = before or anchor
            yield from _removal_fault(row)
        if later is not None:
            yield from _fault(later, row["hash"], row["sequence"])
        later = row
    if later is not None:
        number, previous = before or (0, GENESIS)
        yield from _fault(later, previous, number)


def _removal_fault(row: Json) -> Iterator[str]:
    if row["after"]["at"] >= format_time(years_before(datetime.fromisoformat(row["at"]), YEARS_KEPT)):
        yield f"row {row['sequence']} tells of the removal of rows that were younger than {YEARS_KEPT} years"


def _fault(row: Json, previous: str, number: int) -> Iterator[str]:
    if row["sequence"] != number + 1:
        yield f"row {row['sequence']} follows row {number}: what was between is missing"
    elif row_hash(previous, row["sequence"], row["at"], document_of(row)) != row["hash"]:
        yield f"row {row['sequence']} is not what was written: its hash differs"
    elif row.get("changes") and digest(row["changes"]) != row["changes_digest"]:
        yield f"row {row['sequence']} is not what was written: its changed fields differ"

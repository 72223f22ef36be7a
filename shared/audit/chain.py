"""The chain of an audit log: each row's hash covers the row and the hash before it. Pure.

hash = SHA-256 over the UTF-8 text `<previous hash><sequence>:<at>:<document>`, in hexadecimal; `document` is RFC 8785
JSON. PostgreSQL computes the same in the statement that appends a row.
"""

import hashlib
from collections.abc import Iterable, Iterator

from contracts.base import Json
from shared.transparency.canonical import canonical, digest

GENESIS = "0" * 64
"""The hash before the first row."""

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


def faults(newest_first: Iterable[Json], before: tuple[int, str] = (0, GENESIS)) -> Iterator[str]:
    """Yield what is wrong with rows in descending order: a gap, or a hash that differs.

    `before`: number and hash of the row before the oldest one.
    """
    later: Json | None = None
    for row in newest_first:
        if later is not None:
            yield from _fault(later, row["hash"], row["sequence"])
        later = row
    if later is not None:
        yield from _fault(later, before[1], before[0])


def _fault(row: Json, previous: str, number: int) -> Iterator[str]:
    if row["sequence"] != number + 1:
        yield f"row {row['sequence']} follows row {number}: what was between is missing"
    elif row_hash(previous, row["sequence"], row["at"], document_of(row)) != row["hash"]:
        yield f"row {row['sequence']} is not what was written: its hash differs"
    elif row.get("changes") and digest(row["changes"]) != row["changes_digest"]:
        yield f"row {row['sequence']} is not what was written: its changed fields differ"

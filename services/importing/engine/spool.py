"""Store the rows of one file on disk: a file may be larger than memory, and is read twice."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

import orjson

from services.importing.engine.row_entry import RowEntry


@dataclass(frozen=True, slots=True)
class SpooledRow:
    """What is in memory of a row: its position in the spool, and what decides whether it counts."""

    number: int
    code: str
    version: int | None
    state: str | None
    leaves: bool
    updates: bool
    digest: bytes
    offset: int
    length: int
    sheet: str = ""

    @property
    def place(self) -> str:
        """The row, with its sheet if the file has several."""
        return f"row {self.number}" + (f" of {self.sheet}" if self.sheet else "")


class Spool:
    """Entries in a temporary file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._end = file, 0

    def add(self, entry: RowEntry, number: int) -> SpooledRow:
        """Store an entry."""
        packed = entry.packed()
        self._file.seek(self._end)
        self._file.write(packed)
        digest, length = _digest(entry), len(packed)
        mark = SpooledRow(
            number,
            entry.code,
            entry.version,
            entry.state,
            entry.leaves,
            entry.updates,
            digest,
            self._end,
            length,
            entry.sheet,
        )
        self._end += len(packed)
        return mark

    def entry(self, mark: SpooledRow) -> RowEntry:
        """Read an entry."""
        self._file.seek(mark.offset)
        return RowEntry.unpacked(self._file.read(mark.length))


@contextmanager
def spooling(folder: Path | None = None) -> Iterator[Spool]:
    """Yield a spool that is deleted afterwards. `folder`: where its file is; by default that of temporary files."""
    with TemporaryFile(prefix="tongyuan-import-", dir=folder) as file:
        yield Spool(file)


def _digest(entry: RowEntry) -> bytes:
    """Return the digest of a row's content: rows with equal content have equal digests."""
    said = [entry.state if entry.leaves else None, entry.item, entry.guide]
    return hashlib.blake2b(orjson.dumps(said, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()

"""Streaming readers: yield a file's rows, with each unreadable line as a rejected row; the file is never in memory.

JSON Lines and JSON arrays are here, CSV in `services.importing.formats.csv_reading`. A file that is no readable text is
refused as a whole (`NotFound`, `TooLarge`, `Invalid`) before its first row.
"""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from services.importing.fields.notes import Rule
from services.importing.formats.json_array import CHUNK, elements
from services.importing.formats.json_text import UnreadableText, parsed, sound_object
from services.importing.row import Rejected, Row
from shared.errors import Invalid, NotFound, TooLarge, Violation

LARGEST_FILE = 512 * 1024 * 1024
LONGEST_LINE = 1024 * 1024

_BOM = codecs.BOM_UTF8
_BINARY = {
    b"PK\x03\x04": "an Excel workbook (import it with --format table) or a zip archive (unpack it)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: import it with --format table",
    b"\x1f\x8b": "compressed: unpack it first",
    b"%PDF": "a PDF document",
    b"\xff\xfe": "UTF-16 text: save it as UTF-8",
    b"\xfe\xff": "UTF-16 text: save it as UTF-8",
}


def opened(path: Path, largest: int = LARGEST_FILE) -> BinaryIO:
    """Open `path` after its byte-order mark. Raises for what is no file, too large, empty, or not text."""
    if not path.is_file():
        raise NotFound(f"{path.name}: the file does not exist")
    size = path.stat().st_size
    if size > largest:
        raise TooLarge(f"{path.name}: {size:,} bytes, at most {largest:,} are read: split the file")
    file = path.open("rb")
    try:
        _require_text(file.read(CHUNK), path)
        rewind(file)
    except BaseException:
        file.close()
        raise
    return file


def rewind(file: BinaryIO) -> None:
    """Go back to the start of the text, after a byte-order mark."""
    file.seek(0)
    if file.read(len(_BOM)) != _BOM:
        file.seek(0)


def json_rows(path: Path, largest: int = LARGEST_FILE) -> Iterator[Row | Rejected]:
    """Yield the rows of a JSON Lines file or of one JSON array; the first character decides."""
    with opened(path, largest) as file:
        first = _first_character(file)
        rewind(file)
        if first == b"[":
            yield from _array_rows(file)
            return
        if file.readline(CHUNK).strip() == b"{":
            message = "one JSON object over several lines: expected JSON Lines (one object per line) or an array"
            raise refused(path, message)
        rewind(file)
        yield from _line_rows(file)


def lines(file: BinaryIO, longest: int = LONGEST_LINE) -> Iterator[tuple[int, bytes | None]]:
    """Yield number (from 1) and bytes of each line; None instead of the bytes of a line that is too long."""
    number = 0
    while line := file.readline(longest + 1):
        number += 1
        too_long = len(line) > longest
        while too_long and line and not line.endswith(b"\n"):
            line = file.readline(CHUNK)
        yield number, None if too_long else line


def refused(path: Path, message: str) -> Invalid:
    """Return the error for a file that cannot be read at all."""
    return Invalid(Violation("file", str(Rule.READABLE), message, path.name))


def _line_rows(file: BinaryIO) -> Iterator[Row | Rejected]:
    for number, line in lines(file):
        if line is not None and not line.strip():
            continue
        try:
            yield Row(number, parsed(_decoded(line)))
        except UnreadableText as error:
            yield Rejected(number, [error.violation])


def _array_rows(file: BinaryIO) -> Iterator[Row | Rejected]:
    """Yield the elements one by one. After broken JSON the next one cannot be found: the last outcome says so."""
    number = 0
    try:
        for number, element in enumerate(elements(file), start=1):
            try:
                yield Row(number, sound_object(element))
            except UnreadableText as error:
                yield Rejected(number, [error.violation])
    except UnreadableText as error:
        problem = error.violation
        message = f"{problem.message}; the rest of the file was not read"
        yield Rejected(number + 1, [Violation(problem.field, problem.rule, message, problem.value)])


def _decoded(line: bytes | None) -> str:
    if line is None:
        raise UnreadableText(Rule.LINE_LENGTH, f"longer than {LONGEST_LINE:,} bytes")
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise UnreadableText(Rule.ENCODING, f"not UTF-8 at byte {error.start}: {error.reason}") from None


def _require_text(beginning: bytes, path: Path) -> None:
    for magic, what in _BINARY.items():
        if beginning.startswith(magic):
            raise refused(path, f"not a text file but {what}")
    if not beginning.removeprefix(_BOM).strip():
        raise refused(path, "the file is empty")
    # A stray NUL spoils one row; a file full of NULs is no text.
    if beginning.count(0) > len(beginning) // 10:
        raise refused(path, "not a text file: full of zero bytes")


def _first_character(file: BinaryIO) -> bytes:
    while (char := file.read(1)).isspace():
        pass
    return char

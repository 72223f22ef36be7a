"""Read CSV files into rows: detect encoding and delimiter, stream records, and continue after a broken one."""

import csv
from collections.abc import Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Any, BinaryIO

from services.importing.fields.notes import Rule
from services.importing.formats.rows import LARGEST_FILE, LONGEST_LINE, lines, opened, refused, rewind
from services.importing.formats.table_header import LOOKED_AT, HeaderProblem, Record, table_rows
from services.importing.row import WHOLE_ROW, Rejected, Row
from shared.errors import Violation

CODECS = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "gb18030": "gb18030", "gbk": "gb18030", "gb2312": "gb18030"}
"""Encodings that may be requested, and how they are read: GB 18030 includes the older two."""

DELIMITERS = ",\t;|"
SAMPLE = 2000
"""Lines with other than ASCII characters that decide the encoding."""


def csv_rows(
    path: Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    needed: Sequence[str] = (),
    header_row: int | None = None,
    largest: int = LARGEST_FILE,
) -> Iterator[Row | Rejected]:
    """Yield rows by the header's names, which must include all of `needed`, see `table_header`.

    `encoding` (one of `CODECS`) and `delimiter`: None = detected (UTF-8 or GB 18030; comma, tab, `;` or `|`).
    """
    with opened(path, largest) as file:
        codec = CODECS[encoding] if encoding else _found_encoding(file)
        rewind(file)
        delimiter = delimiter or _found_delimiter(file)
        rewind(file)
        source = _Lines(file, codec)
        records = _records(csv.reader(source, delimiter=delimiter, strict=True), source)
        try:
            yield from table_rows(records, needed, header_row)
        except HeaderProblem as error:
            raise refused(path, str(error)) from None


def csv_records(path: Path, largest: int = LARGEST_FILE) -> Iterator[Record]:
    """Yield the number and the cells of each record, without looking for a header."""
    with opened(path, largest) as file:
        codec = _found_encoding(file)
        rewind(file)
        delimiter = _found_delimiter(file)
        rewind(file)
        source = _Lines(file, codec)
        yield from _records(csv.reader(source, delimiter=delimiter, strict=True), source)


class _TooLong(Exception):
    """A line or a record is longer than the limit."""


class _Lines:
    """Decoded lines for `csv.reader`. An iterator, not a generator: after an error it continues with the next line."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self.number = 0
        self.record_length = 0
        self._encoding = encoding
        self._source = lines(file)

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        self.number, line = next(self._source)
        self.record_length += LONGEST_LINE + 1 if line is None else len(line)
        if line is None or self.record_length > LONGEST_LINE:
            raise _TooLong
        # An invalid byte becomes an unpaired surrogate: the record keeps its columns, and is rejected later.
        return line.decode(self._encoding, "surrogateescape")


def _records(reader: Any, source: _Lines) -> Iterator[tuple[int, list[str] | Violation]]:
    """Yield the number and the cells of each record, or its violation. The header is row 1, as in a spreadsheet; a cell
    may contain several lines, so the row number is not the line number.
    """
    for number in count(1):
        first = source.number + 1
        source.record_length = 0
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except _TooLong:
            message = f"a line or record over {LONGEST_LINE:,} bytes{_span(first, source)}"
            yield number, Violation(WHOLE_ROW, str(Rule.LINE_LENGTH), message)
        except csv.Error as error:
            message = f"broken CSV: {error}{_span(first, source)}"
            yield number, Violation(WHOLE_ROW, str(Rule.READABLE), message)


def _found_encoding(file: BinaryIO) -> str:
    """Return UTF-8 unless most lines are not UTF-8: one damaged line must not change how the others are read."""
    telling = (line for _, line in lines(file) if line is not None and not line.isascii())
    fitting = [_is_utf8(line) for line in islice(telling, SAMPLE)]
    return "utf-8" if fitting.count(True) * 2 >= len(fitting) else "gb18030"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _found_delimiter(file: BinaryIO) -> str:
    """Return the delimiter of which one of the leading lines has most: the first line may be a title without any."""
    leading = [line or b"" for _, line in islice(lines(file), LOOKED_AT)]
    return max(DELIMITERS, key=lambda delimiter: max((line.count(delimiter.encode()) for line in leading), default=0))


def _span(first: int, source: _Lines) -> str:
    return f" (lines {first} to {source.number})" if source.number > first else f" (line {first})"

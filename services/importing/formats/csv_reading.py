"""Read CSV files into rows: detect encoding and delimiter, stream records, and continue after a broken one."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Any, BinaryIO

from services.importing.fields.notes import Rule, shown
from services.importing.formats.json_text import UnreadableText, sound_object
from services.importing.formats.rows import LARGEST_FILE, LONGEST_LINE, lines, opened, refused, rewind
from services.importing.row import WHOLE_ROW, Rejected, Row
from shared.errors import Violation

CODECS = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "gb18030": "gb18030", "gbk": "gb18030", "gb2312": "gb18030"}
"""Encodings that may be requested, and how they are read: GB 18030 includes the older two."""

DELIMITERS = ",\t;|"
SAMPLE = 2000
"""Lines with other than ASCII characters that decide the encoding."""

_ESCAPED = re.compile("[\udc80-\udcff]")


def csv_rows(
    path: Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    needed: Sequence[str] = (),
    largest: int = LARGEST_FILE,
) -> Iterator[Row | Rejected]:
    """Yield rows by the header's names, which must include all of `needed`.

    `encoding` (one of `CODECS`) and `delimiter`: None = detected (UTF-8 or GB 18030; comma, tab, `;` or `|`).
    """
    with opened(path, largest) as file:
        codec = CODECS[encoding] if encoding else _found_encoding(file)
        rewind(file)
        delimiter = delimiter or _found_delimiter(file.readline(LONGEST_LINE))
        rewind(file)
        source = _Lines(file, codec)
        records = _records(csv.reader(source, delimiter=delimiter, strict=True), source)
        header = _header(next(records, None), path)
        missing = [name for name in needed if name not in header]
        if missing:
            raise refused(path, f"the header has no column {missing[0]}; it has {', '.join(header)[:500]}")
        for number, record in records:
            outcome = _row(number, record, header)
            if outcome is not None:
                yield outcome


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


def _row(number: int, record: list[str] | Violation, header: list[str]) -> Row | Rejected | None:
    if isinstance(record, Violation):
        return Rejected(number, [record])
    if not any(cell.strip() for cell in record):
        return None
    if len(record) != len(header):
        message = f"{len(record)} cells, the header has {len(header)}"
        return Rejected(number, [Violation(WHOLE_ROW, str(Rule.COLUMNS), message, shown(record[0]))])
    raw = dict(zip(header, record, strict=True))
    foreign = next((name for name, cell in raw.items() if _ESCAPED.search(cell)), None)
    if foreign is not None:
        message = "bytes that are invalid in the file's encoding"
        return Rejected(number, [Violation(foreign, str(Rule.ENCODING), message, shown(raw[foreign]))])
    try:
        sound_object(raw)
    except UnreadableText as error:
        return Rejected(number, [error.violation])
    return Row(number, raw)


def _header(first: tuple[int, list[str] | Violation] | None, path: Path) -> list[str]:
    if first is None or isinstance(first[1], Violation):
        problem = first[1].message if first and isinstance(first[1], Violation) else "there is none"
        raise refused(path, f"the header cannot be read: {problem}")
    names = [name.strip() for name in first[1]]
    empty = [index for index, name in enumerate(names, start=1) if not name]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if empty or twice:
        what = f"column {empty[0]} has no name" if empty else f"the name {shown(twice[0])} occurs twice"
        raise refused(path, f"the header: {what}")
    return names


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


def _found_delimiter(header_line: bytes) -> str:
    return max(DELIMITERS, key=lambda delimiter: header_line.count(delimiter.encode()))


def _span(first: int, source: _Lines) -> str:
    return f" (lines {first} to {source.number})" if source.number > first else f" (line {first})"

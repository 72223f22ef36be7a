"""Tables as files: CSV in UTF-8 and Excel workbooks. A cell never runs as a formula when somebody opens the file."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zipfile import BadZipFile, ZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils.exceptions import InvalidFileException

from shared.errors import Invalid, TooLarge, Violation
from shared.text.spreadsheet_cells import QUOTE, harmless

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LARGEST_FILE = 10 * 1024 * 1024
LARGEST_UNPACKED = 100 * 1024 * 1024
MOST_COLUMNS, MOST_LINES = 200, 10_000
ZIP = b"PK\x03\x04"


def as_csv(rows: Iterable[list[str]]) -> bytes:
    """Return rows as CSV with a byte order mark, by which Excel recognises UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([safe(cell) for cell in row])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def as_xlsx(rows: Iterable[list[str]], title: str) -> bytes:
    """Return rows as a workbook of one sheet; every cell is a text."""
    # All rows first: a source that fails in the middle must not leave a half-written sheet behind.
    lines = list(rows)
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    for row in lines:
        cells = []
        for value in row:
            cell = WriteOnlyCell(sheet, safe(value))
            cell.data_type, cell.number_format = "s", "@"
            cells.append(cell)
        sheet.append(cells)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def safe(cell: str) -> str:
    """Return the cell's text so that no spreadsheet takes it for a formula; `read_table` takes the mark away again."""
    return QUOTE + cell if cell.startswith(QUOTE) else harmless(cell)


def read_table(content: bytes) -> list[dict[str, str]]:
    """Return the lines of a CSV file or a workbook by the titles of its first line.

    Raises `TooLarge`, and `Invalid` for a file that is neither, or whose titles repeat.
    """
    if len(content) > LARGEST_FILE:
        raise TooLarge(f"a table may have {LARGEST_FILE} bytes")
    lines = list(_xlsx(content) if content.startswith(ZIP) else _csv(content))
    if not lines:
        return []
    titles = [title.strip() for title in lines[0]]
    named = [title for title in titles if title]
    if len(set(named)) != len(named):
        raise Invalid(Violation("file", "repeated_field", "two columns have the same title"))
    return [
        {title: cell for title, cell in zip(titles, line, strict=False) if title}
        for line in lines[1:]
        if any(cell.strip() for cell in line)
    ]


def _csv(content: bytes) -> Iterable[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("gb18030")
        except UnicodeDecodeError:
            raise Invalid(Violation("file", "encoding", "is neither UTF-8 nor GB 18030")) from None
    try:
        for line in csv.reader(io.StringIO(text, newline="")):
            yield _plain(line)
    except csv.Error as error:
        raise Invalid(Violation("file", "readable", f"is no CSV: {error}")) from None


def _xlsx(content: bytes) -> Iterable[list[str]]:
    _check_size(content)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        # The size that a sheet states of itself may be wrong.
        sheet.reset_dimensions()
        for number, row in enumerate(sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS)):
            if number > MOST_LINES:
                raise TooLarge(f"a table may have {MOST_LINES} lines")
            yield _plain([_text(value) for value in row])
    except (BadZipFile, InvalidFileException, KeyError, ValueError, IndexError) as error:
        raise Invalid(Violation("file", "readable", f"is no workbook: {type(error).__name__}")) from None


def _check_size(content: bytes) -> None:
    """Raise `TooLarge` for a workbook that unpacks to more than it may."""
    try:
        size = sum(one.file_size for one in ZipFile(io.BytesIO(content)).infolist())
    except BadZipFile:
        raise Invalid(Violation("file", "readable", "is no workbook")) from None
    if size > LARGEST_UNPACKED:
        raise TooLarge(f"a workbook may unpack to {LARGEST_UNPACKED} bytes")


def _text(value: Any) -> str:
    """Return a cell as text; a spreadsheet makes dates and numbers of what looks like them."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _plain(line: Iterable[str]) -> list[str]:
    return [cell[1:] if cell.startswith(QUOTE) else cell for cell in line]

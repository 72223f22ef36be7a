"""Tables as files: CSV in UTF-8 and Excel workbooks. A cell never runs as a formula when somebody opens the file."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from shared.errors import Invalid, TooLarge, Violation
from shared.text.spreadsheet_cells import QUOTE, harmless
from shared.text.workbook_scan import Bounds
from shared.text.workbooks import ZIP_MAGIC, Damaged, workbook_sheets

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LARGEST_FILE = 10 * 1024 * 1024
BOUNDS = Bounds(
    LARGEST_FILE, unpacked=100 * 1024 * 1024, part=50 * 1024 * 1024, rows=10_001, columns=200, cells=4_000_000
)


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
    lines = list(_xlsx(content) if content.startswith(ZIP_MAGIC) else _csv(content))
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
    try:
        with workbook_sheets(io.BytesIO(content), "file", BOUNDS) as sheets:
            for _, row in sheets[0].rows() if sheets else ():
                yield _plain([_text(cell.value) for cell in row])
    except Damaged as error:
        raise Invalid(Violation("file", "readable", f"is no workbook: {error}")) from None


def _text(value: Any) -> str:
    """Return a cell as text; a spreadsheet makes dates and numbers of what looks like them."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _plain(line: Iterable[str]) -> list[str]:
    return [cell[1:] if cell.startswith(QUOTE) else cell for cell in line]

"""Read .xls workbooks (Excel 97 to 2003, and WPS) as sheets of text records."""

import io
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import xlrd
from xlrd.compdoc import CompDocError

from services.importing.formats.rows import refused
from services.importing.formats.table_header import Record
from services.importing.formats.xlsx_reading import Merges, Sheet, as_text
from shared.text.workbooks import UNREADABLE

_VISIBLE = 0
_PASSWORD = "encrypted"  # noqa: S105  # a word in xlrd's message


@contextmanager
def xls_sheets(path: Path) -> Iterator[list[Sheet]]:
    """Yield the visible sheets. Raises `Invalid`."""
    try:
        book = _opened(path)
    except (xlrd.XLRDError, CompDocError, struct.error, *UNREADABLE) as error:
        what = (
            "a workbook with a password: remove the password in Excel or WPS and save it again"
            if _PASSWORD in str(error).lower()
            else "a damaged workbook: open it in Excel or WPS and save it as .xlsx"
        )
        raise refused(path, f"this seems to be {what}") from None
    with book:
        sheets = [sheet for sheet in book.sheets() if sheet.visibility == _VISIBLE]
        yield [Sheet(sheet.name, _reader(book, sheet)) for sheet in sheets]


def _opened(path: Path) -> Any:
    """Open with formats, which tell merged cells and zeros in front; without them if a program wrote them wrong."""
    try:
        return xlrd.open_workbook(path, logfile=io.StringIO(), formatting_info=True, ragged_rows=True)
    # xlrd believes what the records of formats say: a wrong one ends in whatever error its use raises.
    except (IndexError, KeyError, AssertionError, AttributeError, NotImplementedError):
        return xlrd.open_workbook(path, logfile=io.StringIO(), ragged_rows=True)


def _reader(book: Any, sheet: Any) -> Callable[[], Iterator[Record]]:
    def records() -> Iterator[Record]:
        merges = Merges()
        for top, bottom, left, _right in sheet.merged_cells:
            if bottom - top > 1:
                merges.add(left, top + 1, bottom)
        for row in range(sheet.nrows):
            cells = [_cell(book, cell) for cell in sheet.row(row)]
            yield row + 1, merges.filled(row + 1, cells)

    return records


def _cell(book: Any, cell: Any) -> str:
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            return as_text(xlrd.xldate_as_datetime(cell.value, book.datemode))
        except (ValueError, OverflowError):
            return as_text(cell.value)
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, "#VALUE!"))
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return as_text(bool(cell.value))
    if cell.ctype == xlrd.XL_CELL_NUMBER:
        return as_text(cell.value, _number_format(book, cell))
    return str(cell.value)


def _number_format(book: Any, cell: Any) -> str:
    if cell.xf_index is None:
        return "General"
    found = book.format_map.get(book.xf_list[cell.xf_index].format_key)
    return found.format_str if found else "General"

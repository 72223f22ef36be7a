"""Read .xlsx workbooks as sheets of text records, one row at a time: what a cell shows, not what it would compute.

openpyxl reads the cells. What its streaming reader leaves out, merged cells and formulas without a stored result, is
found by a first pass over the sheet's XML.
"""

import datetime as dt
import re
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from openpyxl import load_workbook
from openpyxl.utils.cell import range_boundaries

from services.importing.fields.cell_text import UNCOMPUTED
from services.importing.formats.rows import refused
from services.importing.formats.table_header import Record
from shared.errors import TooLarge

MOST_ROWS = 1_048_576
_DIGITS_KEPT = 10**15
_AT_ONCE = 200
_ZEROS = re.compile(r"0{2,40}")
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
UNREADABLE = (
    *(KeyError, ValueError, TypeError, AttributeError, IndexError, OSError, EOFError, RuntimeError, ArithmeticError),
    *(AssertionError, SyntaxError, zipfile.BadZipFile, zlib.error),
)
"""What openpyxl raises for a workbook that is damaged, or that another program wrote against the standard."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A visible sheet. `records` yields the number and the cells' text of each row, as often as it is called."""

    name: str
    records: Callable[[], Iterator[Record]]


@dataclass
class Merges:
    """Merged cells that cover several rows: each of them shows the text of the first one.

    `starts`  row (from 1) → columns (from 0) of the merged cells that begin there, each with its last row
    """

    starts: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    _shown: dict[int, tuple[int, str]] = field(default_factory=dict)

    def add(self, column: int, first: int, last: int) -> None:
        """Add a cell of one column that covers several rows."""
        self.starts.setdefault(first, []).append((column, last))

    def filled(self, number: int, cells: list[str]) -> list[str]:
        """Return the cells of the next row with the texts of merged cells above."""
        for column, (last, text) in list(self._shown.items()):
            if number > last:
                del self._shown[column]
            elif text:
                cells += [""] * (column + 1 - len(cells))
                cells[column] = cells[column] or text
        for column, last in self.starts.get(number, ()):
            self._shown[column] = last, cells[column] if column < len(cells) else ""
        return cells


@contextmanager
def xlsx_sheets(path: Path) -> Iterator[list[Sheet]]:
    """Yield the visible sheets of a workbook whose size was checked. Raises `Invalid`."""
    try:
        with _silence():
            book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except UNREADABLE as error:
        raise _damaged(path, error) from None
    try:
        names = [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"]
        yield [Sheet(name, _reader(path, book[name])) for name in names]
    finally:
        book.close()


def as_text(value: Any, number_format: str = "General") -> str:
    """Return a cell's value as text: dates as 2026-03-01, whole numbers without `.0`, zeros in front if shown.

    A number of more than fifteen digits has lost the others in the spreadsheet; it is returned in scientific notation,
    which no field accepts.
    """
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time(0)
        return value.date().isoformat() if midnight else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat() if isinstance(value, dt.date) else value.isoformat(timespec="minutes")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value, number_format)
    return str(value)


def _number(value: float, number_format: str) -> str:
    if abs(value) >= _DIGITS_KEPT:
        return f"{float(value):.14E}"
    if value != int(value):
        return f"{value:.15g}"
    digits = str(int(value))
    return digits.zfill(len(number_format)) if _ZEROS.fullmatch(number_format) else digits


def _reader(path: Path, sheet: Any) -> Callable[[], Iterator[Record]]:
    def records() -> Iterator[Record]:
        try:
            merges, uncomputed = _marks(path, sheet.title)
            # Some programs write a wrong range here, and what is outside would not be read.
            sheet.reset_dimensions()
            yield from _numbered(path, sheet, merges, uncomputed)
        except UNREADABLE as error:
            raise _damaged(path, error) from None

    return records


def _numbered(path: Path, sheet: Any, merges: Merges, uncomputed: set[tuple[int, int]]) -> Iterator[Record]:
    rows = sheet.iter_rows()
    number = 0
    while True:
        with _silence():
            some = list(islice(rows, _AT_ONCE))
        if not some:
            return
        for row in some:
            number += 1
            if number > MOST_ROWS:
                raise TooLarge(f"{path.name}: sheet {sheet.title} has more than {MOST_ROWS:,} rows: split it")
            cells = [_cell(cell, number, place, uncomputed) for place, cell in enumerate(row)]
            yield number, merges.filled(number, cells)


def _cell(cell: Any, number: int, place: int, uncomputed: set[tuple[int, int]]) -> str:
    if uncomputed and (number, place) in uncomputed:
        return UNCOMPUTED
    value = cell.value
    if value is None:
        return ""
    return as_text(value, cell.number_format if isinstance(value, int | float) else "General")


def _marks(path: Path, title: str) -> tuple[Merges, set[tuple[int, int]]]:
    """Return the merged cells of a sheet, and the row and place of each formula without a stored result."""
    merges, uncomputed = Merges(), set[tuple[int, int]]()
    with zipfile.ZipFile(path) as archive, archive.open(_part(archive, title)) as file:
        for _, element in ET.iterparse(file):  # noqa: S314  # expat bounds what entities may grow to
            if element.tag == f"{_MAIN}c":
                if element.find(f"{_MAIN}f") is not None and not element.findtext(f"{_MAIN}v") and element.get("r"):
                    column, row, *_ = range_boundaries(element.get("r"))
                    uncomputed.add((row, column - 1))
            elif element.tag == f"{_MAIN}row":
                element.clear()
            elif element.tag == f"{_MAIN}mergeCell":
                _add_merge(merges, element.get("ref") or "A1")
    return merges, uncomputed


def _add_merge(merges: Merges, reference: str) -> None:
    left, top, _, bottom = range_boundaries(reference)
    if bottom > top:
        merges.add(left - 1, top, bottom)


def _part(archive: zipfile.ZipFile, title: str) -> str:
    book = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314  # see above
    relations = ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    wanted = next(sheet.get(_RELATION) for sheet in book.iter(f"{_MAIN}sheet") if sheet.get("name") == title)
    target = next(one.get("Target") or "" for one in relations if one.get("Id") == wanted)
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


@contextmanager
def _silence() -> Iterator[None]:
    """Silence warnings about features that openpyxl drops (validation, pictures): none of them is a cell's value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _damaged(path: Path, error: Exception) -> Exception:
    message = (
        f"the workbook cannot be read ({type(error).__name__}): open it in Excel or WPS and save it as .xlsx again"
    )
    return refused(path, message)

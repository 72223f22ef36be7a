"""Read .xlsx workbooks as sheets of text records, one row at a time: what a cell shows, not what it would compute.

`shared.text.workbooks` opens them within bounds, and knows the merged cells and the formulas without a stored result.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.importing.fields.cell_text import UNCOMPUTED
from services.importing.formats.rows import refused
from services.importing.formats.table_header import Record
from shared.text.workbook_scan import Bounds
from shared.text.workbooks import UNREADABLE, Damaged, WorkbookSheet, workbook_sheets

BOUNDS = Bounds(packed=32 * 1024 * 1024, unpacked=256 * 1024 * 1024, part=96 * 1024 * 1024)
_DIGITS_KEPT = 10**15
_ZEROS = re.compile(r"0{2,40}")


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
    """Yield the visible sheets. Raises `Invalid`, `TooLarge`."""
    try:
        with workbook_sheets(path, path.name, BOUNDS) as sheets:
            yield [Sheet(sheet.name, _reader(path, sheet)) for sheet in sheets]
    except Damaged as error:
        raise damaged(path, str(error)) from None


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


def _reader(path: Path, sheet: WorkbookSheet) -> Callable[[], Iterator[Record]]:
    def records() -> Iterator[Record]:
        merges = Merges()
        for column, first, last in sheet.marks.merged:
            merges.add(column, first, last)
        try:
            for number, row in sheet.rows():
                cells = [_cell(cell, number, place, sheet.marks.uncomputed) for place, cell in enumerate(row)]
                yield number, merges.filled(number, cells)
        except (Damaged, *UNREADABLE) as error:
            raise damaged(path, str(error) if isinstance(error, Damaged) else type(error).__name__) from None

    return records


def _cell(cell: Any, number: int, place: int, uncomputed: set[tuple[int, int]]) -> str:
    if uncomputed and (number, place) in uncomputed:
        return UNCOMPUTED
    value = cell.value
    if value is None:
        return ""
    return as_text(value, cell.number_format if isinstance(value, int | float) else "General")


def damaged(path: Path, what: str) -> Exception:
    """Return the error for a workbook that cannot be read."""
    return refused(path, f"the workbook cannot be read ({what}): open it in Excel or WPS and save it as .xlsx again")

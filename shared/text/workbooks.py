"""Open workbooks (.xlsx) from strangers: what one may cost is bounded before it is read, and nothing in it runs.

Macros, links to other files and connections to databases are never opened: a cell is what the workbook has stored of
it. A file that is encrypted, or no workbook at all, is `Damaged`; the caller says what it seems to be.
"""

import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from openpyxl import load_workbook

from shared.errors import TooLarge
from shared.text.workbook_scan import LAST_COLUMN, Bounds, NotXml, SheetMarks, WorkbookScan

ZIP_MAGIC = b"PK\x03\x04"
MOST_PARTS = 5000
_AT_ONCE = 200
_SHEETS = "xl/worksheets/"
_VISIBLE = "visible"
_XML = (".xml", ".rels")
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
UNREADABLE = (
    *(KeyError, ValueError, TypeError, AttributeError, IndexError, OSError, EOFError, RuntimeError, ArithmeticError),
    *(AssertionError, SyntaxError, zipfile.BadZipFile, zlib.error),
)
"""What openpyxl raises for a workbook that is damaged, or that another program wrote against the standard."""


class Damaged(Exception):
    """The file is no workbook, or it cannot be read. The message names what failed inside, not a remedy."""


@dataclass(frozen=True, slots=True)
class WorkbookSheet:
    """A visible sheet. `rows` yields number (from 1) and cells of each row, as often as it is called; it raises
    `Damaged` and `TooLarge`.
    """

    name: str
    marks: SheetMarks
    rows: Callable[[], Iterator[tuple[int, tuple[Any, ...]]]]


def require_packed(file: Path | BytesIO, name: str, bounds: Bounds) -> None:
    """Raise `TooLarge` for a file with more bytes than a workbook may have."""
    size = file.stat().st_size if isinstance(file, Path) else len(file.getbuffer())
    if size > bounds.packed:
        raise TooLarge(f"{name}: {size:,} bytes, a workbook may have {bounds.packed:,}: split it, or save it as CSV")


def parts_of(file: Path | BytesIO, name: str, bounds: Bounds) -> frozenset[str]:
    """Return the names of a workbook's parts. Raises `Damaged`; `TooLarge` if packed or unpacked it is too much."""
    require_packed(file, name, bounds)
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Damaged(type(error).__name__) from None
    if any(part.compress_type not in _PACKINGS for part in parts):
        raise Damaged("packed as no workbook is")
    kept = max((part.file_size for part in parts if not part.filename.startswith(_SHEETS)), default=0)
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MOST_PARTS or unpacked > bounds.unpacked or kept > bounds.part:
        raise WorkbookScan(name, bounds).too_much(f"{unpacked:,} bytes in {len(parts):,} parts")
    return frozenset(part.filename for part in parts)


@contextmanager
def workbook_sheets(file: Path | BytesIO, name: str, bounds: Bounds) -> Iterator[list[WorkbookSheet]]:
    """Yield the visible sheets. `name`: how errors call the file. Raises `Damaged`, `TooLarge`."""
    parts_of(file, name, bounds)
    try:
        marks = _scanned(file, name, bounds)
        with _silence():
            book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except UNREADABLE as error:
        raise Damaged(type(error).__name__) from None
    try:
        reading = _Reading(name, bounds)
        shown = [sheet for sheet in book.worksheets if sheet.sheet_state == _VISIBLE]
        if not marks.keys() >= {sheet.title for sheet in shown}:
            raise Damaged("a sheet without a part")
        yield [WorkbookSheet(one.title, marks[one.title], reading.of(one)) for one in shown]
    finally:
        book.close()


class _Reading:
    """Reads rows, and counts the characters of all cells: many may share one long text."""

    def __init__(self, name: str, bounds: Bounds) -> None:
        self._name, self._bounds = name, bounds

    def of(self, sheet: Any) -> Callable[[], Iterator[tuple[int, tuple[Any, ...]]]]:
        def rows() -> Iterator[tuple[int, tuple[Any, ...]]]:
            try:
                # Some programs write a wrong range here, and what is outside would not be read.
                sheet.reset_dimensions()
                yield from self._numbered(sheet)
            except UNREADABLE as error:
                raise Damaged(type(error).__name__) from None

        return rows

    def _numbered(self, sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
        columns = self._bounds.columns
        rows = sheet.iter_rows(max_col=columns if columns < LAST_COLUMN else None)
        number = characters = 0
        while True:
            with _silence():
                some = list(islice(rows, _AT_ONCE))
            if not some:
                return
            for row in some:
                number += 1
                characters += sum(len(cell.value) for cell in row if isinstance(cell.value, str))
                if characters > self._bounds.unpacked:
                    raise WorkbookScan(self._name, self._bounds).too_much(f"{characters:,} characters in its cells")
                yield number, row


def _scanned(file: Path | BytesIO, name: str, bounds: Bounds) -> dict[str, SheetMarks]:
    """Count all parts of XML; return the marks of each sheet by its title."""
    scan, by_part = WorkbookScan(name, bounds), dict[str, SheetMarks]()
    with zipfile.ZipFile(file) as archive:
        for part in dict.fromkeys(archive.namelist()):
            # A name proves nothing: the table of texts may be called a picture. What is none ends at its first byte.
            with archive.open(part) as opened, suppress(*(() if part.endswith(_XML) else (NotXml,))):
                by_part[part] = scan.read(opened)
        titles = _parts_by_title(archive)
    return {title: by_part[part] for title, part in titles.items() if part in by_part}


def _parts_by_title(archive: zipfile.ZipFile) -> dict[str, str]:
    book = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314  # scanned before: no entities, bounded depth
    relations = ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314  # likewise
    targets = {one.get("Id"): one.get("Target") or "" for one in relations}
    found = {}
    for sheet in book.iter():
        if sheet.tag.rpartition("}")[2] == "sheet" and sheet.get(_RELATION) in targets:
            target = targets[sheet.get(_RELATION)]
            found[sheet.get("name") or ""] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return found


@contextmanager
def _silence() -> Iterator[None]:
    """Silence warnings about features that openpyxl drops (validation, pictures): none of them is a cell's value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield

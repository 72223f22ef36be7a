"""Count what the XML of a workbook (.xlsx) would cost to read, before anything builds a tree or a cell of it.

A part of a few kilobytes may unpack to rows without end, to elements in elements, or to one text that fills the memory.
expat reads the part once, in pieces, and counts; the first number beyond its bound ends the reading. On the way it
notes what openpyxl's streaming reader leaves out: merged cells, and formulas without a stored result.
"""

import re
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

from openpyxl.utils.cell import column_index_from_string, range_boundaries

from shared.errors import TooLarge

LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
"""The size of a sheet in the standard (ECMA-376)."""

DEEPEST = 64
"""Elements inside one another. Excel writes a dozen."""

LONGEST_TEXT = 1024 * 1024
"""Characters of one text; a cell shows 32,767."""

MOST_IN_A_ROW = 200_000
"""Elements inside one row, which a reader holds at once."""

MOST_ELSEWHERE = 4_000_000
"""Weight of the elements outside rows, which a reader holds to the end: 64 bytes each, 300 with attributes, some
kilobytes where openpyxl makes objects of them.
"""

MOST_UNCOMPUTED = 1_000_000

_PIECE = 64 * 1024
_COLUMN = re.compile("[A-Z]{1,3}")
_CELL_PARTS = frozenset({"f", "v"})
_ATTRIBUTES_WEIGH, _OBJECTS_WEIGH = 4, 40
_OBJECTS = frozenset(
    {"xf", "font", "fill", "border", "dxf", "cellStyle", "numFmt", "definedName", "sheet", "Override", "Default"}
    | {"Relationship", "conditionalFormatting", "cfRule", "col", "hyperlink", "dataValidation", "brk", "scenario"}
    | {"tablePart", "property"}
)


class NotXml(ValueError):
    """The part is no XML, or damaged."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a workbook may cost.

    packed     bytes of the file
    unpacked   bytes of all its parts; also characters of all cells that are read, where cells share a text
    part       bytes of one part that is no sheet
    rows       rows of a sheet
    columns    columns of a sheet that are read
    cells      cells of all sheets, with the empty ones before the last of a row and those that merged cells cover
    """

    packed: int
    unpacked: int
    part: int
    rows: int = LAST_ROW
    columns: int = LAST_COLUMN
    cells: int = 20_000_000


@dataclass(slots=True)
class SheetMarks:
    """`merged`: column (from 0), first and last row of merged cells that cover several rows. `uncomputed`: row and
    place (from 0) of each formula without a stored result.
    """

    merged: list[tuple[int, int, int]] = field(default_factory=list)
    uncomputed: set[tuple[int, int]] = field(default_factory=set)
    last_row: int = 0


class WorkbookScan:
    """Counts over all parts of one workbook. `name`: how errors call the file."""

    def __init__(self, name: str, bounds: Bounds) -> None:
        self._name, self._bounds = name, bounds
        self._cells = self._elsewhere = 0

    def read(self, part: IO[bytes]) -> SheetMarks:
        """Read one part of XML. Raises `TooLarge`; `NotXml`; `ValueError` if it declares a document type."""
        scan = _PartScan(self)
        try:
            while piece := part.read(_PIECE):
                scan.parser.Parse(piece, False)
            scan.parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise NotXml(str(error)) from None
        self.add_cells(sum(min(last, scan.marks.last_row) - first for _, first, last in scan.marks.merged))
        return scan.marks

    def require_row(self, number: int) -> None:
        """Raise `TooLarge` for a row below the last one that may be."""
        if number > self._bounds.rows:
            raise TooLarge(f"{self._name}: a sheet has more than {self._bounds.rows:,} rows: split it")

    def add_cells(self, count: int) -> None:
        """Count cells. Raises `TooLarge`."""
        self._cells += max(0, count)
        if self._cells > self._bounds.cells:
            raise self.too_much(f"more than {self._bounds.cells:,} cells")

    def add_elsewhere(self, weight: int) -> None:
        """Count an element outside rows. Raises `TooLarge`."""
        self._elsewhere += weight
        if self._elsewhere > MOST_ELSEWHERE:
            raise self.too_much("too many elements outside rows")

    def width(self, column: int) -> int:
        """Return how many cells a reader makes of a row whose last cell stands in this column."""
        return min(column, self._bounds.columns)

    def too_much(self, what: str) -> TooLarge:
        """Return the error for a workbook that would cost more than it may."""
        return TooLarge(
            f"{self._name}: unpacked it has {what}, more than any list needs: copy the table into a new workbook, or "
            "save it as CSV"
        )


class _PartScan:
    """The handlers of one part."""

    def __init__(self, scan: WorkbookScan) -> None:
        self.marks = SheetMarks()
        self._scan = scan
        self._depth = self._row = self._row_depth = self._in_row = self._column = self._last_column = self._text = 0
        self._cell_depth = 0
        self._formula = self._result = self._in_result = False
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = _refuse_declaration

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._text = 0
        if self._depth > DEEPEST:
            raise self._scan.too_much(f"elements more than {DEEPEST} deep")
        local = name.rpartition(" ")[2]
        if self._row_depth:
            self._start_in_row(local, attributes)
        elif local == "row":
            self._begin_row(attributes)
        else:
            self._scan.add_elsewhere(_OBJECTS_WEIGH if local in _OBJECTS else _ATTRIBUTES_WEIGH if attributes else 1)
            if local == "mergeCell":
                self._add_merge(attributes.get("ref") or "A1")

    def _begin_row(self, attributes: dict[str, str]) -> None:
        self._row = int(attributes.get("r") or self._row + 1)
        self._scan.require_row(self._row)
        self.marks.last_row = max(self.marks.last_row, self._row)
        self._row_depth, self._in_row, self._column, self._last_column = self._depth, 0, 0, 0

    def _start_in_row(self, local: str, attributes: dict[str, str]) -> None:
        self._in_row += 1
        if self._in_row > MOST_IN_A_ROW:
            raise self._scan.too_much(f"more than {MOST_IN_A_ROW:,} elements in a row")
        if local == "c" and not self._cell_depth:
            found = _COLUMN.match(attributes.get("r") or "")
            self._column = column_index_from_string(found[0]) if found else self._column + 1
            self._last_column = max(self._last_column, self._column)
            self._cell_depth, self._formula, self._result = self._depth, False, False
        elif local in _CELL_PARTS and self._cell_depth == self._depth - 1:
            self._formula = self._formula or local == "f"
            self._in_result = local == "v"

    def _end(self, _name: str) -> None:
        if self._depth == self._cell_depth:
            self._cell_depth = 0
            if self._formula and not self._result:
                self._add_uncomputed()
        elif self._depth == self._row_depth:
            self._row_depth = 0
            self._scan.add_cells(self._scan.width(self._last_column))
        self._depth -= 1
        self._in_result = False

    def _characters(self, text: str) -> None:
        self._text += len(text)
        if self._text > LONGEST_TEXT:
            raise self._scan.too_much(f"a text of more than {LONGEST_TEXT:,} characters")
        self._result = self._result or self._in_result

    def _add_uncomputed(self) -> None:
        self.marks.uncomputed.add((self._row, self._column - 1))
        if len(self.marks.uncomputed) > MOST_UNCOMPUTED:
            raise self._scan.too_much(f"more than {MOST_UNCOMPUTED:,} formulas without a result")

    def _add_merge(self, reference: str) -> None:
        left, top, _, bottom = range_boundaries(reference)
        if left is not None and top is not None and bottom is not None and bottom > top:
            self.marks.merged.append((left - 1, top, bottom))


def _refuse_declaration(*_: object) -> None:
    raise ValueError("a workbook declares no document type")

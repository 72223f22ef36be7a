"""Read a table of any kind (.xlsx, .xls, CSV) by its mapping: the sheets with items, and the tables of their children.

A child table (materials, fees, steps, windows, questions, legal bases) has a row for each child and the item's code. It
is a sheet of the workbook, a file beside it, or the item's own table, in which the item is repeated or merged over the
rows of its children.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from services.importing.fields.conversions import compared
from services.importing.fields.notes import Rule
from services.importing.formats.csv_mapping import ChildTable, CsvMapping
from services.importing.formats.csv_reading import csv_rows
from services.importing.formats.file_kinds import FileKind, kind_of
from services.importing.formats.rows import LARGEST_FILE, refused
from services.importing.formats.table_header import HeaderProblem, table_rows
from services.importing.formats.xls_reading import xls_sheets
from services.importing.formats.xlsx_reading import Sheet, xlsx_sheets
from services.importing.row import WHOLE_ROW, Rejected, Row
from shared.errors import NotFound, TooLarge, Violation

MOST_CHILDREN = 300_000
"""Rows of all child tables of one import, which are kept in memory."""


@dataclass
class _Children:
    """The rows of one child table by the item's code; `used`: codes that an item has asked for."""

    table: ChildTable
    rows: dict[str, list[Row]] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    used: set[str] = field(default_factory=set)


def table_file_rows(path: Path, mapping: CsvMapping, largest: int = LARGEST_FILE) -> Iterator[Row | Rejected]:
    """Yield the rows of every sheet whose header has the mapping's columns; each row carries its children's rows.

    A child without an item is rejected by its sheet and row. Raises `Invalid`, `NotFound`, `TooLarge` before the first
    row.
    """
    with _sheets(path, largest) as sheets:
        tables = {name: _child_rows(path, name, table, sheets, largest) for name, table in _apart(mapping)}
        for row in _grouped(_item_rows(path, sheets, mapping), mapping):
            yield _with_children(row, tables, mapping)
        for one in tables.values():
            yield from one.rejected
            yield from _orphans(one)


def simple_table_rows(path: Path, largest: int = LARGEST_FILE) -> Iterator[Row | Rejected]:
    """Yield the rows of a table with one header and no mapping: of the first visible sheet, or of a CSV file."""
    with _sheets(path, largest) as sheets:
        try:
            yield from table_rows(sheets[0].records(), (), None, sheets[0].name) if sheets else csv_rows(path)
        except HeaderProblem as error:
            raise refused(path, str(error)) from None


@contextmanager
def _sheets(path: Path, largest: int) -> Iterator[list[Sheet]]:
    with ExitStack() as stack:
        kind = kind_of(path, largest)
        if kind == FileKind.XLSX:
            yield stack.enter_context(xlsx_sheets(path))
        elif kind == FileKind.XLS:
            yield stack.enter_context(xls_sheets(path))
        else:
            yield []


def _apart(mapping: CsvMapping) -> Iterator[tuple[str, ChildTable]]:
    return ((name, table) for name, table in mapping.children.items() if table.sheet or table.file)


def _item_rows(path: Path, sheets: list[Sheet], mapping: CsvMapping) -> Iterator[Row | Rejected]:
    needed = mapping.needed
    if not sheets:
        yield from csv_rows(
            path,
            encoding=mapping.encoding,
            delimiter=mapping.delimiter,
            needed=needed,
            header_row=mapping.header_row,
        )
        return
    of_children = {table.sheet for _, table in _apart(mapping) if table.sheet}
    chosen = [sheet for sheet in sheets if (sheet.name in mapping.sheets if mapping.sheets else True)]
    absent = sorted(set(mapping.sheets) - {sheet.name for sheet in sheets})
    if absent:
        raise refused(path, f"there is no visible sheet {absent[0]}; it has {', '.join(one.name for one in sheets)}")
    problems, found = [], False
    for sheet in chosen:
        if sheet.name in of_children and not mapping.sheets:
            continue
        try:
            rows = table_rows(sheet.records(), needed, mapping.header_row, sheet.name)
            first = next(rows, None)
        except HeaderProblem as error:
            problems.append(f"sheet {sheet.name}: {error}")
            continue
        found = True
        if first is not None:
            yield first
            yield from rows
    if not found:
        raise refused(path, "; ".join(problems)[:1000] or "the workbook has no visible sheet")


def _child_rows(path: Path, name: str, table: ChildTable, sheets: list[Sheet], largest: int) -> _Children:
    found = _Children(table)
    needed = [table.code, *table.columns.values()]
    for count, row in enumerate(_rows_of_child_table(path, name, table, sheets, needed, largest)):
        if count >= MOST_CHILDREN:
            raise TooLarge(f"{path.name}: the table of {name} has more than {MOST_CHILDREN:,} rows: split the list")
        if isinstance(row, Rejected):
            found.rejected.append(row)
        else:
            found.rows.setdefault(compared(row.raw.get(table.code, "")).upper(), []).append(row)
    return found


def _rows_of_child_table(
    path: Path, name: str, table: ChildTable, sheets: list[Sheet], needed: list[str], largest: int
) -> Iterator[Row | Rejected]:
    if table.file:
        beside = path.parent / table.file
        if beside.resolve().parent != path.parent.resolve():
            raise refused(path, f"children.{name}.file: {table.file} must be beside the list")
        if not beside.is_file():
            raise NotFound(f"{table.file}: the file with the {name} does not exist")
        with _sheets(beside, largest) as others:
            if not others:
                for row in csv_rows(beside, needed=needed, header_row=table.header_row):
                    yield replace(row, sheet=table.file)
                return
            yield from _sheet_rows(beside, others[0], needed, table)
        return
    sheet = next((one for one in sheets if one.name == table.sheet), None)
    if sheet is None:
        raise refused(path, f"children.{name}: there is no visible sheet {table.sheet}")
    yield from _sheet_rows(path, sheet, needed, table)


def _sheet_rows(path: Path, sheet: Sheet, needed: list[str], table: ChildTable) -> Iterator[Row | Rejected]:
    try:
        yield from table_rows(sheet.records(), needed, table.header_row, sheet.name)
    except HeaderProblem as error:
        raise refused(path, f"sheet {sheet.name}: {error}") from None


def _grouped(rows: Iterator[Row | Rejected], mapping: CsvMapping) -> Iterator[Row | Rejected]:
    """Join consecutive rows of one code where the mapping says that the item's own table holds its children."""
    inline = {name: table for name, table in mapping.children.items() if not (table.sheet or table.file)}
    if not inline:
        yield from rows
        return
    code = mapping.columns["code"].column
    theirs = {column for table in inline.values() for column in table.columns.values()}

    def key(row: Row | Rejected) -> Any:
        if isinstance(row, Rejected):
            return row.number, row.sheet
        return {name: cell for name, cell in row.raw.items() if name not in theirs}, row.sheet, row.raw.get(code)

    for _, group in groupby(rows, key):
        members = list(group)
        first = members[0]
        if isinstance(first, Rejected):
            yield from members
            continue
        some = [member for member in members if isinstance(member, Row)]
        yield replace(first, children={name: _filled(some, table) for name, table in inline.items()})


def _filled(rows: list[Row], table: ChildTable) -> list[Row]:
    """Return the rows that hold a child: a fee's cells may be empty in the second row of two materials."""
    return [row for row in rows if any(row.raw.get(column, "").strip() for column in table.columns.values())]


def _with_children(row: Row | Rejected, tables: Mapping[str, _Children], mapping: CsvMapping) -> Row | Rejected:
    if isinstance(row, Rejected) or not tables:
        return row
    code = compared(row.raw.get(mapping.columns["code"].column, "")).upper()
    found = dict(row.children)
    for name, one in tables.items():
        one.used.add(code)
        if code in one.rows:
            found[name] = one.rows[code]
    return replace(row, children=found) if found else row


def _orphans(children: _Children) -> Iterator[Rejected]:
    for code, rows in children.rows.items():
        for row in rows if code not in children.used else ():
            message = "no row of the list has this code: repair the code, or add the item"
            reason = Violation(children.table.code if code else WHOLE_ROW, str(Rule.CHILD_WITHOUT_ITEM), message, code)
            yield Rejected(row.number, [reason], row.raw, code or None, row.sheet)

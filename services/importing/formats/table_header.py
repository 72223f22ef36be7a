"""Find the header of a table and make its records rows: below a title, over two rows, with columns that have no name.

The header is the first of the leading rows that has every column of the mapping. Where a group stands above its columns
(申请材料 above 材料名称 and 份数), a column is called by its own name if no other has it, and else `申请材料/名称`.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from services.importing.fields.notes import Rule, shown
from services.importing.formats.json_text import UnreadableText, sound_object
from services.importing.row import WHOLE_ROW, Rejected, Row
from shared.errors import Violation

LOOKED_AT = 20
"""Leading rows among which the header is looked for."""

LONGEST_NAME = 200

_ESCAPED = re.compile("[\udc80-\udcff]")
"""What `surrogateescape` makes of bytes that are no character in the encoding."""

Record = tuple[int, "list[str] | Violation"]


class HeaderProblem(ValueError):
    """No header can be relied on; the message says why, and what the rows contain."""


@dataclass(frozen=True, slots=True)
class Header:
    """The names of a table's columns, by position, and the number of the header's last row.

    A column without a name is called `(column 23)`, one whose name is not unique `名称 (column 7)`.
    """

    names: tuple[str, ...]
    last_row: int
    named: int

    def unnamed(self, place: int) -> bool:
        """Whether the column at `place` has no name of its own."""
        return self.names[place].startswith("(column ")


def table_rows(
    records: Iterator[Record], needed: Sequence[str], header_row: int | None = None, sheet: str = ""
) -> Iterator[Row | Rejected]:
    """Yield the rows below the header. Raises `HeaderProblem` before the first row."""
    first = list(islice(records, max(LOOKED_AT, header_row or 0)))
    header = found_header(first, needed, header_row)
    for number, record in chain(first, records):
        if number > header.last_row:
            outcome = _row(number, record, header, sheet)
            if outcome is not None:
                yield outcome


def found_header(first: Sequence[Record], needed: Sequence[str], header_row: int | None = None) -> Header:
    """Return the header among the first records. Raises `HeaderProblem`.

    `needed`: the columns that it must have; without any, the first row below a title. `header_row`: its number, if the
    mapping says it.
    """
    readable = [(number, record) for number, record in first if not isinstance(record, Violation)]
    if header_row is not None:
        readable = [(number, record) for number, record in readable if number >= header_row][:2]
    elif not needed:
        readable = _below_title(readable)
    if not readable or (not needed and first and isinstance(first[0][1], Violation)):
        problem = first[0][1].message if first and isinstance(first[0][1], Violation) else "there is none"
        raise HeaderProblem(f"the header cannot be read: {problem}")
    starts = readable[:1] if header_row is not None or not needed else readable
    candidates = list(_candidates(starts, readable, needed))
    for header, _ in candidates:
        if set(needed) <= set(header.names):
            _require_unique(header, needed)
            return header
    best, number = max(candidates, key=lambda one: (len(set(needed) & set(one[0].names)), one[0].named))
    missing = next(name for name in needed if name not in best.names)
    names = ", ".join(name for place, name in enumerate(best.names) if not best.unnamed(place))
    title = f"; row {readable[0][0]} looks like a title" if number != readable[0][0] else ""
    raise HeaderProblem(f"the header has no column {missing}; row {number} has {names[:500]}{title}")


def best_header(first: Sequence[Record], known: Callable[[str], bool]) -> Header | None:
    """Return the header with most known names, of one row or two; None if no row has two names."""
    readable = [(number, record) for number, record in first if not isinstance(record, Violation)]
    wide = [(number, record) for number, record in readable if not is_title(record)]
    headers = [header for header, _ in _candidates(wide, readable, ())]
    best = max(headers, key=lambda one: sum(map(known, set(one.names))), default=None)
    return best if best is not None and any(map(known, best.names)) else next(iter(headers), None)


def is_title(cells: Sequence[str]) -> bool:
    """Return whether a row has one cell at most: a title, a note, or nothing."""
    return sum(bool(cell.strip()) for cell in cells) <= 1


def _below_title(readable: Sequence[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    wide = [(number, record) for number, record in readable if not is_title(record)]
    return wide or list(readable)


def _candidates(
    starts: Sequence[tuple[int, list[str]]], all_rows: Sequence[tuple[int, list[str]]], needed: Sequence[str]
) -> Iterator[tuple[Header, int]]:
    """Yield every header of one row, then those of two, each with the number of its first row."""
    for number, record in starts:
        yield _header([_clean(cell) for cell in record], number), number
    following = dict(zip([number for number, _ in all_rows], all_rows[1:], strict=False))
    for number, record in starts:
        if number in following:
            last, below = following[number]
            yield _header(_two_rows(record, below, needed), last), number


def _two_rows(groups: Sequence[str], below: Sequence[str], needed: Sequence[str]) -> list[str]:
    width = max(len(groups), len(below))
    upper = [_clean(cell) for cell in groups] + [""] * (width - len(groups))
    lower = [_clean(cell) for cell in below] + [""] * (width - len(below))
    for place in range(1, width):
        # A merged cell has its text in its first column only.
        if not upper[place] and lower[place]:
            upper[place] = upper[place - 1]
    pairs = list(zip(upper, lower, strict=True))
    times = Counter(own or group for group, own in pairs)
    whole = [own if own == group else f"{group}/{own}".strip("/") for group, own in pairs]
    return [
        full if full in needed or times[own or group] > 1 else own or group
        for full, (group, own) in zip(whole, pairs, strict=True)
    ]


def _header(names: Sequence[str], last_row: int) -> Header:
    times = Counter(names)
    made = [
        f"(column {place})" if not name else name if times[name] == 1 else f"{name} (column {place})"
        for place, name in enumerate(names, start=1)
    ]
    named = [place for place, name in enumerate(names, start=1) if name]
    return Header(tuple(made), last_row, max(named, default=0))


def _require_unique(header: Header, needed: Sequence[str]) -> None:
    if not needed:
        twice = next((name for name in header.names if " (column " in name), None)
        if twice is not None:
            raise HeaderProblem(f"the header: the name {shown(twice.partition(' (column ')[0])} occurs twice")


def _clean(cell: str) -> str:
    return " ".join(cell.replace("\n", "").split())[:LONGEST_NAME]


def _row(number: int, record: list[str] | Violation, header: Header, sheet: str) -> Row | Rejected | None:
    if isinstance(record, Violation):
        return Rejected(number, [record], sheet=sheet)
    if not any(cell.strip() for cell in record):
        return None
    if sheet:
        # A workbook stores no empty cells at the end of a row.
        record = record + [""] * (header.named - len(record))
    surplus = [cell for cell in record[len(header.names) :] if cell.strip()]
    if len(record) < header.named or surplus:
        message = f"{len(record)} cells, the header has {header.named}: is a separator or a quote missing or too much?"
        return Rejected(number, [Violation(WHOLE_ROW, str(Rule.COLUMNS), message, shown(record[0]))], sheet=sheet)
    cells = zip(header.names, record, strict=False)
    # A column without a name that holds nothing is what a spreadsheet keeps of a cell that was touched once.
    raw = {name: cell for place, (name, cell) in enumerate(cells) if cell.strip() or not header.unnamed(place)}
    foreign = next((name for name, cell in raw.items() if _ESCAPED.search(cell)), None)
    if foreign is not None:
        message = "bytes that are invalid in the file's encoding"
        reason = Violation(foreign, str(Rule.ENCODING), message, shown(raw[foreign]))
        return Rejected(number, [reason], sheet=sheet)
    try:
        sound_object(raw)
    except UnreadableText as error:
        return Rejected(number, [error.violation], sheet=sheet)
    return Row(number, raw, sheet)

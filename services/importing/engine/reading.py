"""Read a file once: spool the rows that count, record the results of the others, and report warnings by row."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from contracts.content.items import DirectoryRow
from services.importing.engine.groups import refused_halves
from services.importing.engine.newest_rows import Succession
from services.importing.engine.results import Result, RowFate, rejected
from services.importing.engine.row_entry import RowEntry
from services.importing.engine.spool import Spool, SpooledRow
from services.importing.row import Accepted, Outcome, Rejected, RowWarning, WarningName

CODE = "code"
_OF_THE_CODE = frozenset({"C-1", "C-2", "C-3", "C-4", "C-5"})
"""Rules that a mistyped code breaks: the row may be about another item than its code says."""


@dataclass(frozen=True, slots=True)
class RowListener:
    """Receives the warnings about a row, or the rejected row, while the file is read."""

    warned: Callable[[int, str, list[RowWarning]], None]
    refused: Callable[[Rejected], None]


@dataclass
class Reading:
    """The content of the file.

    `columns`     our field → the file's column
    `succession`  decides which rows count
    `settled`     the results of the other rows
    `bad`         codes of rejected rows, with the row number
    `unreadable`  rejected rows whose code cannot be relied on
    """

    spool: Spool
    listener: RowListener
    columns: Mapping[str, str] = field(default_factory=dict)
    empty_cells: bool = False
    rows: int = 0
    settled: list[Result] = field(default_factory=list)
    directory: dict[int, DirectoryRow] = field(default_factory=dict)
    bad: dict[str, int] = field(default_factory=dict)
    unreadable: list[int] = field(default_factory=list)
    succession: Succession = field(default_factory=Succession)

    def take(self, outcomes: Iterable[Outcome]) -> Iterator[int]:
        """Read everything; yield the number of rows so far."""
        self.succession.column = self.column(CODE)
        for outcome in outcomes:
            self.rows += 1
            if isinstance(outcome, Rejected):
                self._refuse(outcome)
            else:
                self._accept(outcome)
            yield self.rows
        self._close()

    def column(self, name: str) -> str:
        """Return the file's name of our field; of `materials[2].copies` only the first word is a field."""
        head = re.split(r"[.\[]", name, maxsplit=1)[0]
        return self.columns.get(head, head) + name[len(head) :]

    @property
    def counting(self) -> dict[str, SpooledRow]:
        """Code → the row that counts."""
        return self.succession.counting

    def _accept(self, row: Accepted) -> None:
        self.listener.warned(row.number, row.code, row.warnings)
        if row.item is None and row.withdraw is None:
            if row.directory is not None:
                self.directory[row.number] = row.directory
            return
        entry = RowEntry.of(row, empty_cells=self.empty_cells)
        self.succession.take(self.spool.add(entry, row.number))

    def _refuse(self, row: Rejected) -> None:
        self.listener.refused(row)
        self.settled.append(rejected(row.number, row.code, row.violations, row.sheet))
        if row.code and not any(reason.rule in _OF_THE_CODE for reason in row.violations):
            self.bad.setdefault(row.code, row.number)
        else:
            self.unreadable.append(row.number)

    def _close(self) -> None:
        self.succession.close()
        for mark, earlier in self.succession.duplicates:
            warning = RowWarning(
                WarningName.DUPLICATE_ROW, self.column(CODE), f"the same as {earlier}", mark.code, sheet=mark.sheet
            )
            self.listener.warned(mark.number, mark.code, [warning])
        self.settled += self.succession.settled
        for result in self.succession.settled:
            if result.fate == RowFate.REJECTED:
                self._refused_later(result)
        for result in refused_halves(self.counting, self.bad):
            del self.counting[result.code or ""]
            self.settled.append(result)
            self._refused_later(result)

    def _refused_later(self, result: Result) -> None:
        self.bad.setdefault(result.code or "", result.number or 0)
        self.listener.refused(Rejected(result.number or 0, result.reasons, None, result.code, result.sheet))

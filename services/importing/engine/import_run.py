"""The steps of an import: read, plan as a whole, execute in requests.

The plan asks the county for the outcome of every row and changes nothing. A dry run reports it, and the breaker judges
it. If the process dies at any point, the same file can be imported again: completed rows are recognized.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from contracts.base import Json
from contracts.codes.identifiers import BASIC
from contracts.content.items import DirectoryRow
from services.importing.engine.breaker import hold
from services.importing.engine.groups import requests
from services.importing.engine.missing import Missing, missing_from
from services.importing.engine.reading import Reading
from services.importing.engine.results import Result, RowFate
from services.importing.engine.row_entry import RowEntry
from services.importing.engine.sources import Desk, SourceAnswer
from services.importing.row import Rejected
from shared.publishing.imports.request import Confirmation

DIRECTORY_AT_ONCE = 1000
_OVER = (RowFate.REJECTED, RowFate.OLDER, RowFate.HELD)


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The options of an import.

    `empty_cells`       a blank cell empties its field
    `full`              the file is a full list: report the codes that it no longer contains
    `withdraw_missing`  and withdraw them
    `confirmed`         the kinds of change that the breaker need not hold
    `submit`            a dry run gathers what a run would do in the desk's reviews
    """

    dry_run: bool = False
    empty_cells: bool = False
    full: bool = False
    withdraw_missing: bool = False
    confirmed: frozenset[Confirmation] = frozenset()
    submit: bool = False


PlannedRow = tuple[RowEntry, Result]
"""What a row states, and what the county will make of it."""


@dataclass
class Course:
    """One import of one file. `results` is filled step by step; a row without a result was not reached.

    `settled`  receives every result once, when it is final
    `planned`  receives what will be sent, before the first change; what it raises ends the import, nothing is changed
    """

    reading: Reading
    desk: Desk
    wishes: ImportOptions = field(default_factory=ImportOptions)
    settled: Callable[[Result], None] = lambda _result: None
    planned: Callable[[Iterable[PlannedRow]], None] = lambda _rows: None
    results: list[Result] = field(default_factory=list)
    missing: Missing = field(default_factory=Missing)
    missing_results: list[Result] = field(default_factory=list)
    questions: dict[Confirmation, str] = field(default_factory=dict)
    warnings: list[dict[str, object]] = field(default_factory=list)
    live: int = 0
    notice: Json | None = None
    _plan: dict[str, Result] = field(default_factory=dict)
    _gone: dict[str, RowEntry] = field(default_factory=dict)

    def run(self) -> Iterator[int]:
        """Do everything after reading; yield the number of rows that each step has finished."""
        for result in self.reading.settled:
            self._settle(result)
        yield len(self.reading.settled)
        self._find_missing()
        yield from self._make_plan()
        self.questions = hold(list(self._plan.values()), self.live, self.wishes.confirmed)
        self.planned((self._entry(code), result) for code, result in self._plan.items())
        yield self._take_directory()
        if self.wishes.submit:
            yield from self._gather()
        yield from self._finish_plan() if self.wishes.dry_run else self._do()

    def not_reached(self) -> int:
        """Return how many of the rows read have no result."""
        return self.reading.rows - len(self.results)

    def _settle(self, result: Result) -> None:
        self.settled(result)
        (self.results if result.number is not None else self.missing_results).append(result)

    def _conclude(self, result: Result) -> None:
        """Record what the county made of a row; report a row that it refuses as rejected."""
        mark = self.reading.counting.get(result.code or "")
        result.sheet = mark.sheet if mark else ""
        if result.fate == RowFate.REJECTED:
            column = self.reading.column
            result.reasons = [replace(reason, field=column(reason.field)) for reason in result.reasons]
            self.reading.listener.refused(Rejected(result.number or 0, result.reasons, None, result.code, result.sheet))
        self._settle(result)

    def _take_directory(self) -> int:
        rows = list(self.reading.directory.items())
        for start in range(0, len(rows), DIRECTORY_AT_ONCE):
            some = rows[start : start + DIRECTORY_AT_ONCE]
            changed = set(self.desk.directory([row for _, row in some], dry_run=self.wishes.dry_run))
            for number, row in some:
                fate = RowFate.RELEASED if row.catalog_code in changed else RowFate.UNCHANGED
                self._settle(Result(number, row.catalog_code, fate))
        return len(rows)

    def _find_missing(self) -> None:
        if not self.wishes.full:
            return
        contained = {*self.reading.counting, *self.reading.bad}
        self.missing = missing_from(self.desk.sources, self.desk.origin.source, contained)
        # A row whose code could not be read may be about any of these codes.
        if self.wishes.withdraw_missing and not self.reading.unreadable:
            self._gone = {entry.code: entry for entry in self.missing.entries()}

    def _make_plan(self) -> Iterator[int]:
        for chunk in requests([*self.reading.counting, *self._gone], self.reading.counting):
            answer = self._ask([self._entry(code) for code in chunk], dry_run=True)
            self.live = answer.live
            self._plan |= {result.code or "": result for result in answer.results}
            self.warnings += answer.warnings
            yield 0

    def _finish_plan(self) -> Iterator[int]:
        for result in self._plan.values():
            self._conclude(result)
        yield len(self._plan)

    def _gather(self) -> Iterator[int]:
        """Ask again, for exactly the rows that a run would send: the breaker has judged the whole file by now."""
        doing = [code for code, planned in self._plan.items() if _is_sent(planned)]
        for chunk in requests(doing, self.reading.counting):
            self._ask([self._entry(code) for code in chunk], dry_run=True)
            yield 0

    def _do(self) -> Iterator[int]:
        doing = [code for code, planned in self._plan.items() if _is_sent(planned)]
        for planned in self._plan.values():
            if not _is_sent(planned):
                self._conclude(planned)
        yield len(self._plan) - len(doing)
        for chunk in requests(doing, self.reading.counting):
            answer = self._ask([self._entry(code) for code in chunk], dry_run=False)
            self.notice = answer.notice or self.notice
            for result in answer.results:
                self._conclude(result)
            yield len(chunk)

    def _ask(self, entries: list[RowEntry], *, dry_run: bool) -> SourceAnswer:
        directory = self._known_directory(entries) if dry_run else ()
        return self.desk.take(entries, directory, dry_run=dry_run)

    def _known_directory(self, entries: Iterable[RowEntry]) -> list[DirectoryRow]:
        """Return the file's rows of the 基本目录 against which these entries are checked; at least one if the file has
        any, so that the plan knows that there is a directory.
        """
        if not self.reading.directory:
            return []
        rows = list(self.reading.directory.values())
        codes = {entry.code[BASIC] for entry in entries} | {rows[0].catalog_code}
        return [row for row in rows if row.catalog_code in codes]

    def _entry(self, code: str) -> RowEntry:
        mark = self.reading.counting.get(code)
        return self._gone[code] if mark is None else self.reading.spool.entry(mark)


def _is_sent(planned: Result) -> bool:
    """Whether a row changes anything; what is stored about its source counts as well."""
    over = planned.fate in _OVER and not planned.waits
    return not over and planned.news

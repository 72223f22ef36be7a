"""Decide which row of a code counts: the last one in the file, but never an older version after a newer one.

a lower version than an earlier row's        overtaken: an old row after a newer one
a higher version, or another state           the earlier row is overtaken (D then I, suspended then in use, I then D)
the same content again                       overtaken: it adds nothing
an update (U) without another row's version  the earlier row is overtaken
the same version with other content          rejected (C-9): which of the two is meant is unknown
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from contracts.codes.identifiers import PARENT
from services.importing.engine.results import Result, RowFate, rejected
from services.importing.engine.spool import SpooledRow
from shared.errors import Violation

SITUATION = 33


@dataclass
class Succession:
    """The rows of one file that count, in order of their codes' first occurrence, and the results of all others."""

    column: str = "code"
    counting: dict[str, SpooledRow] = field(default_factory=dict)
    settled: list[Result] = field(default_factory=list)
    duplicates: list[tuple[SpooledRow, str]] = field(default_factory=list)
    _newest: dict[str, int] = field(default_factory=dict)

    def take(self, mark: SpooledRow) -> None:
        """Add the next row of the file."""
        before, newest = self.counting.get(mark.code), self._newest.get(mark.code)
        if mark.version is not None:
            self._newest[mark.code] = max(mark.version, newest or 0)
        if before is None:
            self.counting[mark.code] = mark
        elif mark.version is not None and newest is not None and mark.version < newest:
            self._overtake(mark, before, f"{before.place} has version {newest} (C-10)")
        elif (mark.digest, mark.leaves) == (before.digest, before.leaves) and not _is_newer(mark, before):
            self.duplicates.append((mark, before.place))
            self._overtake(mark, before, f"the same as {before.place}")
        elif _is_newer(mark, before) or _updates(mark, before) or mark.leaves or before.leaves:
            self._overtake(before, mark, f"{mark.place} has a later statement")
            self.counting[mark.code] = mark
        else:
            reason = f"{before.place} has this code with different content"
            reason += f" and the same version {mark.version}" if mark.version is not None else ""
            self._reject(mark, reason)

    def close(self) -> None:
        """Finish the file: an item counts as its 31-character code or as its 33-character codes, never both (domain
        3.3).
        """
        wholes = {code: mark for code, mark in self.counting.items() if len(code) < SITUATION and not mark.leaves}
        first: dict[str, SpooledRow] = {}
        for code, mark in self.counting.items():
            if len(code) == SITUATION and not mark.leaves and code[PARENT] in wholes:
                earliest = first.setdefault(code[PARENT], mark)
                first[code[PARENT]] = min(earliest, mark, key=lambda one: one.number)
        for parent, situation in first.items():
            whole = wholes[parent]
            if situation.number < whole.number:
                del self.counting[parent]
                self._reject(whole, f"{situation.place} has a situation (33 characters) of this code")
            else:
                self._reject_situations(parent, whole)

    def _reject_situations(self, parent: str, whole: SpooledRow) -> None:
        for code in [code for code in self.counting if len(code) == SITUATION and code[PARENT] == parent]:
            mark = self.counting[code]
            if not mark.leaves:
                del self.counting[code]
                self._reject(mark, f"{whole.place} has its parent {parent} as an item")

    def _overtake(self, mark: SpooledRow, by: SpooledRow, note: str) -> None:
        self.settled.append(Result(mark.number, mark.code, RowFate.OVERTAKEN, note=note, sheet=mark.sheet))

    def _reject(self, mark: SpooledRow, message: str) -> None:
        reason = Violation(self.column, "C-9", message, mark.code)
        self.settled.append(rejected(mark.number, mark.code, [reason], mark.sheet))


def succession(marks: Iterable[SpooledRow], column: str = "code") -> Succession:
    """Decide which of `marks`, in the file's order, count."""
    made = Succession(column)
    for mark in marks:
        made.take(mark)
    made.close()
    return made


def _is_newer(mark: SpooledRow, before: SpooledRow) -> bool:
    return mark.version is not None and before.version is not None and mark.version > before.version


def _updates(mark: SpooledRow, before: SpooledRow) -> bool:
    """Return whether the row calls itself an update and does not have the earlier row's version."""
    return mark.updates and (mark.version is None or mark.version != before.version)

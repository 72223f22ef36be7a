"""The same code again inside one file: equal rows are ignored, newer ones follow, contradictions are rejected (C-9)."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from contracts.identifiers import PARENT
from services.importing.row import Accepted, Outcome, Rejected, RowWarning, WarningName
from shared.errors import Violation


@dataclass(frozen=True, slots=True)
class _Seen:
    number: int
    digest: bytes
    version: int | None
    withdrawn: bool


@dataclass
class Repeats:
    """What earlier rows of one file said: code → row number and digest, nothing more, so that large files fit."""

    _items: dict[str, _Seen] = field(default_factory=dict)
    _groups: dict[str, int] = field(default_factory=dict)

    def judge(self, outcome: Outcome, column: str = "code") -> Outcome:
        """`outcome` as it stands after the rows before it. `column`: what the file calls the code."""
        if isinstance(outcome, Rejected) or outcome.ignored:
            return outcome
        now = _Seen(outcome.number, _digest(outcome), outcome.version, outcome.withdraw is not None)
        before = self._items.get(outcome.code)
        if before is None:
            return self._first(outcome, now, column)
        if before.digest == now.digest:
            message = f"the same as row {before.number}"
            return outcome.as_ignored(RowWarning(WarningName.DUPLICATE_ROW, column, message, outcome.code))
        if _is_older(now, before):
            message = f"row {before.number} has version {before.version} already (C-10)"
            return outcome.as_ignored(RowWarning(WarningName.OLDER_VERSION, column, message, str(now.version)))
        if _follows(now, before):
            self._items[outcome.code] = now
            return outcome
        return _contradiction(outcome, column, f"row {before.number} has this code with other content")

    def _first(self, outcome: Accepted, now: _Seen, column: str) -> Outcome:
        """An item is there as its 31-code or as its 33-codes (domain 3.3), never as both."""
        parent = outcome.code[PARENT]
        if not now.withdrawn and len(outcome.code) == 33:
            whole = self._items.get(parent)
            if whole is not None and not whole.withdrawn:
                return _contradiction(outcome, column, f"row {whole.number} has its parent {parent} as an item itself")
            self._groups.setdefault(parent, outcome.number)
        elif not now.withdrawn and outcome.code in self._groups:
            message = f"row {self._groups[outcome.code]} has a situation (33 characters) of this code"
            return _contradiction(outcome, column, message)
        self._items[outcome.code] = now
        return outcome


def judged(outcomes: Iterable[Outcome], column: str = "code") -> Iterator[Outcome]:
    """Each outcome of one file after `Repeats`."""
    repeats = Repeats()
    return (repeats.judge(outcome, column) for outcome in outcomes)


def _digest(outcome: Accepted) -> bytes:
    parts = (outcome.item, outcome.guide, outcome.directory)
    bodies = [part.model_dump_json() if part is not None else "" for part in parts]
    said = "\0".join([*bodies, outcome.region or "", outcome.withdraw or ""])
    return hashlib.blake2b(said.encode(), digest_size=16).digest()


def _is_older(now: _Seen, before: _Seen) -> bool:
    return now.version is not None and before.version is not None and now.version < before.version


def _follows(now: _Seen, before: _Seen) -> bool:
    newer = now.version is not None and before.version is not None and now.version > before.version
    return newer or (now.withdrawn and not before.withdrawn)


def _contradiction(outcome: Accepted, column: str, message: str) -> Rejected:
    return Rejected(outcome.number, [Violation(column, "C-9", message, outcome.code)])

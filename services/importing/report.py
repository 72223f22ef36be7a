"""Running totals of an import, and the file of rejected rows that the data's owner gets back."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TextIO

from services.importing.notes import visible
from services.importing.row import Accepted, Outcome, Rejected


@dataclass
class Report:
    """Totals over rows. `warnings` and `rules` count rows, not occurrences: a row counts once for each name.

    `accepted`       rows that say something to publish or withdraw
    `withdrawn`      of these, rows that withdraw
    `ignored`        rows that repeat an earlier one, or are older
    `with_warnings`  accepted or ignored rows with a warning that somebody should look at (not a routine one)
    """

    rows: int = 0
    accepted: int = 0
    withdrawn: int = 0
    ignored: int = 0
    with_warnings: int = 0
    rejected: int = 0
    warnings: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """Count one more row."""
        self.rows += 1
        if isinstance(outcome, Rejected):
            self.rejected += 1
            self.rules.update({violation.rule for violation in outcome.violations})
            return
        self.ignored += outcome.ignored
        self.accepted += not outcome.ignored
        self.withdrawn += outcome.withdraw is not None
        self.with_warnings += any(not warning.name.routine for warning in outcome.warnings)
        self.warnings.update({str(warning.name) for warning in outcome.warnings})

    def turn(self, rejected: Rejected) -> None:
        """A row that was accepted here is refused by its source."""
        self.accepted -= 1
        self.rejected += 1
        self.rules.update({violation.rule for violation in rejected.violations})

    def counting(self, outcomes: Iterable[Outcome]) -> Iterator[Accepted | Rejected]:
        """Pass `outcomes` on, each counted as it goes by."""
        for outcome in outcomes:
            self.add(outcome)
            yield outcome

    def as_json(self) -> dict[str, Any]:
        """The totals for a script: names in order, so that two reports can be compared."""
        totals = ("rows", "accepted", "withdrawn", "ignored", "with_warnings", "rejected")
        counts = {name: dict(sorted(getattr(self, name).items())) for name in ("warnings", "rules")}
        return {name: getattr(self, name) for name in totals} | counts


def write_rejects(rejected: Rejected, file: TextIO, *, with_raw: bool = True) -> None:
    """One JSON line a violation: row, field, rule, value, message, and the row itself with its first violation.

    Values are shortened; control characters and bidi overrides are spelled out, so that a terminal can show the file.
    """
    for place, violation in enumerate(rejected.violations):
        entry: dict[str, Any] = {
            "row": rejected.number,
            "field": violation.field,
            "rule": violation.rule,
            "value": violation.value,
            "message": violation.message,
        }
        if with_raw and place == 0 and rejected.raw is not None:
            entry["raw"] = rejected.raw
        file.write(json.dumps(_visible(entry), ensure_ascii=False) + "\n")


def _visible(value: Any) -> Any:
    if isinstance(value, str):
        return "\n".join(visible(line) for line in value.split("\n"))
    if isinstance(value, dict):
        return {_visible(name): _visible(part) for name, part in value.items()}
    return [_visible(part) for part in value] if isinstance(value, list) else value

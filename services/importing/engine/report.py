"""The totals of an import."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from contracts.base import Json
from services.importing.engine.figures import Figures, changes, figures
from services.importing.engine.findings import Finding, of_rejected, of_warnings
from services.importing.engine.import_run import Course
from services.importing.engine.results import Result, RowFate
from services.importing.row import Rejected, RowWarning, WarningName

MOST_LISTED = 200
"""Entries of each list in the report; the files contain all of them."""

MOST_FINDINGS = 200_000
"""Findings kept in memory: whoever has more repairs the first ones and imports again."""


@dataclass
class ImportReport:
    """The warnings of an import. `warnings` counts rows, not occurrences: a row counts once for each name.

    `with_warnings`  rows with a warning that is not routine
    `warned`         the first of these warnings, with row, column and value
    `findings`       these warnings and the broken rules of rejected rows, with the remedy
    """

    with_warnings: int = 0
    warnings: Counter[str] = field(default_factory=Counter)
    warned: list[Json] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    _warned_rows: set[tuple[str, int]] = field(default_factory=set)
    _named: set[tuple[str, str, int]] = field(default_factory=set)

    def warn(self, number: int | None, code: str | None, warnings: Iterable[RowWarning]) -> None:
        """Count the warnings about a row."""
        warnings = list(warnings)
        self._find(of_warnings(number, code, warnings))
        for one in warnings:
            if number is not None and (one.name, one.sheet, number) not in self._named:
                self._named.add((one.name, one.sheet, number))
                self.warnings[str(one.name)] += 1
            if one.name.routine:
                continue
            if number is not None and (one.sheet, number) not in self._warned_rows:
                self._warned_rows.add((one.sheet, number))
                self.with_warnings += 1
            if len(self.warned) < MOST_LISTED:
                told = {"row": number, "code": code, "name": str(one.name), "column": one.field, "value": one.value}
                self.warned.append({**told, "message": one.message})

    def refuse(self, rejected: Rejected) -> None:
        """Add the findings about a rejected row."""
        self._find(of_rejected(rejected))

    def _find(self, found: Iterable[Finding]) -> None:
        room = MOST_FINDINGS - len(self.findings)
        self.findings += list(found)[: max(room, 0)]

    def as_json(self, course: Course) -> Json:
        """Return everything for a script; names are sorted, so that two reports can be compared."""
        fates, results = fates_of(course), course.results
        rejected, not_reached = fates[RowFate.REJECTED], fates[RowFate.NOT_REACHED]
        everything = [*results, *course.missing_results]
        rules = Counter(rule for one in results for rule in {reason.rule for reason in one.reasons})
        return {
            **sums(course),
            "accepted": course.reading.rows - rejected - not_reached,
            "with_warnings": self.with_warnings,
            "rejected": rejected,
            "released": sum(one.versions for one in everything),
            "unchanged": sum(one.unchanged_versions for one in everything),
            "withdrawn": fates[RowFate.WITHDRAWN],
            "withdrawn_versions": sum(one.withdrawn_versions for one in everything),
            "done_before": sum(one.before for one in results),
            "warnings": dict(sorted(self.warnings.items())),
            "rules": dict(sorted(rules.items())),
            "unknown": dict(sorted(unknown_of(results).items())),
            "warned": self.warned,
            "findings": [asdict(one) for one in self.findings[:MOST_LISTED]],
            **{name: rows_with(name, results)[:MOST_LISTED] for name in ("kept", "overrides", "emptied", "corrected")},
            "held_for": {str(kind): question for kind, question in course.questions.items()},
            "missing": course.missing.codes,
            "missing_elsewhere": course.missing.elsewhere,
            "figures": asdict(figures_of(course)),
            "changes": changes(results),
            "dry_run": course.wishes.dry_run,
            "notice": course.notice,
        }


def fates_of(course: Course) -> Counter[RowFate]:
    """Count the rows by outcome. A row without a result was not reached."""
    return Counter(one.fate for one in course.results) + Counter({RowFate.NOT_REACHED: course.not_reached()})


def figures_of(course: Course) -> Figures:
    """Return what becomes of the county's items; a preview and the import after it have the same figures."""
    return figures(course.results, course.not_reached(), len(course.missing.codes))


def sums(course: Course) -> Json:
    """Return the number of rows and the number with each outcome; these add up."""
    fates = fates_of(course)
    return {"rows": course.reading.rows, "outcomes": {str(fate): fates[fate] for fate in RowFate}}


def unknown_of(results: Iterable[Result]) -> Counter[str]:
    """Count, by field, the rows after which no source has stated it."""
    return Counter(name for one in results for name in one.unknown)


def rows_with(name: str, results: Iterable[Result]) -> list[Json]:
    """Return the rows with fields in the list `name`: `kept`, `overrides`, `emptied` or `corrected`."""
    found = ({"row": one.number, "code": one.code, "fields": getattr(one, name)} for one in results)
    return sorted((one for one in found if one["fields"]), key=lambda one: one["row"])


def warnings_of(result: Result) -> list[RowWarning]:
    """Return the warnings of a result: overridden changes by hand, and items that have ended."""
    message = "changed manually, but the source has changed it since then: the source's value is used"
    found = [
        RowWarning(WarningName.OVERRIDES_HAND_CHANGE, name, message, sheet=result.sheet) for name in result.overrides
    ]
    if result.fate == RowFate.UNCHANGED and result.note is not None:
        found.append(RowWarning(WarningName.NOT_RELEASED, "plan_cancel_date", result.note, sheet=result.sheet))
    return found

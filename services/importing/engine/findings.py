"""What an import found in the cells of a file: sheet, row, column, value, rule and remedy, as CSV or JSON."""

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path

from contracts.codes.remedies import remedy
from services.importing.fields.notes import visible
from services.importing.row import Rejected, RowWarning
from shared.errors import Violation
from shared.text.spreadsheet_cells import harmless

COLUMNS = {
    "severity": "结果",
    "sheet": "工作表",
    "row": "行",
    "code": "实施编码",
    "column": "列",
    "value": "值",
    "rule": "规则",
    "message": "说明 message",
    "remedy_zh": "处理办法",
    "remedy": "remedy",
}
"""Field of a finding → its name in the CSV file."""

REFUSED, LEFT_OUT, DOUBTFUL = "refused", "left_out", "doubtful"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `severity`: the row was `refused`, the field `left_out`, or the value is `doubtful`."""

    severity: str
    sheet: str
    row: int | None
    code: str | None
    column: str
    value: str | None
    rule: str
    message: str
    remedy_zh: str
    remedy: str


def of_rejected(rejected: Rejected) -> list[Finding]:
    """Return a finding for each broken rule of a rejected row."""
    return [_finding(REFUSED, (rejected.sheet, rejected.number, rejected.code), one) for one in rejected.violations]


def of_warnings(number: int | None, code: str | None, warnings: Iterable[RowWarning]) -> list[Finding]:
    """Return a finding for each warning of an accepted row that is not routine."""
    return [
        _finding(
            LEFT_OUT if one.broken else DOUBTFUL,
            (one.sheet, number, code),
            Violation(one.field, one.broken or str(one.name), one.message, one.value),
        )
        for one in warnings
        if not one.name.routine
    ]


def write_findings(path: Path, findings: Iterable[Finding]) -> None:
    """Write the findings as JSON if the name ends in `.json`, else as CSV that Excel and WPS open. Raises `OSError`."""
    text = as_json(findings) if path.suffix.lower() == ".json" else as_csv(findings)
    path.write_text(text, encoding="utf-8", newline="")


def as_json(findings: Iterable[Finding]) -> str:
    """Return the findings as a JSON array."""
    return json.dumps([asdict(one) for one in findings], ensure_ascii=False, indent=1) + "\n"


def as_csv(findings: Iterable[Finding]) -> str:
    """Return the findings as CSV with a byte-order mark, which spreadsheets need to read Chinese."""
    made = StringIO()
    writer = csv.writer(made)
    writer.writerow(COLUMNS.values())
    for one in findings:
        values = asdict(one)
        writer.writerow(["" if values[name] is None else harmless(str(values[name])) for name in COLUMNS])
    return "\ufeff" + made.getvalue()


def _finding(severity: str, place: tuple[str, int | None, str | None], found: Violation) -> Finding:
    what, (sheet, row, code) = remedy(found.rule), place
    value = None if found.value is None else visible(found.value)
    column, message = visible(found.field), visible(found.message)
    return Finding(severity, visible(sheet), row, code, column, value, found.rule, message, what.zh, what.en)

"""The findings of an import: sheet, row, column, value, rule and remedy in two languages, printed and as files."""

import csv
import json
from pathlib import Path

import pytest
import yaml

from contracts.codes.remedies import REMEDIES, remedy
from services.cli.content import import_report
from services.importing.engine.findings import as_csv, of_rejected, of_warnings, write_findings
from services.importing.engine.import_run import Course, ImportOptions
from services.importing.engine.reading import Reading, RowListener
from services.importing.engine.report import ImportReport
from services.importing.engine.sources import Desk, ImportOrigin
from services.importing.engine.spool import spooling
from services.importing.fields.notes import Rule
from services.importing.formats.registry import read
from services.importing.row import Rejected, RowWarning, WarningName
from shared.errors import Violation
from tests.harness.workbooks import COLUMNS, HEADER, code, line, xlsx


def report_of(path: Path) -> ImportReport:
    mapping = path.parent / "map.yaml"
    mapping.write_text(yaml.safe_dump({"columns": COLUMNS}, allow_unicode=True), encoding="utf-8")
    report = ImportReport()
    with spooling() as spool:
        reading = Reading(spool, RowListener(report.warn, report.refuse), COLUMNS)
        for _ in reading.take(read(path, "table", mapping)):
            pass
    return report


@pytest.fixture
def report(tmp_path: Path) -> ImportReport:
    first = [HEADER, line(1, promise_day="3个月"), line(2, task_name="#REF!")]
    second = [["清单"], HEADER, line(3, materials="甲/乙"), line(1, task_name="另一名称")]
    return report_of(xlsx(tmp_path / "a.xlsx", ("住建局", first), ("公安局", second)))


def test_every_finding_has_its_place_its_value_its_rule_and_a_remedy(report: ImportReport) -> None:
    told = [(one.severity, one.sheet, one.row, one.column, one.value, one.rule) for one in report.findings]

    assert ("left_out", "住建局", 2, "承诺时限", "3个月", "duration") in told
    assert ("refused", "住建局", 3, "事项名称", "#REF!", "spreadsheet_error") in told
    assert ("doubtful", "公安局", 3, "申请材料", "甲/乙", "list_unclear") in told
    assert ("refused", "公安局", 4, "实施编码", code(1), "C-9") in told
    assert all(one.remedy and one.remedy_zh for one in report.findings)


def test_a_row_is_told_by_its_sheet_where_another_row_is_meant(report: ImportReport) -> None:
    (conflict,) = [one for one in report.findings if one.rule == "C-9"]

    assert "row 2 of 住建局" in conflict.message


def test_the_files_hold_every_finding(report: ImportReport, tmp_path: Path) -> None:
    write_findings(tmp_path / "a.csv", report.findings)
    write_findings(tmp_path / "a.JSON", report.findings)

    table = list(csv.DictReader((tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines()))
    listed = json.loads((tmp_path / "a.JSON").read_text(encoding="utf-8"))
    assert len(table) == len(listed) == len(report.findings)
    assert [(row["工作表"], row["行"], row["值"]) for row in table] == [
        (one["sheet"], str(one["row"]), one["value"] or "") for one in listed
    ]
    assert list(table[0]) == [
        "结果",
        "工作表",
        "行",
        "实施编码",
        "列",
        "值",
        "规则",
        "说明 message",
        "处理办法",
        "remedy",
    ]


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_no_value_is_run_by_the_spreadsheet_that_opens_the_file(value: str) -> None:
    found = of_rejected(Rejected(2, [Violation("列", "number", "wrong", value)]))

    (row,) = list(csv.reader(as_csv(found).splitlines()))[1:]

    assert not row[5].startswith(("=", "+", "-", "@", "\t"))


def test_the_terminal_shows_a_table_with_both_languages(
    report: ImportReport, capsys: pytest.CaptureFixture[str]
) -> None:
    with spooling() as spool:
        reading = Reading(spool, RowListener(report.warn, report.refuse))
        course = Course(reading, Desk(None, ImportOrigin("t")), ImportOptions())
        import_report.print_report(course, report, None, None)

    printed = capsys.readouterr().out
    assert "sheet 工作表" in printed
    assert "单元格公式出错" in printed
    assert "repair the formula" in printed


def test_every_rule_of_a_row_has_a_remedy_and_any_other_a_general_one() -> None:
    assert [rule for rule in Rule if rule not in REMEDIES] == []
    assert remedy("contract:string_too_long").zh
    assert remedy("a rule of later").en


def test_routine_warnings_are_no_findings() -> None:
    assert of_warnings(1, "x", [RowWarning(WarningName.HTML_TO_TEXT, "a", "b")]) == []

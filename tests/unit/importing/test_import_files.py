"""The files that an import writes: rejected rows with every reason, in a form that any terminal can show."""

import io
import json
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from services.importing.engine.files import EarlierRun, Files, earlier_run, opened, write_rejects
from services.importing.engine.results import Result, RowFate
from services.importing.formats.registry import FORMATS, read
from services.importing.row import Rejected
from shared.errors import Violation

ROW: dict[str, Any] = {
    "task_code": "11440232MB2D06811W4000117051000",
    "task_name": "建设工程消防设计审查",
    "task_type": "01",
    "dept_name": "县住建局",
    "area_code": "440232",
    "promise_day": "很快",
    "plan_cancel_date": "下月",
}


@pytest.fixture
def rejected(tmp_path: Path) -> Rejected:
    """A row of a file with two errors."""
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(ROW) + "\n")
    (outcome,) = read(file, "up-task")
    assert isinstance(outcome, Rejected)
    return outcome


def test_a_rejected_row_goes_back_with_every_reason_and_itself(rejected: Rejected) -> None:
    out = io.StringIO()
    write_rejects(rejected, out)

    first, second = (json.loads(line) for line in out.getvalue().splitlines())
    assert {(entry["field"], entry["rule"], entry["value"]) for entry in (first, second)} == {
        ("promise_day", "duration", "很快"),
        ("plan_cancel_date", "date", "下月"),
    }
    assert (first["row"], first["code"], first["raw"]) == (1, ROW["task_code"], ROW)
    assert "raw" not in second


@given(text=st.text())
def test_the_file_of_rejected_rows_can_be_shown_on_any_terminal(text: str) -> None:
    out = io.StringIO()
    write_rejects(Rejected(3, [Violation(text, "rule", text, text)], {text: [text]}), out)

    line = out.getvalue()
    assert line.endswith("\n")
    assert line[:-1].isprintable() or all(char.isprintable() or char.isspace() for char in line[:-1])
    assert not set(line[:-1]) & set("\n\r\x1b\x07\u202e\u2028")
    assert json.loads(line)["row"] == 3


def test_what_was_written_stands_in_the_files_before_they_are_closed(tmp_path: Path, rejected: Rejected) -> None:
    places = [tmp_path / name for name in ("rejects", "warnings", "report")]
    with opened(*places) as files:
        files.begin({"sha256": "0" * 64, "rows": 2})
        files.refused(rejected)
        files.settled(Result(1, ROW["task_code"], RowFate.REJECTED))

        assert [len(place.read_text().splitlines()) for place in places] == [2, 0, 2]


def test_a_report_that_was_cut_off_tells_how_far_the_run_had_come(tmp_path: Path) -> None:
    report = tmp_path / "report"
    with opened(None, None, report) as files:
        files.begin({"sha256": "0" * 64, "rows": 3})
        files.settled(Result(1, ROW["task_code"], RowFate.RELEASED))
    report.write_text(report.read_text() + '{"row": 2, "outc')

    assert earlier_run(report, "0" * 64) == EarlierRun(rows=3, settled=1, ended=False)
    assert earlier_run(report, "1" * 64) is None


def test_files_that_nobody_asked_for_are_not_written(rejected: Rejected) -> None:
    files = Files()

    files.refused(rejected)
    files.end({})

    assert (files.rejects, files.warnings, files.report) == (None, None, None)


def test_every_format_has_a_name_and_a_title() -> None:
    assert set(FORMATS) == {"gd-portal", "up-task", "table", "csv"}
    assert all(kind.name == name and kind.title for name, kind in FORMATS.items())
    assert [name for name, kind in FORMATS.items() if kind.needs_mapping] == ["table", "csv"]

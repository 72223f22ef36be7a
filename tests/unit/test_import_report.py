"""Repeated codes inside one file, the totals, and the file of rejected rows."""

import io
import json
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from services.importing.formats import FORMATS, read
from services.importing.report import Report, write_rejects
from services.importing.row import Accepted, Outcome, Rejected
from shared.errors import Violation

CODE = "11440232MB2D06811W4000117051000"
OTHER = "11440232MB2D06811W4000117052000"


def exchange_row(**changes: Any) -> dict[str, Any]:
    return {
        "task_code": CODE,
        "task_name": "建设工程消防设计审查",
        "task_type": "01",
        "dept_name": "县住建局",
        "area_code": "440232",
    } | changes


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.jsonl"


def imported(file: Path, *rows: dict[str, Any]) -> list[Outcome]:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return list(read(file, "up-task"))


def told(outcome: Outcome) -> str:
    """`item`, `withdraw`, the warning that made it ignored, or the rule that rejected it."""
    if isinstance(outcome, Rejected):
        return outcome.violations[0].rule
    if outcome.ignored:
        return str(outcome.warnings[-1].name)
    return "item" if outcome.item else "withdraw"


@pytest.mark.parametrize(
    ("second", "fate"),
    [
        ({}, "duplicate_row"),
        ({"task_name": "另一个名字"}, "C-9"),
        ({"task_code": OTHER}, "item"),
        ({"cd_operation": "D"}, "withdraw"),
        ({"task_code": CODE + "01"}, "C-9"),
    ],
)
def test_what_becomes_of_a_second_row(file: Path, second: dict[str, Any], fate: str) -> None:
    assert [told(outcome) for outcome in imported(file, exchange_row(), exchange_row(**second))] == ["item", fate]


@pytest.mark.parametrize(
    ("versions", "fates"),
    [
        ((1, 2), ["item", "item"]),
        ((2, 1), ["item", "older_version"]),
        ((1, 1), ["item", "C-9"]),
        ((1, 3, 2), ["item", "item", "older_version"]),
    ],
)
def test_versions_of_one_item_follow_each_other(file: Path, versions: tuple[int, ...], fates: list[str]) -> None:
    rows = [exchange_row(task_version=version, task_name=f"名{place}") for place, version in enumerate(versions)]

    assert [told(outcome) for outcome in imported(file, *rows)] == fates


def test_a_contradiction_names_the_first_row(file: Path) -> None:
    _, second = imported(file, exchange_row(), exchange_row(task_name="另一个名字"))

    assert isinstance(second, Rejected)
    assert (second.number, second.violations[0].field) == (2, "task_code")
    assert "row 1" in second.violations[0].message


def test_an_item_is_one_31_code_or_its_situations_in_either_order(file: Path) -> None:
    situations = [exchange_row(task_code=CODE + number) for number in ("01", "02")]

    assert [told(outcome) for outcome in imported(file, *situations, exchange_row())] == ["item", "item", "C-9"]


def test_a_rejected_row_does_not_take_the_code_from_a_good_one(file: Path) -> None:
    assert [told(outcome) for outcome in imported(file, exchange_row(task_name=""), exchange_row())] == [
        "required",
        "item",
    ]


def test_a_withdrawn_whole_makes_room_for_its_situations(file: Path) -> None:
    rows = [exchange_row(), exchange_row(cd_operation="D"), exchange_row(task_code=CODE + "01")]

    assert [told(outcome) for outcome in imported(file, *rows)] == ["item", "withdraw", "item"]


@given(pattern=st.lists(st.tuples(st.sampled_from([CODE, OTHER]), st.sampled_from(["甲", "乙"])), max_size=8))
def test_each_code_is_released_once_however_often_it_comes(
    tmp_path_factory: pytest.TempPathFactory, pattern: list[tuple[str, str]]
) -> None:
    file = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    rows = [exchange_row(task_code=code, task_name=name) for code, name in pattern]
    outcomes = imported(file, *rows) if rows else []

    released = [outcome.code for outcome in outcomes if isinstance(outcome, Accepted) and outcome.item]
    assert released == list(dict.fromkeys(code for code, _ in pattern))
    assert len(outcomes) == len(pattern)


def test_the_totals_count_each_row_once(file: Path) -> None:
    report = Report()
    rows = [
        exchange_row(),
        exchange_row(),
        exchange_row(task_code=OTHER, cd_operation="D"),
        exchange_row(task_code="H-1", promise_day="?", anticipate_day="?"),
    ]

    passed = list(report.counting(imported(file, *rows)))

    assert len(passed) == report.rows == report.accepted + report.ignored + report.rejected == 4
    assert (report.accepted, report.withdrawn, report.ignored, report.rejected) == (2, 1, 1, 1)
    assert report.as_json()["warnings"] == {"deleted": 1, "duplicate_row": 1}
    assert report.as_json()["rules"] == {"C-1": 1}


def test_a_rejected_row_goes_back_with_every_reason_and_itself(file: Path) -> None:
    row = exchange_row(promise_day="很快", plan_cancel_date="下月")
    (rejected,) = imported(file, row)
    out = io.StringIO()

    assert isinstance(rejected, Rejected)
    write_rejects(rejected, out)

    first, second = (json.loads(line) for line in out.getvalue().splitlines())
    assert {(entry["field"], entry["rule"], entry["value"]) for entry in (first, second)} == {
        ("promise_day", "duration", "很快"),
        ("plan_cancel_date", "date", "下月"),
    }
    assert (first["row"], first["raw"]) == (1, row)
    assert "raw" not in second


@given(text=st.text())
def test_the_file_of_rejected_rows_can_be_shown_on_any_terminal(text: str) -> None:
    rejected = Rejected(3, [Violation(text, "rule", text, text)], {text: [text]})
    out = io.StringIO()

    write_rejects(rejected, out)

    line = out.getvalue()
    assert line.endswith("\n")
    assert line[:-1].isprintable() or all(char.isprintable() or char.isspace() for char in line[:-1])
    assert not set(line[:-1]) & set("\n\r\x1b\x07\u202e\u2028")
    assert json.loads(line)["row"] == 3


def test_every_format_has_a_name_a_title_and_a_code_column() -> None:
    assert set(FORMATS) == {"gd-portal", "up-task", "csv"}
    assert all(kind.name == name and kind.title and kind.code_column for name, kind in FORMATS.items())
    assert [name for name, kind in FORMATS.items() if kind.needs_mapping] == ["csv"]

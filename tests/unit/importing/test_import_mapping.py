"""The mapping that is suggested from a header, what it leaves out, and the table of local codes."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from services.cli.app import app
from services.importing.fields.flat_fields import KNOWN_FIELDS
from services.importing.formats import header_names
from services.importing.formats.csv_mapping import load_mapping
from services.importing.formats.header_names import suggested
from services.importing.formats.registry import read
from services.importing.row import Accepted, Rejected, WarningName
from shared.errors import Invalid
from tests.harness.workbooks import COLUMNS, HEADER, code, line, xls, xlsx


def csv(folder: Path, *names: str) -> Path:
    path = folder / "a.csv"
    path.write_text(",".join(names) + "\n", encoding="utf-8")
    return path


def test_the_names_of_the_national_tables_are_known(tmp_path: Path) -> None:
    assert suggested(csv(tmp_path, *HEADER)).columns == COLUMNS


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("事项编码", "code"),
        ("*事项名称（必填）", "task_name"),
        ("1.事项类型", "task_type"),
        ("实 施 部 门", "dept_name"),
        ("法定办结时限（工作日）", "anticipate_day"),
        ("承诺期限", "promise_day"),
        ("跑动次数：", "limit_scene_num"),
        ("是否进驻大厅", "is_entry_center"),
        ("办公地址", "window_address"),
        ("咨询电话", "link_way"),
        ("监督投诉电话", "supervise_way"),
        ("服务对象", "serve_type"),
        ("基本编码", "catalog_code"),
        ("基本信息/行使层级", "use_level"),
        ("promise_type", "promise_type"),
    ],
)
def test_spellings_of_counties_are_known(tmp_path: Path, name: str, field: str) -> None:
    header = ["实施编码", name] if field != "code" else [name, "事项名称"]

    assert suggested(csv(tmp_path, *header)).columns[field] == name


def test_every_field_that_is_suggested_can_be_mapped() -> None:
    assert set(header_names.ITEM_SPELLINGS) <= KNOWN_FIELDS


def test_no_spelling_stands_for_two_fields_of_one_table() -> None:
    for table in (header_names.ITEM_SPELLINGS, *header_names.CHILD_SPELLINGS.values()):
        spellings = [header_names.bare_name(one) for words in table.values() for one in words.split()]
        assert sorted({one for one in spellings if spellings.count(one) > 1}) == []


def test_columns_without_a_field_are_named_as_left_out(tmp_path: Path) -> None:
    found = suggested(csv(tmp_path, *HEADER, "经办人", "备注"))

    assert found.lost == ["经办人", "备注"]
    assert "#   经办人" in found.as_yaml("a.csv")


def test_a_table_without_a_code_says_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"no column looks like the 实施编码.*姓名, 电话"):
        suggested(csv(tmp_path, "姓名", "电话"))


CHILD = ["实施编码", "材料名称", "是否必要", "份数", "经办人"]


def test_the_suggestion_reads_the_workbook_that_it_was_made_from(tmp_path: Path) -> None:
    items = [["云溪县清单"], [*HEADER[:-1], "备注"], [*line(1)[:-1], "x"]]
    children = [CHILD, [code(1), "申请表", "是", 2, "张三"]]
    book = xlsx(tmp_path / "a.xlsx", ("事项", items), ("材料", children), ("说明", [["请填写"]]))
    mapping = tmp_path / "map.yaml"

    found = suggested(book)
    mapping.write_text(found.as_yaml("a.xlsx"), encoding="utf-8")
    (row,) = read(book, "table", mapping)

    assert found.lost == ["备注  (事项)", "经办人  (材料)"]
    assert load_mapping(mapping).children["materials"].columns["copies"] == "份数"
    assert isinstance(row, Accepted)
    assert row.guide is not None
    assert [(one.material_name, one.copies) for one in row.guide.materials or []] == [("申请表", 2)]


def test_the_command_prints_the_mapping_or_saves_it_and_never_writes_over_one(tmp_path: Path) -> None:
    book = xls(tmp_path / "a.xls", ("事项", [[*HEADER, "备注"], [*line(1), "x"]]))
    saved = tmp_path / "map.yaml"
    run = CliRunner().invoke

    printed = run(app, ["mapping", str(book)])
    assert printed.exit_code == 0
    assert yaml.safe_load(printed.stdout)["columns"] == COLUMNS
    assert "left out: 备注" in printed.stderr

    assert run(app, ["mapping", str(book), "--save", str(saved)]).exit_code == 0
    assert load_mapping(saved).needed == list(COLUMNS.values())
    again = run(app, ["mapping", str(book), "--save", str(saved)])
    assert again.exit_code == 2
    assert "--save" in again.stderr


def outcomes(folder: Path, items: Path, codes: Path | None = None, **mapping: Any) -> list[Any]:
    file = folder / "map.yaml"
    file.write_text(yaml.safe_dump({"columns": COLUMNS} | mapping, allow_unicode=True), encoding="utf-8")
    return list(read(items, "table", file, codes))


def test_a_column_that_the_mapping_leaves_out_is_named_once(tmp_path: Path) -> None:
    items = xlsx(
        tmp_path / "a.xlsx", ("事项", [[*HEADER, "备注", "空"], [*line(1), None], [*line(2), "x"], [*line(3), "y"]])
    )

    left_out = [
        (row.number, one.field, one.value)
        for row in outcomes(tmp_path, items)
        for one in row.warnings
        if one.name == WarningName.COLUMN_LEFT_OUT
    ]

    assert left_out == [(3, "备注", "x")]


def test_a_local_code_counts_as_the_code_that_its_table_names(tmp_path: Path) -> None:
    items = xlsx(tmp_path / "a.xlsx", ("事项", [HEADER, line(1, code="yx-001"), line(2), line(3, code="YX-009")]))
    codes = tmp_path / "codes.csv"
    codes.write_text(f"本地编码,实施编码\nYX-001,{code(1)}\n", encoding="utf-8")

    first, second, unknown = outcomes(tmp_path, items, codes)

    assert (first.code, first.item.local_task_code) == (code(1), "YX-001")
    assert (second.code, second.item.local_task_code) == (code(2), None)
    assert isinstance(unknown, Rejected)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("YX-1,123\n", "row 2"),
        (f"YX-1,{code(1)}\nYX-1,{code(2)}\n", "stands for"),
        (f",{code(1)}\n", "expected a code"),
    ],
)
def test_a_mistake_in_the_table_of_local_codes_refuses_it_by_row(tmp_path: Path, rows: str, problem: str) -> None:
    items = xlsx(tmp_path / "a.xlsx", ("事项", [HEADER, line(1)]))
    codes = tmp_path / "codes.csv"
    codes.write_text(f"本地编码,实施编码\n{rows}", encoding="utf-8")

    with pytest.raises(Invalid, match=problem):
        outcomes(tmp_path, items, codes)

"""Workbooks as clerks keep them: .xlsx and .xls, several sheets, titles, merged cells, dates, numbers, child tables."""

import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from services.importing.formats.registry import read
from services.importing.formats.xlsx_reading import BOUNDS
from services.importing.row import Accepted, Outcome, Rejected, WarningName
from shared.errors import Invalid, NotFound, TooLarge
from tests.harness.workbooks import (
    CODE,
    COLUMNS,
    HEADER,
    code,
    line,
    rewritten,
    with_shared_texts,
    without_references,
    xls,
    xlsx,
)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tmp_path / "清单.xlsx"


def outcomes(path: Path, **mapping: Any) -> list[Outcome]:
    file = path.parent / "map.yaml"
    file.write_text(yaml.safe_dump({"columns": COLUMNS} | mapping, allow_unicode=True), encoding="utf-8")
    return list(read(path, "table", file))


def accepted(path: Path, **mapping: Any) -> list[Accepted]:
    found = outcomes(path, **mapping)
    assert all(isinstance(one, Accepted) for one in found), found
    return [one for one in found if isinstance(one, Accepted)]


def refused(path: Path, **mapping: Any) -> list[tuple[str, int, str, str]]:
    """Sheet, row, column and rule of everything that refuses a row."""
    rejected = [one for one in outcomes(path, **mapping) if isinstance(one, Rejected)]
    return [(one.sheet, one.number, reason.field, reason.rule) for one in rejected for reason in one.violations]


def materials(row: Accepted) -> list[str]:
    assert row.guide is not None
    return [one.material_name for one in row.guide.materials or []]


@pytest.mark.parametrize("suffix", ["xlsx", "xls"])
def test_a_workbook_is_read_like_the_same_table_in_csv(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    (xlsx if suffix == "xlsx" else xls)(path, ("事项", [HEADER, line(1), line(2)]))

    first, second = accepted(path)

    assert (first.code, first.sheet, first.number) == (code(1), "事项", 2)
    assert materials(second) == ["申请表", "图纸"]
    assert first.item is not None
    assert (first.item.promise_day, first.item.plan_effective_date) == (15, date(2026, 3, 1))


def test_every_sheet_with_the_columns_is_read_and_a_row_says_which_it_was(book: Path) -> None:
    sheets = [
        ("住建局", [HEADER, line(1)]),
        ("说明", [["填表说明"], ["请逐行填写"]]),
        ("公安局", [HEADER, line(2), line(3)]),
    ]
    xlsx(book, *sheets)

    assert [(one.sheet, one.number) for one in accepted(book)] == [("住建局", 2), ("公安局", 2), ("公安局", 3)]
    assert [one.sheet for one in accepted(book, sheets=["公安局"])] == ["公安局", "公安局"]
    with pytest.raises(Invalid, match=r"no visible sheet 民政局; it has 住建局, 说明, 公安局"):
        outcomes(book, sheets=["民政局"])


def test_a_hidden_sheet_is_not_read(book: Path) -> None:
    def hide(made: Workbook) -> None:
        made["旧"].sheet_state = "hidden"

    xlsx(book, ("新", [HEADER, line(1)]), ("旧", [HEADER, line(2)]), change=hide)

    assert [one.sheet for one in accepted(book)] == ["新"]


def test_no_sheet_with_the_columns_is_told_sheet_by_sheet(book: Path) -> None:
    xlsx(book, ("甲", [["编码", "名称"]]), ("乙", [HEADER[:-1]]))

    with pytest.raises(Invalid, match=r"sheet 甲: the header has no column 实施编码.*sheet 乙: .*no column 申请材料"):
        outcomes(book)


def test_titles_empty_rows_and_touched_cells_are_passed_over(book: Path) -> None:
    def touch(made: Workbook) -> None:
        sheet = made["事项"]
        sheet.merge_cells("A1:G1")
        sheet["Z50"].number_format = "0.00"
        sheet["A900"].number_format = "@"

    xlsx(book, ("事项", [["云溪县事项清单"], ["制表：张三"], HEADER, line(1), [], line(2)]), change=touch)

    assert [one.number for one in accepted(book)] == [4, 6]


def test_merged_cells_count_for_every_row_that_they_cover(book: Path) -> None:
    def merge(made: Workbook) -> None:
        made["事项"].merge_cells("D2:D3")

    xlsx(book, ("事项", [HEADER, line(1), line(2, dept_name=None)]), change=merge)

    assert [one.item.dept_name for one in accepted(book) if one.item] == ["县住建局", "县住建局"]


def test_merged_cells_of_an_old_workbook_count_too(tmp_path: Path) -> None:
    import xlwt

    made = xlwt.Workbook()
    sheet = made.add_sheet("事项")
    for place, name in enumerate(HEADER):
        sheet.write(0, place, name)
    for row in (1, 2):
        for place, cell in enumerate(line(row)):
            if place != 3:
                sheet.write(row, place, cell)
    sheet.write_merge(1, 2, 3, 3, "县住建局")
    made.save(str(tmp_path / "a.xls"))

    assert [one.item.dept_name for one in accepted(tmp_path / "a.xls") if one.item] == ["县住建局", "县住建局"]


def test_a_header_over_two_rows_with_merged_groups_is_read(book: Path) -> None:
    def merge(made: Workbook) -> None:
        for cells in ("A1:A2", "B1:B2", "C1:C2", "D1:D2", "E1:F1"):
            made["事项"].merge_cells(cells)

    upper = ["实施编码", "事项名称", "事项类型", "实施主体", "时限", None]
    lower = [None, None, None, None, "法定", "承诺"]
    xlsx(book, ("事项", [upper, lower, [*line(1)[:4], "20个工作日", "15个工作日"]]), change=merge)
    names = {
        ours: column for ours, column in COLUMNS.items() if ours in ("code", "task_name", "task_type", "dept_name")
    }

    (row,) = accepted(book, columns=names | {"promise_day": "承诺", "anticipate_day": "时限/法定"})

    assert row.item is not None
    assert (row.item.anticipate_day, row.item.promise_day, row.number) == (20, 15, 3)


MIDNIGHT = datetime.fromisoformat("2026-03-01")


@pytest.mark.parametrize(
    "value", [MIDNIGHT, MIDNIGHT.date(), "2026-03-01", "2026年3月1日", MIDNIGHT.replace(hour=8, minute=30)]
)
@pytest.mark.parametrize("mac", [False, True])
def test_a_date_is_the_day_that_the_cell_shows_in_either_calendar(book: Path, value: Any, mac: bool) -> None:
    def calendar(made: Workbook) -> None:
        if mac:
            made.epoch = CALENDAR_MAC_1904

    xlsx(book, ("事项", [HEADER, line(1, plan_effective_date=value)]), change=calendar)

    (row,) = accepted(book)

    assert row.item is not None
    assert row.item.plan_effective_date == date(2026, 3, 1)


@pytest.mark.parametrize("mac", [False, True])
def test_a_date_of_an_old_workbook_is_the_day_that_the_cell_shows(tmp_path: Path, mac: bool) -> None:
    day = (MIDNIGHT, "yyyy/m/d")
    path = xls(tmp_path / "a.xls", ("事项", [HEADER, line(1, plan_effective_date=day)]), dates_1904=mac)

    (row,) = accepted(path)

    assert row.item is not None
    assert row.item.plan_effective_date == date(2026, 3, 1)


def test_a_bare_serial_of_a_date_is_refused_with_the_remedy(book: Path) -> None:
    xlsx(book, ("事项", [HEADER, line(1, plan_effective_date=46082)]))

    (outcome,) = outcomes(book)

    assert isinstance(outcome, Rejected)
    assert "format the column as a date" in outcome.violations[0].message


@pytest.mark.parametrize(("value", "days"), [(15, 15), (15.0, 15), ("15", 15), (" 15 ", 15)])
def test_numbers_and_numbers_stored_as_text_are_the_same(book: Path, value: Any, days: int) -> None:
    xlsx(book, ("事项", [HEADER, line(1, promise_day=value)]))

    (row,) = accepted(book)

    assert row.item is not None
    assert row.item.promise_day == days


def test_a_code_stored_as_a_number_has_lost_its_digits_and_is_refused(tmp_path: Path) -> None:
    number = 1144023200696321744000117051000
    for path in (
        xlsx(tmp_path / "a.xlsx", ("事项", [HEADER, line(1, code=number)])),
        xls(tmp_path / "a.xls", ("事项", [HEADER, line(1, code=float(number))])),
    ):
        assert refused(path)[0] == ("事项", 2, "实施编码", "lost_digits")


def test_a_code_that_a_spreadsheet_saved_as_csv_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",".join(HEADER) + "\n" + ",".join(line(1, code="1.14402E+30")), encoding="utf-8")

    assert refused(path)[0] == ("", 2, "实施编码", "lost_digits")


def test_zeros_in_front_count_where_the_cell_shows_them(tmp_path: Path) -> None:
    def zeros(made: Workbook) -> None:
        made["事项"]["H2"].number_format = "000000000000"

    rows = [[*HEADER, "基本编码"], [*line(1), 117051000]]
    columns = COLUMNS | {"catalog_code": "基本编码"}
    shown = xlsx(tmp_path / "a.xlsx", ("事项", rows), change=zeros)
    old = xls(tmp_path / "a.xls", ("事项", [rows[0], [*line(1), (117051000, "000000000000")]]))

    for path in (shown, old):
        (row,) = outcomes(path, columns=columns)
        assert row.code == code(1)
        assert not [one for one in getattr(row, "violations", []) if one.rule == "contract:string_pattern_mismatch"]


def test_a_formula_counts_by_its_stored_result_and_without_one_refuses_the_row(book: Path) -> None:
    rows = [HEADER, line(1, task_name='=A2&"x"'), line(2)]
    xlsx(book, ("事项", rows))
    stored = rewritten(
        xlsx(book.parent / "b.xlsx", ("事项", rows)),
        "xl/worksheets/sheet1.xml",
        lambda xml: (
            xml.replace("<v></v>", "<v>消防审查</v>")
            .replace("<v />", "<v>消防审查</v>")
            .replace('r="B2"', 'r="B2" t="str"')
        ),
    )

    assert refused(book)[0] == ("事项", 2, "事项名称", "spreadsheet_error")
    assert accepted(stored)[0].item.task_name == "消防审查"


def test_an_error_in_a_cell_refuses_its_row(tmp_path: Path) -> None:
    def broken(made: Workbook) -> None:
        made["事项"]["B2"].value = "#REF!"
        made["事项"]["B2"].data_type = "e"

    assert refused(xlsx(tmp_path / "a.xlsx", ("事项", [HEADER, line(1)]), change=broken)) == [
        ("事项", 2, "事项名称", "spreadsheet_error")
    ]


def test_a_workbook_without_addresses_of_cells_and_with_a_wrong_range_is_read_whole(book: Path) -> None:
    xlsx(book, ("事项", [HEADER, line(1), line(2)]))

    assert len(accepted(rewritten(book, "xl/worksheets/sheet1.xml", without_references))) == 2


def test_texts_with_phonetics_and_parts_in_several_fonts_are_one_text(book: Path) -> None:
    xlsx(book, ("事项", [HEADER, line(1)]))
    rich = "<si><r><t>县</t></r><r><t>住建局</t></r><rPh sb='0' eb='1'><t>xian</t></rPh></si>"

    with_shared_texts(book, {"县住建局": rich})

    assert [one.item.dept_name for one in accepted(book) if one.item] == ["县住建局"]


CHILD_HEADER = ["实施编码", "材料名称", "是否必要", "份数"]
CHILD_COLUMNS = {"material_name": "材料名称", "is_need": "是否必要", "copies": "份数"}
NO_MATERIALS = {ours: column for ours, column in COLUMNS.items() if ours != "materials"}


def test_a_sheet_with_a_row_for_each_material_is_joined_by_the_code(book: Path) -> None:
    children = [CHILD_HEADER, [code(1), "申请表", "是", 2], [code(2), "图纸", "否", 1], [code(1), "身份证", "是", 1]]
    xlsx(book, ("事项", [HEADER, line(1), line(2), line(3)]), ("材料", children))
    table = {"materials": {"sheet": "材料", "code": "实施编码", "columns": CHILD_COLUMNS}}

    first, second, third = accepted(book, columns=NO_MATERIALS, children=table)

    assert materials(first) == ["申请表", "身份证"]
    assert first.guide is not None
    assert first.guide.materials is not None
    assert [(one.is_need, one.copies) for one in first.guide.materials] == [(True, 2), (True, 1)]
    assert materials(second) == ["图纸"]
    assert "materials" not in (third.stated_guide or {})


def test_a_file_with_a_row_for_each_material_is_joined_by_the_code(tmp_path: Path) -> None:
    items = xlsx(tmp_path / "a.xlsx", ("事项", [HEADER, line(1)]))
    (tmp_path / "材料.csv").write_text(f"实施编码,材料名称,是否必要,份数\n{code(1)},申请表,是,1\n", encoding="gb18030")
    table = {"materials": {"file": "材料.csv", "code": "实施编码", "columns": CHILD_COLUMNS}}

    assert [materials(row) for row in accepted(items, columns=NO_MATERIALS, children=table)] == [["申请表"]]

    (tmp_path / "材料.csv").unlink()
    with pytest.raises(NotFound, match=r"材料\.csv"):
        outcomes(items, columns=NO_MATERIALS, children=table)
    outside = {"materials": table["materials"] | {"file": "../材料.csv"}}
    with pytest.raises(Invalid, match="must be beside the list"):
        outcomes(items, columns=NO_MATERIALS, children=outside)


def test_an_item_merged_over_the_rows_of_its_materials_is_one_item(book: Path) -> None:
    def merge(made: Workbook) -> None:
        for column in "ABCDEF":
            made["事项"].merge_cells(f"{column}2:{column}3")

    blank = [None] * 6
    rows = [[*HEADER, "份数"], [*line(1)[:6], "申请表", 1], [*blank, "图纸", 2], [*line(2)[:6], "身份证", 1]]
    xlsx(book, ("事项", rows), change=merge)
    table = {"materials": {"columns": {"material_name": "申请材料", "copies": "份数"}}}

    first, second = accepted(book, columns=NO_MATERIALS, children=table)

    assert (materials(first), materials(second)) == (["申请表", "图纸"], ["身份证"])


def test_a_material_without_its_item_and_a_wrong_cell_are_told_by_sheet_row_and_column(book: Path) -> None:
    children = [CHILD_HEADER, [code(1), "申请表", "是", "若干"], [code(9), "图纸", "否", 1]]
    xlsx(book, ("事项", [HEADER, line(1)]), ("材料", children))
    table = {"materials": {"sheet": "材料", "code": "实施编码", "columns": CHILD_COLUMNS}}

    row, orphan = outcomes(book, columns=NO_MATERIALS, children=table)

    assert isinstance(row, Accepted)
    assert [one.field for one in row.warnings if one.name == WarningName.FIELD_LEFT_OUT] == ["份数 (材料 row 2)"]
    assert isinstance(orphan, Rejected)
    assert (orphan.sheet, orphan.number, orphan.violations[0].rule) == ("材料", 3, "child_without_item")


@pytest.mark.parametrize(
    ("children", "place"),
    [
        ({"colours": {"sheet": "a", "code": "b", "columns": {"x": "y"}}}, "children.colours"),
        ({"materials": {"sheet": "a", "code": "b", "columns": {"colour": "y"}}}, "children.materials.columns.colour"),
        ({"materials": {"sheet": "a", "columns": {"copies": "y"}}}, "children.materials.code"),
        ({"materials": {"sheet": "a", "file": "b", "code": "c", "columns": {"copies": "y"}}}, "children.materials"),
    ],
)
def test_a_mistake_in_a_child_table_of_the_mapping_is_named(book: Path, children: dict[str, Any], place: str) -> None:
    xlsx(book, ("事项", [HEADER]))

    with pytest.raises(Invalid) as raised:
        outcomes(book, columns=NO_MATERIALS, children=children)

    assert f"map.yaml: {place}" in {one.field for one in raised.value.violations}


def _zip(path: Path, *names: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "x")


FOREIGN = {
    "PDF": b"%PDF-1.7\n",
    "picture": b"\x89PNG\r\n\x1a\n",
    "RAR": b"Rar!\x1a\x07\x00",
    "7-Zip": b"7z\xbc\xaf\x27\x1c",
    "gzip": b"\x1f\x8b\x08",
    "HTML": "<html><body><table><tr><td>实施编码</td></tr></table>".encode(),
    "Excel 2003 in XML": b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">',
    "MHTML": b"MIME-Version: 1.0\r\nX: y",
    "JSON": b'{"task_code": "1"}',
    "UTF-16": "实施编码".encode("utf-16"),
    "without a table": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
    "password": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
    "Word document": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"),
    "damaged": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "Workbook".encode("utf-16-le"),
    "damaged workbook or archive": b"PK\x03\x04" + b"x" * 30,
}


@pytest.mark.parametrize("what", FOREIGN)
def test_a_foreign_file_gets_one_sentence_that_says_what_it_seems_to_be(tmp_path: Path, what: str) -> None:
    path = tmp_path / "清单.xls"
    path.write_bytes(FOREIGN[what])

    with pytest.raises(Invalid, match="this seems to be") as raised:
        outcomes(path)

    (violation,) = raised.value.violations
    assert what in violation.message
    assert ":" in violation.message


@pytest.mark.parametrize(
    ("part", "what"),
    [
        ("word/document.xml", "Word"),
        ("ppt/x.xml", "presentation"),
        ("content.xml", "OpenDocument"),
        ("a.txt", "ZIP"),
        ("xl/workbook.bin", "xlsb"),
    ],
)
def test_an_archive_says_which_document_it_seems_to_be(book: Path, part: str, what: str) -> None:
    _zip(book, part)

    with pytest.raises(Invalid, match=what):
        outcomes(book)


def test_a_workbook_with_damaged_parts_is_refused_with_the_remedy(book: Path) -> None:
    xlsx(book, ("事项", [HEADER, line(1)]))
    rewritten(book, "xl/worksheets/sheet1.xml", lambda xml: xml[: len(xml) // 2])

    with pytest.raises(Invalid, match=r"save it as \.xlsx again"):
        outcomes(book)


def test_a_workbook_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(book: Path) -> None:
    xlsx(book, ("事项", [HEADER, line(1)]))
    with zipfile.ZipFile(book, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/a.bin", b"\0" * (BOUNDS.part + 1))

    assert book.stat().st_size < 1_000_000
    with pytest.raises(TooLarge, match="unpacked"):
        outcomes(book)


def test_a_row_far_below_the_others_costs_no_memory_and_one_beyond_the_last_is_refused(book: Path) -> None:
    xlsx(book, ("事项", [HEADER, line(1)]))
    sheet = "xl/worksheets/sheet1.xml"
    far = '<row r="{0}"><c r="XFD{0}" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'

    rewritten(book, sheet, lambda xml: xml.replace("</sheetData>", far.format(90_000)))
    assert [type(one) for one in outcomes(book)] == [Accepted, Rejected]

    rewritten(book, sheet, lambda xml: xml.replace("90000", "99999999"))
    with pytest.raises(TooLarge, match="rows"):
        outcomes(book)


def test_a_table_in_gbk_is_read(tmp_path: Path) -> None:
    path = tmp_path / "清单.xls"
    path.write_text("\t".join(HEADER) + "\n" + "\t".join(line(1)), encoding="gbk")

    assert [one.code for one in accepted(path)] == [code(1)]
    assert CODE[:-3] in code(1)

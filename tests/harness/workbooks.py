"""Write workbooks for tests, as Excel and WPS do, and as they should not."""

import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import xlwt
from openpyxl import Workbook

CODE = "11440232MB2D06811W4000117051000"
HEADER = ["实施编码", "事项名称", "事项类型", "实施主体", "承诺时限", "计划生效日期", "申请材料"]
COLUMNS = {
    "code": "实施编码",
    "task_name": "事项名称",
    "task_type": "事项类型",
    "dept_name": "实施主体",
    "promise_day": "承诺时限",
    "plan_effective_date": "计划生效日期",
    "materials": "申请材料",
}
"""A mapping's columns for `HEADER`."""

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SHARED_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
SHARED_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"


def code(number: int) -> str:
    """Return the code of the county's item `number`."""
    return f"{CODE[:-3]}{number:03}"


def line(number: int = 0, **changes: Any) -> list[Any]:
    """Return a row below `HEADER`; `changes` by our field."""
    values = [code(number), f"消防设计审查{number}", "行政许可", "县住建局", "15个工作日", "2026-03-01", "申请表；图纸"]
    fields = dict(zip(COLUMNS, values, strict=True)) | changes
    return [fields[name] for name in COLUMNS]


def xlsx(
    path: Path, *sheets: tuple[str, Iterable[Sequence[Any]]], change: Callable[[Workbook], None] | None = None
) -> Path:
    """Write the sheets; `change` edits the workbook before it is saved."""
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    if change is not None:
        change(book)
    book.save(path)
    return path


def xls(path: Path, *sheets: tuple[str, Iterable[Sequence[Any]]], dates_1904: bool = False) -> Path:
    """Write the sheets in the format of Excel 97; a cell may be `(value, number format)`."""
    book = xlwt.Workbook(encoding="utf-8")
    book.dates_1904 = dates_1904
    for name, rows in sheets:
        sheet = book.add_sheet(name)
        for r, row in enumerate(rows):
            for c, cell in enumerate(row):
                value, shown = cell if isinstance(cell, tuple) else (cell, None)
                if value is not None:
                    style = xlwt.easyxf(num_format_str=shown) if shown else xlwt.Style.default_style
                    sheet.write(r, c, value, style)
    book.save(str(path))
    return path


def rewritten(path: Path, part: str, edit: Callable[[str], str]) -> Path:
    """Edit the XML of one part of a workbook, as programs write it that openpyxl does not know."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = edit(parts[part].decode()).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def with_shared_texts(path: Path, rich: dict[str, str]) -> Path:
    """Store the texts in a table of their own, as Excel and WPS do; `rich`: a text → the XML of its entry."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    texts: list[str] = []

    def shared(found: re.Match[str]) -> str:
        texts.append(rich.get(found[1], f"<si><t>{found[1]}</t></si>"))
        return f't="s"><v>{len(texts) - 1}</v></c>'

    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = re.sub(r't="inlineStr"\s*><is><t>(.*?)</t></is></c>', shared, parts[sheet])
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}">{"".join(texts)}</sst>'
    part = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{SHARED_TYPE}"/></Types>'
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace("</Types>", part)
    relation = f'<Relationship Id="rS" Type="{SHARED_RELATION}" Target="sharedStrings.xml"/></Relationships>'
    relations = "xl/_rels/workbook.xml.rels"
    parts[relations] = parts[relations].replace("</Relationships>", relation)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def without_references(xml: str) -> str:
    """Remove the addresses of cells and rows, which some programs leave out, and write a wrong range of the sheet."""
    bare = re.sub(r'(<(?:c|row)\b[^>]*?) r="[^"]*"', r"\1", xml)
    return re.sub(r'<dimension ref="[^"]*"\s*/>', '<dimension ref="A1"/>', bare)

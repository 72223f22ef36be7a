"""The file formats that can be imported, by their names on the command line, and the functions that read them."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from services.importing.fields.local_codes import local_codes
from services.importing.fields.notes import Rule
from services.importing.formats import csv_mapping, gd_portal, up_task
from services.importing.formats.rows import LARGEST_FILE, json_rows
from services.importing.formats.table_reading import simple_table_rows, table_file_rows
from services.importing.row import Outcome, Rejected, Row
from shared.errors import Invalid, Violation

Convert = Callable[[Row], Outcome]
CONVERSION = 2
"""Incremented by every release that converts a row differently than the one before."""


@dataclass(frozen=True)
class Format:
    """One file format. `convert` is None if the conversion and the columns come from a mapping."""

    name: str
    title: str
    columns: Mapping[str, str]
    convert: Convert | None = None

    @property
    def needs_mapping(self) -> bool:
        """Whether the user must give a mapping."""
        return self.convert is None


UP_TASK_COLUMNS = {"code": "task_code", "version": "task_version", "operation": "cd_operation"}

FORMATS: dict[str, Format] = {
    "gd-portal": Format(
        "gd-portal", "广东政务服务网事项及指南（JSON Lines 或 JSON 数组）", gd_portal.COLUMNS, gd_portal.convert
    ),
    "up-task": Format("up-task", "国家平台交换库 up_task（JSON Lines 或 JSON 数组）", UP_TASK_COLUMNS, up_task.convert),
    "table": Format("table", "任意表格（.xlsx、.xls、CSV），按映射文件", {}),
    "csv": Format("csv", "同 table", {}),
}


def read(
    path: Path,
    format: str,  # noqa: A002
    mapping: Path | None = None,
    codes: Path | None = None,
    *,
    largest: int = LARGEST_FILE,
) -> Iterator[Outcome]:
    """Yield each row of `path` as accepted or rejected, in the file's order, without keeping rows in memory.

    `format`: a name of `FORMATS`; `mapping`: the YAML file that a table needs; `codes`: a table of local codes, see
    `services.importing.fields.local_codes`. A wrong format, mapping or file raises
    (`Invalid`, `NotFound`, `TooLarge`) at once or before the first row; after that no row raises.
    """
    kind = _known(format)
    if kind.needs_mapping != (mapping is not None):
        message = f"{format} needs a mapping file" if kind.needs_mapping else f"{format} does not accept a mapping file"
        raise Invalid(Violation("mapping", str(Rule.REQUIRED), message))
    if kind.convert is not None:
        rows, convert, column = json_rows(path, largest), kind.convert, kind.columns["code"]
    else:
        how = csv_mapping.load_mapping(mapping or path)
        rows, convert = table_file_rows(path, how, largest), csv_mapping.converter(how)
        column = how.columns["code"].column
    if codes is not None:
        table = local_codes(simple_table_rows(codes), codes.name)
        rows = (row if isinstance(row, Rejected) else table.applied(row, column) for row in rows)
    return _converted(rows, convert)


def columns(format: str, mapping: Path | None = None) -> Mapping[str, str]:  # noqa: A002
    """Return our field → the file's column, as far as the format or the mapping knows."""
    kind = _known(format)
    if mapping is None:
        return kind.columns
    return {ours: rule.column for ours, rule in csv_mapping.load_mapping(mapping).columns.items()}


def conversion(format: str, mapping: Path | None = None, codes: Path | None = None) -> str:  # noqa: A002
    """Return an identifier of the conversion: another conversion may make something else of the same row (C-10)."""
    given = [file.read_bytes() for file in (mapping, codes) if file is not None]
    digest = hashlib.sha256(b"".join(given)).hexdigest()[:16] if given else ""
    return f"{format}/{CONVERSION}" + (f"/{digest}" if digest else "")


def _known(format: str) -> Format:  # noqa: A002
    if format not in FORMATS:
        raise Invalid(Violation("format", "known", f"expected one of {', '.join(FORMATS)}", format))
    return FORMATS[format]


def _converted(rows: Iterator[Row | Rejected], convert: Convert) -> Iterator[Outcome]:
    return (row if isinstance(row, Rejected) else convert(row) for row in rows)

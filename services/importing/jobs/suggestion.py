"""A suggested mapping for a page: the columns of each sheet with examples of values, and our field for each."""

from pathlib import Path

from contracts.base import Json
from services.importing.formats.header_names import (
    CHILD_SPELLINGS,
    ITEM_SPELLINGS,
    Suggestion,
    suggested_from,
    tables_of,
)
from services.importing.formats.registry import FORMATS, UP_TASK_COLUMNS
from services.importing.formats.rows import json_rows
from services.importing.jobs.before_after import title_of
from services.importing.row import Row

JSON = "json"
NEEDED = ("code", "task_name", "task_type", "dept_name")
"""Fields without which a row of a table is rejected."""

_OWN_TITLES = {
    "region": "行政区划",
    "task_state": "事项状态",
    "version": "事项版本",
    "operation": "操作标识（新增、修改、删除）",
    "window_address": "窗口地址",
    "window_no": "窗口号",
    "window_hours": "办公时间",
    "window_phone": "窗口电话",
    "window_traffic": "交通指引",
}
_CHILD_TITLES = {
    "materials": "申请材料",
    "fees": "收费",
    "steps": "办理流程",
    "questions": "常见问题",
    "windows": "办理窗口",
}


def suggestion(path: Path, kind: str) -> Json:
    """Return what a page shows: `format`, `tables`, the suggested `mapping`, `fields`, `missing` and `lost`.

    Raises `Invalid` when the file is no table.
    """
    if kind == JSON:
        return {"format": _json_format(path), "tables": [], "mapping": None, "fields": [], "missing": [], "lost": []}
    tables = tables_of(path)
    found = suggested_from(tables)
    mapping: Json = {"columns": found.columns}
    if len(found.sheets) > 1:
        mapping["sheets"] = found.sheets
    if found.children:
        mapping["children"] = found.children
    return {
        "format": "table",
        "tables": [{"sheet": one.sheet, "columns": _columns(one.examples, found)} for one in tables],
        "mapping": mapping,
        "fields": [{"name": name, "title": field_title(name), "needed": name in NEEDED} for name in ITEM_SPELLINGS],
        "missing": [name for name in NEEDED if name not in found.columns],
        "lost": found.lost,
    }


def field_title(name: str) -> str:
    """Return the Chinese title of a field of a mapping."""
    return _OWN_TITLES.get(name) or _CHILD_TITLES.get(name) or title_of(name)


def _columns(examples: dict[str, list[str]], found: Suggestion) -> list[Json]:
    fields = {column: ours for ours, column in found.columns.items()}
    for child, table in found.children.items():
        columns = table["columns"]
        if isinstance(columns, dict):
            fields |= {
                str(column): f"{child}.{ours}" for ours, column in columns.items() if ours in CHILD_SPELLINGS[child]
            }
    return [{"name": name, "examples": some, "field": fields.get(name)} for name, some in examples.items()]


def _json_format(path: Path) -> str:
    """Return the format whose column of codes the first row has; the exchange's if none has it."""
    row = next(json_rows(path), None)
    names = set(row.raw) if isinstance(row, Row) else set()
    code = FORMATS["gd-portal"].columns["code"]
    return "gd-portal" if code in names and UP_TASK_COLUMNS["code"] not in names else "up-task"

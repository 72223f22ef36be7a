"""Convert foreign values of code-table fields (codes or Chinese labels, dialects, joined lists) to our codes."""

import re
from collections.abc import Mapping
from typing import Any

from contracts.codes import tables
from services.importing.fields.conversions import answer, compared, is_placeholder, terms, text
from services.importing.fields.notes import Notes, Rule
from services.importing.row import WarningName

JOINTS = frozenset("^,，;；、|\n")
"""Separators of several values: `^` in the national exchange, `,` in Chongqing and Liaoning, `、` in prose."""

_BETWEEN_LABELS = re.compile(r"[/／\\\s]+|[和及与]")
"""Separators that some labels contain: they count only if what they separate are labels."""

_LEVEL_WORDS = {"省级/直属": "2", "市级/隶属": "3", "国家级/局(署、会)": "1", "区级": "4", "镇级": "5", "村级": "6"}
_OTHER_LABELS: dict[str, dict[str, str]] = {
    "use_level": _LEVEL_WORDS | {"镇(街道)级": "5", "乡镇级": "5", "县(区)级": "4", "县(市、区)级": "4"},
    "is_need": {"是": "1", "否": "0", "必需": "1", "非必需": "0", "容缺": "2"},
    "material_format": {"电子": "2", "纸质和电子": "3", "纸质或电子": "3", "纸质/电子": "3"},
    "material_type": {"原件/复印件": "3", "原件或复印件": "3"},
    "result_type": {"其它": "30"},
    "handle_area": {"全省": "2", "全市": "3", "全县": "4", "全镇": "5", "跨省": "2", "跨市": "3", "跨县": "4"},
    "time_unit": {"个工作日": "1", "天": "2", "日": "2", "W": "1", "N": "2"},
}


def one_code(value: Any, field: str, table: str, notes: Notes) -> str | None:
    """Return the code of a single-valued field, given as code (leading zeros optional) or label.

    An unknown value is a violation.
    """
    content = answer(value, field, notes)
    if content is None:
        return None
    code = known_code(content, table)
    if code is None:
        notes.refuse(field, Rule.CODE_TABLE, f"neither a code nor a label of the table {table}", content)
    return code


def code_list(
    value: Any, field: str, table: str, notes: Notes, unknown: WarningName = WarningName.UNKNOWN_CODE
) -> list[str]:
    """Return the codes of a multi-valued field, given as list or joined text.

    Unknown values are left out with a warning.
    """
    found: list[str] = []
    for entry in [label for joined in entries(value, field, notes) for label in _labels(joined, table)]:
        code = known_code(entry, table)
        if code is None:
            notes.warn(unknown, field, f"not in the table {table}, left out{_similar(entry, table)}", entry)
        else:
            found.append(code)
    return list(dict.fromkeys(found))


def _labels(joined: str, table: str) -> list[str]:
    if known_code(joined, table) is not None:
        return [joined]
    pieces = [piece for piece in _BETWEEN_LABELS.split(joined) if piece]
    return pieces if any(known_code(piece, table) is not None for piece in pieces) else [joined]


def _similar(entry: str, table: str) -> str:
    """Return a question for a word that several labels of the table contain: 法人 is not 企业法人 alone."""
    word = compared(entry)
    labels = [label for label in tables.TABLES[table].values() if len(word) > 1 and word in compared(label)]
    return f": which of {', '.join(labels[:8])}?" if labels else ""


def entries(value: Any, field: str, notes: Notes) -> list[str]:
    """Return the values of a list or of joined text; separators inside brackets do not count."""
    if isinstance(value, list):
        return [entry for entry in (text(entry, field, notes) for entry in value) if entry]
    content = text(value, field, notes)
    return [] if content is None else [term for term in terms(content, JOINTS) if not is_placeholder(term)]


def known_code(content: str, table: str) -> str | None:
    """Return the code for a code or a label, or None. `5` and `0005` find `005`; full-width digits find half-width."""
    folded = compared(content)
    known = tables.TABLES[table]
    if folded in known:
        return folded
    short = {code.lstrip("0"): code for code in known}
    if folded.isascii() and folded.isdigit() and folded.strip("0") and folded.lstrip("0") in short:
        return short[folded.lstrip("0")]
    labels = {compared(label): code for code, label in known.items()} | _folded(_OTHER_LABELS.get(table, {}))
    return labels.get(folded)


def task_type(value: Any, label: Any, dialect: str | None, notes: Notes) -> str | None:
    """Return the national 事项类型 for a dialect's code (domain 4.1) or a label.

    `label`: the file's own label, if any.
    """
    content = text(value, "task_type", notes) or text(label, "task_type", notes)
    if content is None:
        return None
    national = _national(compared(content), dialect) or tables.code_for("task_type", content)
    if national is None:
        notes.refuse("task_type", Rule.CODE_TABLE, f"not a 事项类型 in dialect {dialect or 'national'}", content)
        return None
    if content not in (national, tables.TASK_TYPE[national]):
        message = f"means {tables.TASK_TYPE[national]}, nationally {national}"
        notes.warn(WarningName.TYPE_DIALECT_MAPPED, "task_type", message, content)
    _compare_label(national, label, notes)
    return national


def _national(content: str, dialect: str | None) -> str | None:
    try:
        return tables.national_task_type(content, dialect)
    except ValueError:
        return None


def _compare_label(national: str, label: Any, notes: Notes) -> None:
    if isinstance(label, str) and label.strip() and compared(label) != tables.TASK_TYPE[national]:
        message = f"the row's label is not {tables.TASK_TYPE[national]}, the meaning of its code"
        notes.warn(WarningName.TYPE_LABEL_DIFFERS, "task_type", message, label)


def _folded(labels: Mapping[str, str]) -> dict[str, str]:
    return {compared(label): code for label, code in labels.items()}

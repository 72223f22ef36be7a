"""Rows of the national exchange (`up_task_*`: snake_case, and the camelCase of Chongqing) as items and guides.

Basic and extended part may be in one object, with children as arrays. A row without 实施编码 that has several 行使层级
or no 实施主体 is a row of `up_task_directory`. `cd_operation` D and `task_state` 2 or 3 withdraw the item.
"""

import re
from typing import Any

from services.importing.fields.assembly import assemble, directory_row
from services.importing.fields.cell_text import readable
from services.importing.fields.children import snake
from services.importing.fields.conversions import cleaned_text, is_placeholder, token
from services.importing.fields.flat_fields import KNOWN_FIELDS
from services.importing.fields.notes import Notes, Rule
from services.importing.row import Outcome, Row, WarningName

NAMES = {
    "task_code": "code",
    "cd_operation": "operation",
    "task_version": "version",
    "server_type": "serve_type",
    "item_source": "power_source",
    "wsfwsd": "online_handle_depth",
    "natural_theme_type": "user_topic_type",
    "legal_theme_type": "corp_topic_type",
    "item_conditions": "accept_condition",
    "material": "materials",
    "item_materials": "materials",
    "fee_project": "fees",
    "charges": "fees",
    "by_laws": "by_law",
    "lobbys": "windows",
    "activitys": "steps",
    "handle_flow": "steps",
    "transact_addr": "window_address",
    "transact_time": "window_hours",
    "traffic_guide": "window_traffic",
    "link_addr": "online_handle_url",
    "promise_explain": "time_limit_explain",
    "area_code": "region",
    "region_code": "region",
    "consult_phone": "link_way",
    "complain_phone": "supervise_way",
}
"""The exchange's names (after snake_case) → ours, where they differ."""

NOT_CARRIED = frozenset(
    {"row_guid", "local_catalog_code", "cd_time", "cd_batch", "data_source", "is_single_login", "app_is_single_login"}
    | {"anticipate_explain", "other_dept", "service_type", "limit_explain", "result_guid", "extend_field", "fee_basis"}
    | {"town_name", "town_code", "village_name", "village_code", "is_mail_material", "is_mail_result", "schedule_num"}
    | {"task_handle_item"}
)
"""Columns of the exchange that the contract has no field for, or that are read separately; they raise no warning."""


_EMPTY: tuple[Any, ...] = (None, "", [])
_KEYS = re.compile(r"(^|_)(guid|id|code|num|no|state)$")


def convert(row: Row) -> Outcome:
    """Convert one exchange row to an item with its guide, a withdrawal, a catalogue row, or violations.

    Never raises.
    """
    notes = Notes()
    given, columns = _named(readable(row.raw, notes), notes)
    notes.columns = columns
    _note_unknown(given, notes)
    situation = token(given.get("task_handle_item"), "task_handle_item", notes)
    if situation is None and given.get("code") is None and given.get("catalog_code") and not given.get("dept_code"):
        return directory_row(row, given, notes)
    if situation is not None and len(situation) != 31:
        _require_parent(situation, given, notes)
        given["code"], notes.columns = situation, columns | {"code": columns["task_handle_item"]}
    given["accept_condition"] = _joined(given.get("accept_condition"))
    given["time_limit_explain"] = _explained(given)
    return assemble(row, given, notes)


def _named(raw: dict[str, Any], notes: Notes) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values under our names, and each name's column in the row. The first column with a value counts."""
    given: dict[str, Any] = {}
    columns: dict[str, str] = {}
    for column, value in raw.items():
        ours = NAMES.get(snake(column), snake(column))
        if given.get(ours) in _EMPTY:
            given[ours], columns[ours] = value, column
        elif value not in _EMPTY and value != given[ours]:
            message = f"left out: {columns[ours]} states the same fact differently"
            notes.warn(WarningName.UNKNOWN_COLUMN, column, message, value)
    return given, columns


def _note_unknown(given: dict[str, Any], notes: Notes) -> None:
    for name, value in given.items():
        if name not in KNOWN_FIELDS and name not in NOT_CARRIED and value not in _EMPTY:
            notes.warn(WarningName.UNKNOWN_COLUMN, name, "unknown column, left out", value)


def _require_parent(situation: str, given: dict[str, Any], notes: Notes) -> None:
    parent = token(given.get("code"), "code", Notes())
    if parent is not None and parent not in (situation, situation[:31]):
        notes.refuse("task_handle_item", Rule.PATTERN, f"does not begin with the row's 实施编码 {parent}", situation)


def _joined(value: Any) -> Any:
    """Join a list of passages (strings, or objects with a text each) into one text, a line each; return others
    unchanged.
    """
    if not isinstance(value, list):
        return value
    passages = [_passage(entry) for entry in value]
    if not all(isinstance(passage, str) for passage in passages):
        return value
    return "\n".join(passage for passage in passages if passage.strip())


def _passage(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    told = [value for name, value in entry.items() if isinstance(value, str) and not _KEYS.search(snake(name))]
    return "\n".join(value for value in told if value.strip())


def _explained(given: dict[str, Any]) -> Any:
    """Join the explanations of both limits, the legal one's first, into one text."""
    legal, promise = given.get("anticipate_explain"), given.get("time_limit_explain")
    texts = [value for value in (legal, promise) if isinstance(value, str) and not is_placeholder(cleaned_text(value))]
    return "\n".join(dict.fromkeys(texts)) if len(texts) == 2 else promise or legal

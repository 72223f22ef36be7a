"""Our flat field names, each with the conversion of its foreign value: what one row states of an item and its guide.

The names are those of `contracts.content.items.Item` and `contracts.content.guides.Guide`, and `window_address`,
`window_no`, `window_hours`, `window_phone`, `window_traffic` for the one window of flat files.
"""

from collections.abc import Mapping
from typing import Any

from services.importing.fields.children import (
    FEE,
    MATERIAL,
    QUESTION,
    WINDOW,
    Converter,
    Shape,
    Values,
    children,
    legal_bases,
    steps,
)
from services.importing.fields.code_values import code_list, entries, one_code
from services.importing.fields.conversions import (
    compared,
    contact,
    day,
    days,
    handling_url,
    is_at_once,
    line,
    text,
    token,
    whole,
    yes_no,
)
from services.importing.fields.notes import Notes, Rule
from services.importing.row import WarningName

LONGEST_TERM = 100
FLAT_WINDOW = {
    "window_address": "address",
    "window_no": "window_no",
    "window_hours": "hours",
    "window_phone": "phone",
    "window_traffic": "traffic",
}


def item_values(given: Mapping[str, Any], notes: Notes) -> Values:
    """Return values for `Item` (except code, unit, level and type).

    What the row does not state is left out as unknown.
    """
    values = _converted(given, _ITEM, notes)
    for limit in ("anticipate", "promise"):
        values |= _limit(given, limit, notes)
    if is_at_once(given.get("promise_day")):
        values.setdefault("project_type", "1")  # The row says 即办, which is 即办件 (G-1); a mere 0 states no type.
    return values | _search_terms(values, notes)


def guide_values(given: Mapping[str, Any], notes: Notes) -> Values:
    """Return values for `Guide`; what the row does not state is left out as unknown."""
    window = {ours: given[name] for name, ours in FLAT_WINDOW.items() if given.get(name) is not None}
    several = given.get("windows") or []
    all_windows = [*(several if isinstance(several, list) else [several]), *([window] if window else [])]
    values = _converted({**given, "windows": all_windows}, _GUIDE, notes)
    return values | {"windows": [w for w in values.get("windows", []) if _has_address(w, notes)]}


def _converted(given: Mapping[str, Any], table: Mapping[str, Converter], notes: Notes) -> Values:
    made = {name: convert(given[name], name, notes) for name, convert in table.items() if given.get(name) is not None}
    return {name: value for name, value in made.items() if value is not None and (value or name not in _UNKNOWN_EMPTY)}


def _limit(given: Mapping[str, Any], limit: str, notes: Notes) -> Values:
    """Return `<limit>_day` and `<limit>_type`. The number may include its unit; a unit given twice must agree."""
    count, carried = days(given.get(f"{limit}_day"), f"{limit}_day", notes)
    unit = one_code(given.get(f"{limit}_type"), f"{limit}_type", "time_unit", notes)
    if carried and unit and carried != unit:
        notes.refuse(
            f"{limit}_type", Rule.DURATION, "the unit differs from the one in the number", given[f"{limit}_type"]
        )
        return {}
    if count is None:
        return {}
    if count and not (unit or carried):
        message = "a number without a unit (工作日 or 自然日): write 15个工作日, or fill in " + f"{limit}_type"
        notes.warn(WarningName.UNIT_UNKNOWN, f"{limit}_day", message, count)
    return {f"{limit}_day": count} | ({f"{limit}_type": unit or carried} if unit or carried else {})


def _search_terms(values: Values, notes: Notes) -> Values:
    """Return `short_name` and `keywords`, each once, without the item's name and without terms that are too long."""
    name = compared(values.get("task_name", ""))
    found: Values = {}
    if "short_name" in values:
        found["short_name"] = _fitting(values["short_name"], "short_name", notes)
    words = [_fitting(word, "keywords", notes) for word in values.get("keywords", [])]
    found["keywords"] = [word for word in words if word and compared(word) != name]
    return found


def _fitting(term: str, field: str, notes: Notes) -> str | None:
    if len(term) <= LONGEST_TERM:
        return term
    notes.warn(WarningName.TERM_TOO_LONG, field, f"longer than {LONGEST_TERM} characters, left out", term)
    return None


def _has_address(window: Values, notes: Notes) -> bool:
    if "address" not in window:
        message = "a window without an address, left out"
        notes.warn(WarningName.WINDOW_WITHOUT_ADDRESS, "windows", message, "; ".join(map(str, window.values())))
    return "address" in window


def _code(table: str) -> Converter:
    return lambda value, field, notes: one_code(value, field, table, notes)


def _codes(table: str, unknown: WarningName = WarningName.UNKNOWN_CODE) -> Converter:
    return lambda value, field, notes: code_list(value, field, table, notes, unknown)


def _list_of(shape: Shape) -> Converter:
    return lambda value, field, notes: children(value, field, shape, notes)


_ITEM: dict[str, Converter] = {
    "local_task_code": token,
    "task_name": line,
    "short_name": line,
    "keywords": entries,
    "by_law": legal_bases,
    "dept_name": line,
    "dept_type": _code("dept_type"),
    "power_source": _code("power_source"),
    "entrust_name": line,
    "serve_type": _codes("serve_type"),
    "project_type": _code("project_type"),
    "handle_type": _codes("handle_type"),
    "handle_area": _codes("handle_area"),
    "limit_scene_num": whole,
    "limit_scene_explain": text,
    "is_fee": yes_no,
    "is_entry_center": yes_no,
    "is_online": yes_no,
    "is_schedule": yes_no,
    "is_pay_online": yes_no,
    "is_express": yes_no,
    "is_service_terminals": yes_no,
    "online_handle_depth": _codes("online_handle_depth"),
    "online_handle_url": handling_url,
    "mobile_terminal_url": handling_url,
    "user_topic_type": _codes("user_topic_type", WarningName.UNKNOWN_THEME),
    "corp_topic_type": _codes("corp_topic_type", WarningName.UNKNOWN_THEME),
    "result_type": _code("result_type"),
    "result_name": line,
    "plan_effective_date": day,
    "plan_cancel_date": day,
}

_GUIDE: dict[str, Converter] = {
    "accept_condition": text,
    "materials": _list_of(MATERIAL),
    "steps": steps,
    "fees": _list_of(FEE),
    "windows": _list_of(WINDOW),
    "questions": _list_of(QUESTION),
    "special_procedure": text,
    "time_limit_explain": text,
    "link_way": contact,
    "supervise_way": contact,
    "remedy": text,
}

_UNKNOWN_EMPTY = frozenset({"handle_type", "online_handle_depth", "materials"})
"""Lists for which the contract has null (unknown). A row that leaves them blank has not stated that there is none."""

LIMITS = ("anticipate_day", "anticipate_type", "promise_day", "promise_type")
ITEM_FIELDS = frozenset({*_ITEM, *LIMITS, "code", "catalog_code", "task_type", "use_level", "dept_code"})
GUIDE_FIELDS = frozenset({*_GUIDE, *FLAT_WINDOW})
CONTROL_FIELDS = frozenset({"region", "task_state", "operation", "version", "catalog_name", "type_label"})
KNOWN_FIELDS = ITEM_FIELDS | GUIDE_FIELDS | CONTROL_FIELDS
"""Every name that a format may pass to `services.importing.fields.assembly`, and that a CSV mapping may fill."""

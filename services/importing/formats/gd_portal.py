"""Rows of the Guangdong portal (广东政务服务网: list entry and guide page in one object) as items and guides.

The list entry has upper-case names (TASK_CODE …), the guide page lower-case ones (matter_name …); "无" means no value.
Of a material it states only the name. It does not state 办理形式: a courier (是否支持物流快递) may deliver only the
result. Nor does it state whether the hall accepts an item: an address may be in the hall or not. A row may
have `is_entry_center` (是, 否) in addition to the portal's columns.

Not converted, because the contract has no field for it: `_id`, bear_paltform, co_department, online_book_addr,
TASK_TAG.
"""

import re
from typing import Any

from services.importing.fields.assembly import assemble
from services.importing.fields.cell_text import readable
from services.importing.fields.code_values import known_code
from services.importing.fields.conversions import (
    cleaned_text,
    compared,
    is_placeholder,
    line,
    parts,
    terms,
    token,
    whole,
)
from services.importing.fields.notes import Notes
from services.importing.row import Outcome, Row, WarningName

DIALECT = "guangdong"
NULL_WORDS = frozenset({"无"})
"""The portal writes 无 for any missing value, for materials in 1,033 of 1,600 rows: it does not mean that none are
needed.
"""

COLUMNS = {
    "code": "TASK_CODE",
    "dept_code": "ORGCODE",
    "catalog_code": "CATAID",
    "catalog_name": "subCatalogName",
    "task_name": "TASK_NAME",
    "task_type": "TASK_TYPE",
    "type_label": "TASK_TYPE_TEXT",
    "task_state": "TASK_STATE",
    "use_level": "matter_level",
    "region": "AREACODE",
    "dept_name": "DEPT_NAME",
    "serve_type": "service_object_name",
    "anticipate_day": "handle_time",
    "promise_day": "handle_time_limit",
    "limit_scene_num": "LIMIT_SCENE_NUM",
    "is_online": "ONLINECHECK",
    "online_handle_url": "URL",
    "is_schedule": "online_book",
    "accept_condition": "accept_standard",
    "materials": "material_intro",
    "is_entry_center": "is_entry_center",
    "link_way": "consult_phone",
    "supervise_way": "complain_phone",
}
"""Our field → the portal's column, for values that are not changed."""

_ALSO = {
    "local_task_code": "matter_code",
    "is_express": "courier_service",
    "short_name": "matter_short",
    "keywords": "matter_daily",
    "user_topic_type": "theme_category",
    "corp_topic_type": "theme_category",
    "windows": "handle_location",
    "anticipate_type": "handle_time",
    "promise_type": "handle_time_limit",
}
_ADDRESS_PREFIX = re.compile(r"^\s*办理地点\s*[：:]\s*")
_NO_WINDOW = "无线下办理窗口"
_PROSE = frozenset("，,；;、")


def convert(row: Row) -> Outcome:
    """Convert one portal row to an item with its guide and catalogue row, or to its violations. Never raises."""
    notes = Notes(COLUMNS | _ALSO, NULL_WORDS)
    raw = readable(row.raw, notes)
    given = {ours: raw.get(column) for ours, column in COLUMNS.items()}
    given |= _channels(raw, notes) | _words(raw, notes) | _themes(raw, notes)
    given["local_task_code"] = _other_code(raw, notes)
    _compare_names(raw, notes)
    _compare_visits(raw, notes)
    return assemble(row, given, notes, DIALECT)


def _channels(raw: dict[str, Any], notes: Notes) -> dict[str, Any]:
    address = _address(raw.get("handle_location"), notes)
    courier = raw.get("courier_service")
    if courier in ("不支持", "支持"):
        message = "public services say 支持/不支持 where powers say 是/否"
        notes.warn(WarningName.COURIER_WORD_MAPPED, "is_express", message, courier)
    return {"window_address": address, "is_express": courier}


def _address(value: Any, notes: Notes) -> str | None:
    if not isinstance(value, str):
        return line(value, "windows", notes)
    bare = _ADDRESS_PREFIX.sub("", cleaned_text(value))
    if bare == _NO_WINDOW or (is_placeholder(bare) and bare):
        notes.warn(WarningName.PLACEHOLDER_AS_NULL, "windows", "no window, read as no value", value)
        return None
    return bare or None


def _words(raw: dict[str, Any], notes: Notes) -> dict[str, Any]:
    """matter_short has one or several short names; matter_daily what people call it. All are search terms."""
    short = terms(line(raw.get("matter_short"), "short_name", notes) or "")
    daily = terms(line(raw.get("matter_daily"), "keywords", notes) or "", _PROSE)
    return {"short_name": short[0] if short else None, "keywords": list(dict.fromkeys([*short, *daily]))}


def _themes(raw: dict[str, Any], notes: Notes) -> dict[str, Any]:
    """Assign the labels of one list to two tables: each where it is known and the item has that audience (G-10)."""
    labels = parts(raw.get("theme_category"), "user_topic_type", notes)
    audience = set(parts(raw.get("service_object_name"), "serve_type", Notes()))
    natural, others = "自然人" in audience, bool(audience - {"自然人"})
    user, corp = [], []
    for label in labels:
        for_user, for_corp = known_code(label, "user_topic_type"), known_code(label, "corp_topic_type")
        if for_user is None and for_corp is None:
            notes.warn(WarningName.UNKNOWN_THEME, "user_topic_type", "in neither theme table, left out", label)
        user += [for_user] if for_user and (natural or not for_corp) else []
        corp += [for_corp] if for_corp and (others or not for_user) else []
    return {"user_topic_type": user, "corp_topic_type": corp}


def _other_code(raw: dict[str, Any], notes: Notes) -> str | None:
    """Return matter_code, which is the code of an earlier numbering; None if it is the item's own code."""
    other = token(raw.get("matter_code"), "local_task_code", notes)
    return None if other == raw.get("TASK_CODE") else other


def _compare_names(raw: dict[str, Any], notes: Notes) -> None:
    """Compare the list's name with the guide page's by the name rule of domain 3.3: name + "(" + situation + ")"."""
    listed, guide, situation = (raw.get(name) for name in ("TASK_NAME", "matter_name", "subTaskName"))
    if not (isinstance(listed, str) and isinstance(guide, str)) or listed == guide or is_placeholder(guide):
        return
    ruled = f"{guide}({situation})" if isinstance(situation, str) and not is_placeholder(situation) else guide
    if listed == ruled:
        notes.warn(WarningName.NAME_HAS_SITUATION, "task_name", "the guide's name plus the situation", situation)
    elif compared(listed) == compared(ruled):
        notes.warn(
            WarningName.NAME_NORMALISED, "task_name", "differs from the guide's name only in spaces or width", guide
        )
    else:
        notes.warn(WarningName.NAME_DIFFERS, "task_name", "the name differs from the guide's", guide)


def _compare_visits(raw: dict[str, Any], notes: Notes) -> None:
    listed, guide = (whole(raw.get(name), "limit_scene_num", Notes()) for name in ("LIMIT_SCENE_NUM", "visit_number"))
    if listed is not None and guide is not None and listed != guide:
        notes.warn(WarningName.VISITS_DIFFER, "limit_scene_num", "the number of visits differs from the guide's", guide)

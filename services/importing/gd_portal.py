"""Rows of the Guangdong portal (广东政务服务网: list entry and guide page in one object) as items and guides.

The list half has upper-case names (TASK_CODE …), the guide half lower-case ones (matter_name …); "无" means nothing.
Not carried, because the contract has no room for it: `_id`, bear_paltform, co_department, online_book_addr, TASK_TAG.
"""

import re
from typing import Any

from services.importing.assembly import assemble
from services.importing.conversions import cleaned_text, compared, is_placeholder, line, parts, terms, token, whole
from services.importing.notes import Notes
from services.importing.row import Outcome, Row, WarningName
from services.importing.tables import known_code

DIALECT = "guangdong"

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
    "link_way": "consult_phone",
    "supervise_way": "complain_phone",
}
"""Our field → the portal's column, where the value goes through unchanged."""

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
    """One portal row as an item with its guide and catalogue row, or every rule that it breaks. Never raises."""
    raw, notes = row.raw, Notes(COLUMNS | _ALSO)
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
    offered = (("1", address), ("2", _is_yes(raw.get("ONLINECHECK"))), ("3", _is_yes(courier)))
    return {
        "window_address": address,
        "is_entry_center": address is not None,
        "is_express": courier,
        "handle_type": [way for way, open_way in offered if open_way],
    }


def _address(value: Any, notes: Notes) -> str | None:
    if not isinstance(value, str):
        return line(value, "windows", notes)
    bare = _ADDRESS_PREFIX.sub("", cleaned_text(value))
    if bare == _NO_WINDOW or (is_placeholder(bare) and bare):
        notes.warn(WarningName.PLACEHOLDER_AS_NULL, "windows", "no window, read as no value", value)
        return None
    return bare or None


def _is_yes(value: Any) -> bool:
    return isinstance(value, str) and compared(value) in ("1", "是", "支持")


def _words(raw: dict[str, Any], notes: Notes) -> dict[str, Any]:
    """matter_short is a short name, or several; matter_daily what people say. All of it can be searched for."""
    short = terms(line(raw.get("matter_short"), "short_name", notes) or "")
    daily = terms(line(raw.get("matter_daily"), "keywords", notes) or "", _PROSE)
    return {"short_name": short[0] if short else None, "keywords": list(dict.fromkeys([*short, *daily]))}


def _themes(raw: dict[str, Any], notes: Notes) -> dict[str, Any]:
    """One list of labels for two tables: each goes where it is known, as far as the item has that audience (G-10)."""
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
    """matter_code is the code of an earlier numbering, or the item's own once more."""
    other = token(raw.get("matter_code"), "local_task_code", notes)
    return None if other == raw.get("TASK_CODE") else other


def _compare_names(raw: dict[str, Any], notes: Notes) -> None:
    """The list's name against the guide page's, after the name rule of domain 3.3: name + "(" + situation + ")"."""
    listed, guide, situation = (raw.get(name) for name in ("TASK_NAME", "matter_name", "subTaskName"))
    if not (isinstance(listed, str) and isinstance(guide, str)) or listed == guide or is_placeholder(guide):
        return
    ruled = f"{guide}({situation})" if isinstance(situation, str) and not is_placeholder(situation) else guide
    if listed == ruled:
        notes.warn(WarningName.NAME_HAS_SITUATION, "task_name", "the guide's name with the situation", situation)
    elif compared(listed) == compared(ruled):
        notes.warn(WarningName.NAME_NORMALISED, "task_name", "the guide's name but for spaces or width", guide)
    else:
        notes.warn(WarningName.NAME_DIFFERS, "task_name", "another name than the guide's", guide)


def _compare_visits(raw: dict[str, Any], notes: Notes) -> None:
    listed, guide = (whole(raw.get(name), "limit_scene_num", Notes()) for name in ("LIMIT_SCENE_NUM", "visit_number"))
    if listed is not None and guide is not None and listed != guide:
        notes.warn(WarningName.VISITS_DIFFER, "limit_scene_num", "another number of visits than the guide's", guide)

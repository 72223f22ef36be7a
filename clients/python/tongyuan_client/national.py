"""A county's items and guides as rows of the national exchange tables `up_task_<family>_*`.

Column names, and which of them are required, are those of the exchange tables as provinces run them. A fact that nobody
states is an empty cell; lists are joined by `^`. Families: `general` for 行政许可, 行政给付, 行政确认, 行政奖励,
行政裁决 and 其他行政权力, `public` for 公共服务. Powers that nobody applies for (处罚, 强制, 征收, 检查) have other
tables, which are not made here.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

Body = Mapping[str, Any]
Row = dict[str, str]

FAMILIES = {**dict.fromkeys(("01", "05", "07", "08", "09", "10"), "general"), "20": "public"}
IN_USE = "1"

OF_ITEM = (
    "catalog_code", "local_task_code", "task_name", "task_type", "power_source", "use_level", "dept_name", "dept_code",
    "dept_type", "entrust_name", "project_type", "handle_type", "anticipate_day", "anticipate_type", "promise_day",
    "promise_type", "limit_scene_num", "is_fee", "mobile_terminal_url", "plan_effective_date", "plan_cancel_date",
)  # fmt: skip
OF_GUIDE = ("accept_condition", "special_procedure", "link_way", "supervise_way")
EXTEND = (
    "is_entry_center", "handle_area", "limit_scene_explain", "result_type", "result_name", "is_schedule",
    "is_pay_online", "is_express", "is_service_terminals", "user_topic_type", "corp_topic_type", "is_online",
    "online_handle_depth", "online_handle_url",
)  # fmt: skip
MATERIAL = (
    "material_name", "material_type", "material_format", "is_need", "source_type", "source_explain", "fill_explain",
    "accept_stand",
)  # fmt: skip
FEE = ("fee_name", "fee_stand", "by_law", "is_desc", "desc_explain")
QUESTION = ("question", "answer")
CHILDREN = {"material": ("materials", MATERIAL), "fee_project": ("fees", FEE), "questions": ("questions", QUESTION)}

REQUIRED = {
    "basic": frozenset(
        {"catalog_code", "task_code", "task_name", "task_type", "by_law", "power_source", "use_level", "dept_name",
         "dept_code", "dept_type", "server_type", "project_type", "accept_condition", "handle_flow", "anticipate_day",
         "promise_day", "special_procedure", "limit_scene_num", "is_fee", "transact_addr", "transact_time", "link_way",
         "supervise_way"}
    ),
    "extend": frozenset({"is_entry_center", "result_type", "is_pay_online", "is_express", "is_online"}),
    "material": frozenset({"material_name", "is_need"}),
    "fee_project": frozenset({"fee_name", "fee_stand"}),
    "questions": frozenset({"question", "answer"}),
}  # fmt: skip
NOT_OF_PUBLIC = frozenset({"power_source", "anticipate_day", "promise_day"})
"""Required of the other families only."""


def row_guid(code: str, version: int) -> str:
    """Return the identifier of one version of one item: the same on every run, 32 hex digits."""
    return uuid5(NAMESPACE_URL, f"tongyuan:{code}/{version}").hex


def names_of(code: str) -> Row:
    """Return an item's codes: 实施编码 of 31 characters, and 业务办理项编码 of 33 where the item is one."""
    return {"task_code": code[:31], "task_handle_item": code if len(code) > len(code[:31]) else ""}


def rows_of(code: str, version: int, item: Body, guide: Body | None) -> Iterator[tuple[str, Row]]:
    """Yield `(table, row)` of one item with its guide; nothing for a family that is not made here."""
    family = FAMILIES.get(item["task_type"])
    if family is None:
        return
    told, named = guide or {}, {"task_guid": row_guid(code, version), "task_code": code[:31]}
    yield f"up_task_{family}_basic", _basic(code, version, item, told)
    yield f"up_task_{family}_extend", {**named, **_taken(item, EXTEND)}
    for table, (field, columns) in CHILDREN.items():
        for number, child in enumerate(told.get(field) or (), 1):
            row = {**named, "order_num": str(number), **_taken(child, columns)}
            if table == "material":
                row["page_num"] = _cell(child.get("copies"))
            yield f"up_task_{family}_{table}", row


def missing(table: str, row: Row) -> list[str]:
    """Return the required columns that nobody states, in alphabetical order."""
    _, _, family, part = table.split("_", 3)
    needed = REQUIRED[part] - (NOT_OF_PUBLIC if family == "public" else frozenset())
    return sorted(name for name in needed if not row[name])


def _basic(code: str, version: int, item: Body, guide: Body) -> Row:
    windows, fees = guide.get("windows") or (), guide.get("fees") or ()
    return {
        "row_guid": row_guid(code, version),
        **names_of(code),
        **_taken(item, OF_ITEM),
        "server_type": _cell(item.get("serve_type")),
        "by_law": "\n".join(map(_law, item.get("by_law") or ())),
        "task_state": IN_USE,
        "task_version": str(version),
        **_taken(guide, OF_GUIDE),
        "handle_flow": "\n".join(_step(number, one) for number, one in enumerate(guide.get("steps") or (), 1)),
        "promise_explain": _cell(guide.get("time_limit_explain")),
        "fee_basis": _once(one.get("by_law") for one in fees),
        "transact_addr": _once(one.get("address") for one in windows),
        "transact_time": _once(one.get("hours") for one in windows),
    }


def _taken(body: Body, names: Iterable[str]) -> Row:
    return {name: _cell(body.get(name)) for name in names}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return "^".join(map(_cell, value)) if isinstance(value, list) else str(value)


def _once(values: Iterable[str | None]) -> str:
    return "；".join(dict.fromkeys(value for value in values if value))


def _law(basis: Body) -> str:
    named = "".join(str(basis[name]) for name in ("document_no", "article") if basis.get(name))
    said = f"：{basis['content']}" if basis.get("content") else ""
    return f"《{str(basis['law_name']).strip('《》')}》{named}{said}"


def _step(number: int, step: Body) -> str:
    said = f"：{step['content']}" if step.get("content") else ""
    within = "" if step.get("day") is None else f"（{step['day']}个工作日）"
    return f"{number}. {step['name']}{within}{said}"

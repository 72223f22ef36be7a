"""The exchange tables `up_task_*` and `up_pro_*`: their columns, which are required, and how long they may be.

Source: domain reference, sections 5.1 to 5.5, which quotes the DDL of one provincial vendor. Columns of which the
reference does not know the length have none here. The types 02, 03, 04 and 06 have tables of their own whose columns
are not known, so no table of them is listed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

Row = dict[str, str | None]
"""One row: every value as text, as CSV has it. None is NULL, which means unknown."""

Tables = dict[str, list[Row]]
"""Rows by the name of their table."""

ENVELOPE = ("cd_operation", "cd_time", "cd_batch", "data_source")
FAMILIES = ("general", "public")
PUBLIC_SERVICE = "20"
FAMILY_OF_TYPE: Mapping[str, str] = {
    **dict.fromkeys(("01", "05", "07", "08", "09", "10"), "general"),
    PUBLIC_SERVICE: "public",
}
"""事项类型 → the family of tables of its items."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table. `required`: columns that may not be NULL there. `longest`: most characters by column."""

    name: str
    columns: tuple[str, ...]
    required: frozenset[str]
    longest: Mapping[str, int]


def _table(name: str, *columns: str) -> Table:
    """Build a table from columns written `name`, `name!` (required), `name:50` or `name!:50` (most characters)."""
    written = ("row_guid!:50", *columns, "cd_operation!:2", "cd_time!", "cd_batch!:32", "data_source!:3")
    parts = [column.partition(":") for column in written]
    names = tuple(word.rstrip("!") for word, _, _ in parts)
    required = frozenset(word.rstrip("!") for word, _, _ in parts if word.endswith("!"))
    return Table(name, names, required, {word.rstrip("!"): int(most) for word, _, most in parts if most})


def _basic(family: str) -> Table:
    limits = "" if family == "public" else "!"
    return _table(
        f"up_task_{family}_basic",
        *("catalog_code!:12", "local_catalog_code:50", "local_task_code:50", "task_code!:36", "task_handle_item:50"),
        *("task_name!:1000", "task_type!:2", "by_law!", f"power_source{limits}:2", "use_level!:11", "dept_name!:200"),
        *("dept_code!:50", "dept_type!:2", "entrust_name:100", "task_state!:2", "task_version!", "server_type!:32"),
        *("project_type!:2", "handle_type:5", "accept_condition!", "handle_flow!", f"anticipate_day{limits}"),
        *(f"anticipate_type{limits}:2", "anticipate_explain", f"promise_day{limits}", f"promise_type{limits}:2"),
        *("promise_explain", "special_procedure!:500", "limit_scene_num!", "is_fee!:2", "fee_basis"),
        *("transact_addr!:500", "transact_time!:500", "link_way!", "supervise_way!", "is_single_login!:2"),
        *("link_addr", "app_is_single_login!:2", "mobile_terminal_url", "plan_effective_date", "plan_cancel_date"),
    )


def _extend(family: str) -> Table:
    return _table(
        f"up_task_{family}_extend",
        *("task_guid!:50", "task_code!:36", "is_entry_center!", "handle_area", "other_dept", "service_type"),
        *("limit_explain", "result_type!", "result_name", "result_guid", "is_schedule", "is_pay_online!"),
        *("is_express!", "is_service_terminals", "user_topic_type", "corp_topic_type", "is_online!"),
        *("online_handle_depth", "online_handle_url", "limit_scene_explain"),
    )


CHILD = ("task_guid!:50", "task_code!:36", "order_num")


def _children(family: str) -> tuple[Table, ...]:
    return (
        _table(
            f"up_task_{family}_material",
            *(*CHILD, "material_name!", "material_type", "material_format", "is_need!", "form_guid", "example_guid"),
            *("source_type", "source_explain", "page_num", "page_format", "fill_explain", "accept_stand", "by_law"),
            "remark",
        ),
        _table(
            f"up_task_{family}_fee_project",
            *(*CHILD, "fee_name!", "fee_stand!", "by_law", "is_desc", "desc_explain"),
        ),
        _table(f"up_task_{family}_questions", *CHILD, "question!", "answer!"),
    )


_ITEMS = chain.from_iterable((_basic(one), _extend(one), *_children(one)) for one in FAMILIES)
_CASES = (
    _table(
        "up_pro_accept",
        *("project_no!:50", "task_code!:36", "task_handle_item:50", "catalog_code!:12", "task_name!:1000"),
        *("task_version!", "project_type!:2", "project_name", "apply_type!", "apply_date!", "accept_date!"),
        *("promise_date", "org_code!", "org_name!", "handle_user_name", "accept_doc_no", "applyer_name!"),
        *("applyer_type!", "applyer_page_type!", "applyer_page_code!", "legal", "contact_name", "contact_type"),
        *("contact_code", "contact_mobile", "address", "zip_code"),
    ),
    _table(
        "up_pro_process",
        *("project_no!:50", "event_name!", "process_name!", "handle_user_name!", "handle_explain!"),
        *("event_start_time!", "event_end_time!"),
    ),
    _table(
        "up_pro_special_procedure",
        *("project_no!:50", "special_type!", "special_name!", "special_reason!", "special_time!", "end_time!"),
        *("result", "special_explain", "applyer_user_name", "handle_user"),
    ),
    _table(
        "up_pro_result",
        *("project_no!:50", "result_type!", "result_date!", "result_explain", "result_cetr_name", "result_cetr_no"),
        *("is_delivery_results!", "satisfaction"),
    ),
)

STEPS = "ml_matter_process_link"
"""Steps of 办理流程: a table of one provincial platform, read and written beside `handle_flow`."""

_STEPS = _table(STEPS, *CHILD, "link_name!", "dept", "person", "handle_day", "handle_type", "is_special")

TABLES: Mapping[str, Table] = {one.name: one for one in (*_ITEMS, _STEPS, *_CASES)}
"""Every known table by its name."""

ITEM_TABLES = tuple(name for name in TABLES if not name.startswith("up_pro_"))
CASE_TABLES = tuple(name for name in TABLES if name.startswith("up_pro_"))

"""A released item with its guide as rows of `up_task_*`. Pure.

What the item does not state is NULL, in required columns, too. Lists are joined by `^`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from contracts.codes.identifiers import PARENT
from contracts.content.guides import Guide
from contracts.content.items import Item, LegalBasis
from services.exchange.refusals import Refusal
from services.exchange.tables.definitions import FAMILY_OF_TYPE, STEPS, TABLES, Row, Tables

IN_USE, CANCELLED = "1", "3"
WORKING_DAYS = "1"
JOIN = "^"


@dataclass(frozen=True, slots=True)
class Envelope:
    """The envelope of a batch: 同步时间, 批次 (at most 32 characters) and 数据来源 (at most 3)."""

    time: str
    batch: str
    source: str

    def around(self, operation: str) -> Row:
        """Return the envelope's columns. `operation`: I, U or D."""
        return {
            "cd_operation": operation,
            "cd_time": self.time,
            "cd_batch": self.batch,
            "data_source": self.source,
        }


@dataclass(frozen=True, slots=True)
class ReleasedItem:
    """What the county has released of one item. `version` counts the versions of item and guide together, so it grows
    with each release of either. `withdrawn`: the item is shown no more; `item` is what was released last.
    """

    item: Item
    guide: Guide | None
    version: int
    withdrawn: bool = False


def item_rows(released: ReleasedItem, envelope: Envelope) -> Tables:
    """Return the rows of one item by table. Raises `KeyError` for a type without tables: see `FAMILY_OF_TYPE`."""
    item = released.item
    family = FAMILY_OF_TYPE[item.task_type]
    guid = guid_of(item.code, released.version)
    operation = "D" if released.withdrawn else "I" if released.version == 1 else "U"
    sent = envelope.around(operation)
    basic = _filled(basic_name(item), {"row_guid": guid, **_basic(released), **sent})
    extend_guid = guid_of(item.code, released.version, "extend")
    extend = {"row_guid": extend_guid, "task_guid": guid, "task_code": item.code[PARENT], **_extend(item), **sent}
    tables: Tables = {
        basic_name(item): [basic],
        f"up_task_{family}_extend": [_filled(f"up_task_{family}_extend", extend)],
    }
    for table, children in _children(family, released.guide):
        tables[table] = [
            _filled(
                table,
                {
                    "row_guid": guid_of(item.code, released.version, table, number),
                    "task_guid": guid,
                    "task_code": item.code[PARENT],
                    "order_num": str(number),
                    **child,
                    **sent,
                },
            )
            for number, child in enumerate(children, start=1)
        ]
    return tables


def basic_name(item: Item) -> str:
    """Return the name of the basic table of the item's type. Raises `KeyError`."""
    return f"up_task_{FAMILY_OF_TYPE[item.task_type]}_basic"


def codes_of(code: str) -> Row:
    """Return 实施编码 (31 characters), and 业务办理项编码 (33) if the item is one."""
    return {"task_code": code[PARENT], "task_handle_item": code if len(code) > PARENT.stop else None}


def guid_of(*parts: object) -> str:
    """Return the same 36 characters for the same parts, so that a row sent again is known."""
    return str(uuid5(NAMESPACE_URL, "tongyuan:" + "/".join(map(str, parts))))


def too_long(tables: Tables) -> list[Refusal]:
    """Return the values that are longer than their column: nothing is cut."""
    found = []
    for name, rows in tables.items():
        for row in rows:
            for column, most in TABLES[name].longest.items():
                value = row.get(column) or ""
                if len(value) > most:
                    remedy = f"{len(value)} characters; the column takes {most}: shorten it at the source"
                    found.append(Refusal(name, row["row_guid"], column, "max-length", remedy, value[:100]))
    return found


def unstated(tables: Tables) -> list[str]:
    """Return `table.column` of every required column that is NULL, once each."""
    found = {
        f"{name}.{column}"
        for name, rows in tables.items()
        for row in rows
        for column in TABLES[name].required
        if row.get(column) is None
    }
    return sorted(found)


def _basic(released: ReleasedItem) -> Row:
    item, guide = released.item, released.guide
    return {
        "catalog_code": item.catalog_code,
        "local_task_code": item.local_task_code,
        **codes_of(item.code),
        "task_name": item.task_name,
        "task_type": item.task_type,
        "by_law": _lines(_law(one) for one in item.by_law),
        "power_source": item.power_source,
        "use_level": item.use_level,
        "dept_name": item.dept_name,
        "dept_code": item.dept_code,
        "dept_type": item.dept_type,
        "entrust_name": item.entrust_name,
        "task_state": CANCELLED if released.withdrawn else IN_USE,
        "task_version": str(released.version),
        "server_type": _list(item.serve_type),
        "project_type": item.project_type,
        "handle_type": _list(item.handle_type),
        "anticipate_day": _number(item.anticipate_day),
        "anticipate_type": item.anticipate_type,
        "promise_day": _number(item.promise_day),
        "promise_type": item.promise_type,
        "limit_scene_num": _number(item.limit_scene_num),
        "is_fee": _flag(item.is_fee),
        "mobile_terminal_url": item.mobile_terminal_url,
        "plan_effective_date": str(item.plan_effective_date) if item.plan_effective_date else None,
        "plan_cancel_date": str(item.plan_cancel_date) if item.plan_cancel_date else None,
        **(_of_guide(guide) if guide else {}),
    }


def _of_guide(guide: Guide) -> Row:
    return {
        "accept_condition": guide.accept_condition,
        "handle_flow": _flow(guide),
        "promise_explain": guide.time_limit_explain,
        "special_procedure": guide.special_procedure,
        "fee_basis": _lines(dict.fromkeys(fee.by_law for fee in guide.fees if fee.by_law)),
        "transact_addr": _lines(window.address for window in guide.windows),
        "transact_time": _lines(dict.fromkeys(window.hours for window in guide.windows if window.hours)),
        "link_way": guide.link_way,
        "supervise_way": guide.supervise_way,
    }


def _extend(item: Item) -> Row:
    return {
        "is_entry_center": _flag(item.is_entry_center),
        "handle_area": _list(item.handle_area),
        "result_type": item.result_type,
        "result_name": item.result_name,
        "is_schedule": _flag(item.is_schedule),
        "is_pay_online": _flag(item.is_pay_online),
        "is_express": _flag(item.is_express),
        "is_service_terminals": _flag(item.is_service_terminals),
        "user_topic_type": _list(item.user_topic_type),
        "corp_topic_type": _list(item.corp_topic_type),
        "is_online": _flag(item.is_online),
        "online_handle_depth": _list(item.online_handle_depth),
        "online_handle_url": item.online_handle_url,
        "limit_scene_explain": item.limit_scene_explain,
    }


def _children(family: str, guide: Guide | None) -> Iterable[tuple[str, list[Row]]]:
    if guide is None:
        return
    yield f"up_task_{family}_material", [_material(one) for one in guide.model_dump()["materials"] or ()]
    fees: list[Row] = [
        {
            "fee_name": fee.fee_name,
            "fee_stand": fee.fee_stand,
            "by_law": fee.by_law,
            "is_desc": _flag(fee.is_desc),
            "desc_explain": fee.desc_explain,
        }
        for fee in guide.fees
    ]
    yield f"up_task_{family}_fee_project", fees
    questions: list[Row] = [{"question": one.question, "answer": one.answer} for one in guide.questions]
    yield f"up_task_{family}_questions", questions
    steps: list[Row] = [
        {
            "link_name": step.name,
            "handle_day": _number(step.day),
            "handle_type": None if step.day is None else WORKING_DAYS,
        }
        for step in guide.steps
    ]
    yield STEPS, steps


def _material(material: dict[str, object]) -> Row:
    need = material["is_need"]
    same = ("material_name", "material_type", "material_format", "source_type", "source_explain", "fill_explain")
    row: Row = {name: None if material[name] is None else str(material[name]) for name in (*same, "accept_stand")}
    copies = material["copies"]
    return {
        **row,
        "is_need": None if need is None else _flag(bool(need)),
        "page_num": copies if copies is None else str(copies),
    }


def _law(basis: LegalBasis) -> str:
    """Write a legal basis as `《name》（number）article`, then its text unless that begins in the same way."""
    name = basis.law_name if basis.law_name.startswith("《") else f"《{basis.law_name}》"
    cited = f"{name}{f'（{basis.document_no}）' if basis.document_no else ''}{basis.article or ''}"
    if basis.content is None:
        return cited
    return basis.content if basis.content.startswith(name) else f"{cited}：{basis.content}"


def _flow(guide: Guide) -> str | None:
    """Write the steps with their texts, a line each: the table of steps has no column for a text."""
    return _lines(
        f"{n}.{step.name}{f'：{step.content}' if step.content else ''}" for n, step in enumerate(guide.steps, 1)
    )


def _filled(table: str, row: Row) -> Row:
    return {column: row.get(column) for column in TABLES[table].columns}


def _lines(texts: Iterable[str]) -> str | None:
    return "\n".join(texts) or None


def _list(codes: Sequence[str] | None) -> str | None:
    return JOIN.join(codes or ()) or None


def _number(value: int | None) -> str | None:
    return None if value is None else str(value)


def _flag(value: bool | None) -> str | None:
    return None if value is None else "1" if value else "0"

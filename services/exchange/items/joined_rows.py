"""Join rows of the tables `up_task_*` to one object per item, as the import format `up-task` reads it. Pure."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from services.exchange.refusals import TASK_GUID, Refusal
from services.exchange.tables.definitions import FAMILIES, STEPS, Row

Joined = dict[str, Any]
"""One item: the columns of basic and extended part, and its children as lists of objects."""


@dataclass
class Joining:
    """The items of the tables, in order of `task_code` and version, and the rows that belong to no item."""

    items: list[Joined] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


def join(tables: Mapping[str, Sequence[Row]], only: frozenset[str] | None = None) -> Joining:
    """Join the tables. `only`: take, and refuse, no other `row_guid` than these.

    The same row again is passed over. Two different rows of one `row_guid` are both refused: nothing says which counts.
    A child without its item is refused. Of two versions of one code both are returned; the import takes the newer.
    """
    done = Joining()
    steps = _by_item(tables.get(STEPS, ()))
    known: set[str] = set()
    for family in FAMILIES:
        basics = _distinct(f"up_task_{family}_basic", tables, done)
        wanted = {guid: row for guid, row in basics.items() if only is None or guid in only}
        known |= basics.keys()
        parts = _parts_of(family, tables, done, basics.keys())
        whole = {guid: row for guid, row in wanted.items() if guid not in parts.contradicted}
        done.items += [_joined(row, parts, steps, guid) for guid, row in whole.items()]
    done.refusals += [_orphan(STEPS, row) for guid, rows in steps.items() if guid not in known for row in rows]
    if only is not None:
        done.refusals = [one for one in done.refusals if one.row_guid in only]
    done.items.sort(key=lambda item: (str(item.get("task_code")), _number(item.get("task_version"))))
    return done


@dataclass(frozen=True)
class _Parts:
    extend: Mapping[str, Row]
    children: Mapping[str, Mapping[str, list[Row]]]
    contradicted: frozenset[str]


def _parts_of(family: str, tables: Mapping[str, Sequence[Row]], done: Joining, known: AbstractSet[str]) -> _Parts:
    """Return what belongs to the items `known`; note what belongs to none, and extended parts that contradict."""
    extended = f"up_task_{family}_extend"
    extend = _by_item(tables.get(extended, ()))
    contradicted = {guid for guid, rows in extend.items() if any(_content(row) != _content(rows[0]) for row in rows)}
    children: dict[str, Mapping[str, list[Row]]] = {}
    for ours, suffix in (("materials", "material"), ("fees", "fee_project"), ("questions", "questions")):
        table = f"up_task_{family}_{suffix}"
        children[ours] = _by_item(tables.get(table, ()))
        done.refusals += [
            _orphan(table, row) for guid, rows in children[ours].items() if guid not in known for row in rows
        ]
    done.refusals += [_orphan(extended, row) for guid, rows in extend.items() if guid not in known for row in rows]
    done.refusals += [_twice(extended, guid) for guid in sorted(contradicted & known)]
    return _Parts({guid: rows[0] for guid, rows in extend.items()}, children, frozenset(contradicted))


def _distinct(table: str, tables: Mapping[str, Sequence[Row]], done: Joining) -> dict[str, Row]:
    """Return the rows of a basic table by `row_guid`, without those that contradict one another."""
    found: dict[str, Row] = {}
    contradicted: set[str] = set()
    for row in tables.get(table, ()):
        guid = row.get("row_guid")
        if not guid:
            done.refusals.append(
                Refusal(table, None, "row_guid", "required", "state the row's row_guid", row.get("task_code"))
            )
        elif guid in found and _content(found[guid]) != _content(row):
            contradicted.add(guid)
        else:
            found[guid] = row
    done.refusals += [_twice(table, guid) for guid in sorted(contradicted)]
    return {guid: row for guid, row in found.items() if guid not in contradicted}


def _joined(row: Row, parts: _Parts, steps: Mapping[str, list[Row]], guid: str) -> Joined:
    joined: Joined = {**_content(parts.extend.get(guid, {})), **_content(row)}
    joined.pop("task_guid", None)
    joined |= {ours: [_content(one) for one in rows[guid]] for ours, rows in parts.children.items() if guid in rows}
    if guid in steps:
        joined["handle_flow"] = [_content(one) for one in steps[guid]]
    return joined


def _by_item(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return rows by the item that they belong to, each row once, in the order of `order_num`."""
    found: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: _number(row.get("order_num"))):
        alike = found.setdefault(row.get("task_guid") or "", [])
        if row not in alike:
            alike.append(row)
    return found


def _number(value: object) -> tuple[int, str]:
    text = str(value or "").strip()
    return (int(text), "") if text.isascii() and text.isdigit() else (0, text)


def _content(row: Row) -> Row:
    """Return what a row says, without when and in which batch it was sent."""
    return {name: value for name, value in row.items() if name not in ("cd_time", "cd_batch") and value}


def _orphan(table: str, row: Row) -> Refusal:
    remedy = "send the item's row in the basic table of the same batch, or remove this row"
    return Refusal(table, row.get("row_guid"), TASK_GUID, "item-missing", remedy, row.get("task_guid"))


def _twice(table: str, guid: str) -> Refusal:
    remedy = "send one row per row_guid: nothing says which of the different ones counts"
    return Refusal(table, guid, "row_guid", "unique", remedy, guid)

"""What goes up: rows of every item, and of every case if asked for, that changed since a position."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from contracts.base import Json
from services.exchange.cases.case_rows import case_rows, is_reportable
from services.exchange.items.item_rows import Envelope, ReleasedItem, guid_of, item_rows, too_long, unstated
from services.exchange.items.released_items import ReleasedItems, changes_after
from services.exchange.position import Position
from services.exchange.refusals import Refusal
from services.exchange.services_over_http import Services, pages
from services.exchange.tables.definitions import CASE_TABLES, FAMILY_OF_TYPE, ITEM_TABLES, Tables
from shared.errors import Refused

APPLICATIONS = "applications"
PAGE = 500


@dataclass
class Export:
    """The rows, a record per item or case; where the next export begins; rows refused; required columns that are NULL,
    each with the number of records.
    """

    records: list[Tables] = field(default_factory=list)
    position: Position = field(default_factory=Position)
    refusals: list[Refusal] = field(default_factory=list)
    unstated: Counter[str] = field(default_factory=Counter)

    def tables(self, *, cases: bool) -> Tables:
        """Return all rows by table; a table without rows is there, too, so that nobody misses its file."""
        found: Tables = {name: [] for name in (*ITEM_TABLES, *(CASE_TABLES if cases else ()))}
        for record in self.records:
            for name, rows in record.items():
                found[name] += rows
        return found


def export(services: Services, begin: Position, envelope: Envelope, now: datetime, *, cases: bool) -> Export:
    """Read what changed after `begin`. Raises `Refused`, `UpstreamDown`; then nothing is to be written."""
    changes = changes_after(services, begin.position)
    items = ReleasedItems(services, now)
    done, waiting = Export(), []
    for code in dict.fromkeys((*begin.waiting, *changes.codes)):
        released, waits = items.read(code)
        waiting += [code] if waits else []
        if released is not None:
            _add_item(done, released, envelope)
    if cases and changes.cases:
        _add_cases(done, services, items, changes.cases, envelope)
    done.position = Position(changes.position, tuple(waiting))
    return done


def _add_item(done: Export, released: ReleasedItem, envelope: Envelope) -> None:
    """Add an item's rows, or its refusal. A refused item goes up with its next version, when it was mended."""
    code, kind = released.item.code, released.item.task_type
    if kind not in FAMILY_OF_TYPE:
        remedy = f"the columns of the tables for 事项类型 {kind} are not known: report this item in another way"
        done.refusals.append(
            Refusal("up_task", guid_of(code, released.version), "task_type", "table-unknown", remedy, code)
        )
        return
    rows = item_rows(released, envelope)
    if refused := too_long(rows):
        done.refusals += refused
        return
    done.records.append(rows)
    done.unstated.update(unstated(rows))


def _add_cases(done: Export, services: Services, items: ReleasedItems, changed: set[str], envelope: Envelope) -> None:
    for case, shown in _with_items(_cases(services, changed), items):
        rows = case_rows(case, shown.item if shown else None, shown.version if shown else None, envelope)
        if rows:
            done.records.append(rows)
            done.unstated.update(unstated(rows))


def released_cases(services: Services, now: datetime) -> Iterator[tuple[Json, ReleasedItem | None]]:
    """Yield every released case in full, each with its item if that is shown. Raises `Refused`, `UpstreamDown`."""
    changed = changes_after(services, 0).cases
    return _with_items(_cases(services, changed), ReleasedItems(services, now))


def _with_items(cases: Iterator[Json], items: ReleasedItems) -> Iterator[tuple[Json, ReleasedItem | None]]:
    @cache
    def item_of(code: str) -> ReleasedItem | None:
        released = items.read(code)[0]
        return released if released is not None and not released.withdrawn else None

    for case in cases:
        yield case, item_of(case["item_code"])


def _cases(services: Services, changed: set[str]) -> Iterator[Json]:
    """Read the released cases among `changed`. The list does not say which they are, so every open case is read."""
    for summary in pages(services, APPLICATIONS, "applications", "applications", "project_no", PAGE):
        if summary["open"]:
            case: Json = services.get(APPLICATIONS, f"applications/{summary['project_no']}")
            if case["case_ref"] in changed and is_reportable(case):
                yield case


def require_envelope(envelope: Envelope) -> None:
    """Raises `Refused` for an envelope that its columns do not take."""
    if not 1 <= len(envelope.source) <= 3 or not 1 <= len(envelope.batch) <= 32:
        raise Refused("数据来源 has 1 to 3 characters and 批次 1 to 32: see --data-source and --batch")

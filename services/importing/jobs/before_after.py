"""The values of changed fields, before and after, for the person who reads a preview. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from contracts.base import Json
from contracts.content.guides import Guide
from contracts.content.items import Item
from services.importing.engine.import_run import PlannedRow
from services.importing.engine.results import RowFate

MOST_LISTED = 200
LONGEST_VALUE = 300
ITEM, GUIDE = "item", "guide"
_TITLES: dict[str, str] = {
    name: info.title or name for model in (Guide, Item) for name, info in model.model_fields.items()
}


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A row after which an item that is shown has other values. `stated`: what the row states of item and guide."""

    sheet: str
    number: int
    code: str
    fields: tuple[str, ...]
    emptied: frozenset[str]
    stated: Mapping[str, Json]


@dataclass
class ChangedRows:
    """The first changed rows of a plan, in the order of the file. `total`: how many there are."""

    total: int = 0
    rows: list[ChangedRow] = field(default_factory=list)

    def note(self, rows: Iterable[PlannedRow]) -> Iterable[PlannedRow]:
        """Yield the rows on; keep the changed ones."""
        for entry, result in rows:
            if result.fate in (RowFate.RELEASED, RowFate.SCHEDULED) and result.was_live and result.fields:
                self.total += 1
                stated = {ITEM: entry.item or {}, GUIDE: entry.guide or {}}
                place = (entry.sheet, entry.number or 0, entry.code)
                self.rows.append(ChangedRow(*place, tuple(result.fields), frozenset(result.emptied), stated))
                if len(self.rows) > 2 * MOST_LISTED:
                    self._shorten()
            yield entry, result
        self._shorten()

    def _shorten(self) -> None:
        self.rows.sort(key=lambda one: (one.sheet, one.number))
        del self.rows[MOST_LISTED:]


def field_changes(row: ChangedRow, shown: Mapping[str, Json | None]) -> list[Json]:
    """Return a line for each changed field: its title, its value now and as the row states it.

    `shown`: the bodies that are in force of item and guide, None if there is none. A value that the row does not state
    itself, such as one that an earlier import had filled in, is `null` after.
    """
    return [_line(name, row, shown) for name in row.fields]


def title_of(name: str) -> str:
    """Return the Chinese title of a field of an item or a guide."""
    return _TITLES.get(name, name)


def _line(name: str, row: ChangedRow, shown: Mapping[str, Json | None]) -> Json:
    part = ITEM if name in Item.model_fields and (name in row.stated[ITEM] or name not in Guide.model_fields) else GUIDE
    before = (shown[part] or {}).get(name)
    after = None if name in row.emptied else row.stated[part].get(name)
    told = {"field": name, "title": title_of(name), "before": _text(before), "after": _text(after)}
    return {**told, "emptied": name in row.emptied}


def _text(value: object) -> str | None:
    """Return a value as text for people; None for what is unknown or empty."""
    if value in (None, [], ""):
        return None
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        text = "；".join(filter(None, (_text(one) for one in value)))
    elif isinstance(value, dict):
        text = "，".join(filter(None, (_text(one) for one in value.values())))
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"

"""One row as it is sent: only the fields that it states of an item and its guide."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from contracts.base import Json
from contracts.content.guides import Guide
from contracts.content.items import Item
from services.importing.row import Accepted, RowState

START, END = "plan_effective_date", "plan_cancel_date"
_COUPLED = {"anticipate_day": "anticipate_type", "promise_day": "promise_type"}


@dataclass(frozen=True, slots=True)
class RowEntry:
    """What is sent of one accepted row. `number` is None for a code that a full list no longer contains."""

    number: int | None
    code: str
    version: int | None = None
    state: str | None = None
    item: Json | None = None
    guide: Json | None = None
    starts: str | None = None
    ends: str | None = None
    guessed: Json | None = None
    updates: bool = False
    sheet: str = ""

    @classmethod
    def of(cls, row: Accepted, *, empty_cells: bool) -> "RowEntry":
        """Make the entry of a row. `empty_cells`: a blank cell states that its field is empty."""
        item, guide = row.stated_item, row.stated_guide
        if empty_cells and item is not None and guide is not None:
            item = {**dict.fromkeys(_emptied(Item, row.blank)), **item}
            guide = {**dict.fromkeys(_emptied(Guide, row.blank)), **guide}
        guessed = row.directory.model_dump(mode="json") if row.directory and row.guessed else None
        starts, ends = ((item or {}).get(name) for name in (START, END))
        return cls(
            row.number, row.code, row.version, row.state, item, guide, starts, ends, guessed, row.updates, row.sheet
        )

    def drops(self, day: str) -> bool | None:
        """Return True if the row states that there is no such day, None otherwise."""
        stated = self.item or {}
        return True if day in stated and stated[day] is None else None

    @property
    def leaves(self) -> bool:
        """Whether the row withdraws or suspends the item."""
        return self.state in (RowState.SUSPENDED, RowState.WITHDRAWN)

    def for_catalog(self) -> Json:
        """Return the entry for catalog, see `shared.publishing.imports`."""
        return self._sent(self.item)

    def for_guides(self, identity: Json) -> Json:
        """Return the entry for guides. `identity`: code, name and unit of the item after the import."""
        return {**self._sent(self.guide), "identity": identity}

    def _sent(self, stated: Json | None) -> Json:
        sent = {
            "row": self.number,
            "code": self.code,
            "version": self.version,
            "state": self.state,
            "stated": stated,
            "starts": self.starts,
            "ends": self.ends,
            "drops_start": self.drops(START),
            "drops_end": self.drops(END),
        }
        return {name: value for name, value in sent.items() if value is not None}

    def packed(self) -> bytes:
        """Return the bytes for the spool."""
        return orjson.dumps(asdict(self))

    @classmethod
    def unpacked(cls, packed: bytes) -> "RowEntry":
        """Make the entry from the bytes of the spool."""
        return cls(**orjson.loads(packed))


def _emptied(model: type[Item | Guide], blank: Iterable[str]) -> list[str]:
    """Return the fields that blank cells empty, except required ones."""
    names = set(blank)
    names |= {"windows"} if "window_address" in names else set()
    names |= {unit for number, unit in _COUPLED.items() if number in names}
    fields: dict[str, Any] = model.model_fields
    return sorted(name for name in names if name in fields and not fields[name].is_required())

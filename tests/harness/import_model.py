"""A small model of imports: what a county must hold after any files and manual changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Fields = dict[str, int | str]


@dataclass(frozen=True)
class Said:
    """One row of a file. `fields` is None if it deletes."""

    code: str
    version: int | None = None
    fields: tuple[tuple[str, int | str], ...] | None = ()

    @property
    def stated(self) -> Fields:
        """The fields that it states."""
        return dict(self.fields or ())


@dataclass
class ModelItem:
    """The county's state of one code, and what the source last stated."""

    live: bool = False
    known: bool = False
    body: Fields = field(default_factory=dict)
    said: Fields = field(default_factory=dict)
    deleted: bool = False
    version: int | None = None


class ImportModel:
    """One county and one source."""

    def __init__(self) -> None:
        self.items: dict[str, ModelItem] = {}

    def bring(self, rows: Sequence[Said]) -> None:
        """Import one file."""
        for code in dict.fromkeys(row.code for row in rows):
            row = _last_word([one for one in rows if one.code == code])
            self._hear(self.items.setdefault(code, ModelItem()), row)

    def change_by_hand(self, code: str, name: str, value: int | str) -> None:
        """Change a shown field as an editor."""
        if self.shows(code):
            self.items[code].body[name] = value

    def withdraw_by_hand(self, code: str) -> None:
        """Withdraw an item as an editor."""
        if self.shows(code):
            self.items[code].live = False

    def shows(self, code: str) -> bool:
        """Whether the channels show it."""
        return code in self.items and self.items[code].live

    def shown(self) -> dict[str, Fields]:
        """Return what the channels show."""
        return {code: item.body for code, item in self.items.items() if item.live}

    def _hear(self, item: ModelItem, row: Said) -> None:
        if _older(row.version, item.version):
            return
        if row.fields is None:
            # A repeated deletion does not remove what somebody has restored since.
            if not (item.deleted and item.live):
                item.live = False
            item.deleted, item.version = True, _higher(row.version, item.version)
            return
        differs = any(item.said.get(name, value) != value for name, value in row.stated.items())
        if row.version is not None and row.version == item.version and differs and not item.deleted:
            return
        if item.known and not item.live and not item.deleted:
            return  # withdrawn by hand
        for name, value in row.stated.items():
            if not item.known or item.said.get(name) != value:
                item.body[name] = value
        item.said |= row.stated
        item.live, item.known, item.deleted = True, True, False
        item.version = _higher(row.version, item.version)


def _last_word(rows: Iterable[Said]) -> Said:
    """Return the row that counts of the rows of one code in one file."""
    counts: Said | None = None
    newest: int | None = None
    for row in rows:
        older = _older(row.version, newest)
        newest = _higher(row.version, newest)
        if older:
            continue
        newer = counts is not None and _older(counts.version, row.version)
        contradicts = (
            counts is not None and not newer and row.fields is not None and counts.fields is not None and row != counts
        )
        counts = counts if contradicts else row
    if counts is None:
        raise ValueError("no row")
    return counts


def _older(one: int | None, other: int | None) -> bool:
    return one is not None and other is not None and one < other


def _higher(one: int | None, other: int | None) -> int | None:
    return max((version for version in (one, other) if version is not None), default=None)

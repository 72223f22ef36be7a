"""The outcome of each entry of an import."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from contracts.base import Json
from contracts.codes.remedies import remedy
from shared.errors import Violation


class Fate(StrEnum):
    """The outcome of one entry. Each entry has exactly one."""

    RELEASED = "released"
    SCHEDULED = "scheduled"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    WITHDRAWN = "withdrawn"
    OVERTAKEN = "overtaken"
    OLDER = "older"
    REJECTED = "rejected"
    HELD = "held"


@dataclass
class EntryOutcome:
    """The fate of one entry, with everything that a report shows of it.

    `fields`     fields whose released value changes
    `kept`       fields changed by hand while the source said the same: they stay
    `overrides`  fields changed by hand that the source has changed, too: the source's value is taken
    `emptied`    fields that lose their value
    `corrected`  fields that only lose what an import of an earlier version filled in
    `unknown`    fields that nobody has stated, after the import
    `was_live`   the item was shown before
    `shared`     what a guide repeats of its item
    `on`         the item is released after the import, now or from a later moment
    `news`       the source says something that it has not said before
    `before`     the same file has been imported before, including this entry
    `waits`      refused because the item is live in its other form (C-9); the refusal is stored
    `refused`    codes of the other form that were refused before: with this withdrawal the item would be on no channel
    `held_for`   what a person must confirm first
    """

    index: int
    row: int | None
    code: str
    fate: Fate = Fate.UNCHANGED
    fields: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    overrides: list[str] = field(default_factory=list)
    emptied: list[str] = field(default_factory=list)
    corrected: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    was_live: bool = False
    on: bool = False
    shared: Json = field(default_factory=dict)
    news: bool = True
    before: bool = False
    waits: bool = False
    refused: list[str] = field(default_factory=list)
    held_for: str | None = None
    note: str | None = None


@dataclass
class Outcome:
    """What an import did, by entry and in total.

    `released`   versions released, at once or from a later moment
    `withdrawn`  versions that withdraw
    `unchanged`  entries that changed nothing and had no reason to
    `notice`     why it does not take effect yet
    `live`       how many items were released before
    `directory`  new or changed codes of the 基本目录 that were given
    """

    released: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    held: int = 0
    live: int = 0
    directory: list[str] = field(default_factory=list)
    notice: Json | None = None
    rejected: list[Json] = field(default_factory=list)
    warnings: list[Json] = field(default_factory=list)
    entries: list[EntryOutcome] = field(default_factory=list)

    @property
    def publishes(self) -> bool:
        """Whether anything was released or withdrawn."""
        return self.released + self.withdrawn > 0

    def reject(self, entry: EntryOutcome, reasons: Iterable[Violation]) -> None:
        """Reject an entry for breaking rules; nothing of it is taken."""
        entry.fate, entry.fields, entry.emptied, entry.overrides, entry.kept = Fate.REJECTED, [], [], [], []
        entry.corrected = []
        entry.on = entry.was_live
        self.rejected.extend(
            {
                "index": entry.index, "row": entry.row, "code": entry.code,
                "field": v.field, "rule": v.rule, "message": v.message, "value": v.value,
                "remedy": remedy(v.rule).en, "remedy_zh": remedy(v.rule).zh,
            }
            for v in reasons
        )  # fmt: skip

    def count(self) -> None:
        """Compute the totals once every entry has its fate."""
        fates = [entry.fate for entry in self.entries]
        self.unchanged = sum(fate in (Fate.UNCHANGED, Fate.KEPT, Fate.OLDER, Fate.OVERTAKEN) for fate in fates)
        self.held = fates.count(Fate.HELD)

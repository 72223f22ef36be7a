"""The outcome of each row. Every row has exactly one."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from contracts.base import Json
from shared.errors import Violation


class RowFate(StrEnum):
    """The outcome of one row."""

    RELEASED = "released"
    SCHEDULED = "scheduled"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    WITHDRAWN = "withdrawn"
    OVERTAKEN = "overtaken"
    OLDER = "older"
    REJECTED = "rejected"
    HELD = "held"
    NOT_REACHED = "not_reached"


WORDS = {
    RowFate.RELEASED: "released",
    RowFate.SCHEDULED: "scheduled",
    RowFate.UNCHANGED: "unchanged",
    RowFate.KEPT: "kept as changed manually",
    RowFate.WITHDRAWN: "withdrawn",
    RowFate.OVERTAKEN: "superseded in the file",
    RowFate.OLDER: "older than stored",
    RowFate.REJECTED: "rejected",
    RowFate.HELD: "held by the breaker",
    RowFate.NOT_REACHED: "not reached",
}
"""The outcomes in words."""


@dataclass
class Result:
    """The outcome of one row, with the details for the report. Fields of the item and of the guide are in one list.

    `changed`  the fields that were shown before with another value
    """

    number: int | None
    code: str | None
    fate: RowFate
    fields: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    overrides: list[str] = field(default_factory=list)
    emptied: list[str] = field(default_factory=list)
    corrected: list[str] = field(default_factory=list)
    reasons: list[Violation] = field(default_factory=list)
    note: str | None = None
    held_for: str | None = None
    before: bool = False
    was_live: bool = False
    changed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    versions: int = 0
    withdrawn_versions: int = 0
    unchanged_versions: int = 0
    news: bool = True
    waits: bool = False
    refused: list[str] = field(default_factory=list)
    sheet: str = ""

    def as_json(self) -> Json:
        """Return one line of the report file; empty values are left out."""
        told = {
            "sheet": self.sheet or None,
            "row": self.number, "code": self.code, "outcome": self.fate, "fields": self.fields, "kept": self.kept,
            "overrides": self.overrides, "emptied": self.emptied,
            "corrected": self.corrected, "note": self.note, "held_for": self.held_for,
            "before": self.before, "reasons": [_told(reason) for reason in self.reasons],
        }  # fmt: skip
        return {name: value for name, value in told.items() if value not in (None, [], False)}


def rejected(number: int | None, code: str | None, reasons: Iterable[Violation], sheet: str = "") -> Result:
    """Return the result of a row that breaks rules."""
    return Result(number, code, RowFate.REJECTED, reasons=list(reasons), news=False, sheet=sheet)


_STRONGEST = (RowFate.OLDER, RowFate.WITHDRAWN)
_WEAKER = (RowFate.KEPT, RowFate.UNCHANGED)


def joined(item: Json, guide: Json | None, reasons: Iterable[Violation]) -> Result:
    """Join the outcomes of one entry at catalog (`item`) and guides (`guide`) into one result."""
    both = [item] if guide is None else [item, guide]
    result = Result(
        number=item["row"],
        code=item["code"],
        fate=_fate(RowFate(item["fate"]), RowFate(guide["fate"]) if guide else None),
        reasons=list(reasons),
        note=item["note"],
        before=all(one["before"] for one in both),
        was_live=item["was_live"],
        # A new guide of a live item is no change: an import that died between item and guide continues like this.
        changed=[name for one in both if one["was_live"] for name in one["fields"]],
        unknown=[name for one in both for name in one["unknown"]],
        versions=sum(one["fate"] in (RowFate.RELEASED, RowFate.SCHEDULED) for one in both),
        withdrawn_versions=sum(one["fate"] == RowFate.WITHDRAWN for one in both),
        unchanged_versions=sum(one["fate"] in _WEAKER and one["on"] for one in both),
        news=any(one["news"] for one in both),
        waits=item["waits"],
        refused=item["refused"],
    )
    for name in ("fields", "kept", "overrides", "emptied", "corrected"):
        setattr(result, name, sorted({field for one in both for field in one[name]}))
    return result


def _fate(item: RowFate, guide: RowFate | None) -> RowFate:
    fates = [item] if guide is None else [item, guide]
    if RowFate.REJECTED in fates:
        return RowFate.REJECTED
    if item in _STRONGEST:
        return item
    if RowFate.SCHEDULED in fates and item != RowFate.RELEASED:
        return RowFate.SCHEDULED
    # Withdrawing an empty guide of an earlier import is a release for the item, which stays.
    if RowFate.RELEASED in fates or guide == RowFate.WITHDRAWN:
        return RowFate.RELEASED
    return RowFate.KEPT if RowFate.KEPT in fates else RowFate.UNCHANGED


def _told(reason: Violation) -> Json:
    return {"field": reason.field, "rule": reason.rule, "message": reason.message, "value": reason.value}

"""The figures of an import: what becomes of the county's items. A preview and the import after it have the same."""

from collections.abc import Iterable
from dataclasses import dataclass

from contracts.base import Json
from services.importing.engine.results import Result, RowFate

LISTED = 200
_COMES = frozenset({RowFate.RELEASED, RowFate.SCHEDULED})
_UNTOUCHED = frozenset({RowFate.UNCHANGED, RowFate.KEPT, RowFate.OVERTAKEN, RowFate.OLDER})


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers of rows. Every row counts once, except that `emptied` is a part of `changed`.

    `new`        not shown before, will be (also from a later day)
    `changed`    shown before, with another value in some field
    `emptied`    among these, rows after which a field has lost its value
    `withdrawn`  leaves every channel
    `untouched`  changes nothing, also because a later row or an editor's change counts
    `rejected`, `held`, `not_reached`  see `RowFate`
    `missing`    items that a full list no longer contains, whether withdrawn or not
    """

    new: int = 0
    changed: int = 0
    emptied: int = 0
    withdrawn: int = 0
    untouched: int = 0
    rejected: int = 0
    held: int = 0
    not_reached: int = 0
    missing: int = 0


def figures(results: Iterable[Result], not_reached: int, missing: int) -> Figures:
    """Return the figures of the rows' results."""
    some = list(results)
    return Figures(
        new=sum(_is_new(one) for one in some),
        changed=sum(_is_changed(one) for one in some),
        emptied=sum(_is_changed(one) and bool(one.emptied) for one in some),
        withdrawn=sum(one.fate == RowFate.WITHDRAWN for one in some),
        untouched=sum(one.fate in _UNTOUCHED for one in some),
        rejected=sum(one.fate == RowFate.REJECTED for one in some),
        held=sum(one.fate == RowFate.HELD for one in some),
        not_reached=not_reached,
        missing=missing,
    )


def changes(results: Iterable[Result]) -> list[Json]:
    """Return the first changed rows with the fields that change and those that lose their value, in file order."""
    some = sorted((one for one in results if _is_changed(one)), key=lambda one: (one.sheet, one.number or 0))
    return [
        {"sheet": one.sheet, "row": one.number, "code": one.code, "fields": one.fields, "emptied": one.emptied}
        for one in some[:LISTED]
    ]


def _is_new(result: Result) -> bool:
    return result.fate in _COMES and not result.was_live


def _is_changed(result: Result) -> bool:
    return result.fate in _COMES and result.was_live

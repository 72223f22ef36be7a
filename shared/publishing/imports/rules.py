"""What a service defines about the bodies it owns, for judging imports."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from contracts.base import Json


def _nothing(_body: Json) -> list[str]:
    return []


def _nothing_taken_back(_before: Json, _after: Json) -> list[str]:
    return []


def _never(_body: Json) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class BodyRules:
    """Rules of one service's bodies.

    `identity`  fields given by the code itself, so that no row need state them
    `complete`  a whole body in its canonical form; raises `Invalid`
    `shared`    fields that another body of the same code repeats; they are part of the answer
    `unknown`   fields of a body that nobody has stated
    `filled_in` fields that an import of an earlier version may have filled in without a statement
    `doubtful`  lists whose elements may contain facts that such an import filled in
    `corrected` fields whose change only removes what such an import filled in
    `is_empty`  whether a body states nothing
    `ends`      the day on which a body is to be withdrawn (计划取消日期), as it says itself; None if bodies have none
    `bare`      fields that alone do not make a body
    `listing`   fields of a row that lists the item itself, rather than only adding details
    """

    identity: Callable[[str], Json]
    complete: Callable[[Json], Json]
    ends: Callable[[Json], date | None] | None = None
    bare: frozenset[str] = frozenset()
    listing: frozenset[str] = frozenset()
    shared: tuple[str, ...] = ()
    unknown: Callable[[Json], list[str]] = _nothing
    filled_in: Callable[[Json], list[str]] = _nothing
    doubtful: Callable[[Json], list[str]] = _nothing
    corrected: Callable[[Json, Json], list[str]] = _nothing_taken_back
    is_empty: Callable[[Json], bool] = _never

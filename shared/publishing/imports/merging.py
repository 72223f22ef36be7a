"""Three-way merge of what the source said last, what it says now, and what is released. Pure.

said before   says now   released        becomes
-----------   --------   --------        -------
A             A          A               A    nothing to do
A             A          B (by hand)     B    kept: the source has said nothing new
A             C          A               C    the source has changed it
A             C          B (by hand)     C    the source has changed it; reported, as it overrides a change by hand
nothing       C          anything        C
anything      nothing    anything        as it is: absence states nothing
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.base import Json

COUPLED: Mapping[str, str] = {"anticipate_day": "anticipate_type", "promise_day": "promise_type"}
"""A number and its unit are kept or taken together.

A new number without a unit does not inherit the old number's unit.
"""


@dataclass(frozen=True, slots=True)
class Merged:
    """The resulting body, and what happened to its fields.

    `corrected`  fields that only lose what an import of an earlier version filled in
    """

    body: Json
    fields: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    overrides: list[str] = field(default_factory=list)
    emptied: list[str] = field(default_factory=list)
    corrected: list[str] = field(default_factory=list)


def merge(
    said: Mapping[str, Any],
    says: Mapping[str, Any],
    released: Mapping[str, Any],
    shown: Mapping[str, Any] | None = None,
    taken: Mapping[str, Any] | None = None,
) -> Merged:
    """Merge what the source says into what is released. `says`: a field that is null is stated to be empty.

    `shown`: what changes are counted against, if not `released`. `taken`: the values to write, if not those of `says`.
    """
    body, kept, overrides = dict(released), list[str](), list[str]()
    repeated = {name for name, value in says.items() if name in said and same(said[name], value)}
    for couple in COUPLED.items():
        # 12工作日 is one statement: a new number brings its unit, whatever was changed by hand.
        if any(name in says and name not in repeated for name in couple):
            repeated -= set(couple)
    for name, value in says.items():
        current = released.get(name)
        if name in repeated:
            if not same(current, value):
                kept.append(name)
            continue
        body[name] = value if taken is None else taken[name]
        if name in said and not same(current, said[name]) and not same(current, body[name]):
            overrides.append(name)
    for number, unit in COUPLED.items():
        if number in body and unit not in says and not same(body[number], released.get(number)):
            body[unit] = None
    body = {name: value for name, value in body.items() if value is not None}
    before = released if shown is None else shown
    names = sorted(body.keys() | before.keys())
    fields = [name for name in names if not same(body.get(name), before.get(name))]
    emptied = [name for name in fields if is_empty(body.get(name)) and not is_empty(released.get(name))]
    return Merged(body, fields, sorted(kept), sorted(overrides), emptied)


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal; true is not 1."""
    return type(one) is type(other) and bool(one == other)


def is_empty(value: Any) -> bool:
    """Whether a field has no value. False and 0 are values."""
    return value is None or value in ("", [])

"""Facts of an item or a guide that nobody has stated; and facts that earlier imports filled in without a statement.

Imports of earlier versions filled in what a file did not say. `suspect_item` and `suspect_guide` recognise the pattern
of these values in imported releases; they cannot tell whether the file happened to state the same.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from contracts.content.guides import Fee, Guide, Material
from contracts.content.items import Item

ITEM_FACTS = (
    "dept_type", "serve_type", "project_type", "handle_type", "limit_scene_num", "is_fee", "is_entry_center",
    "is_online", "is_schedule", "is_pay_online", "is_express", "is_service_terminals", "online_handle_depth",
)  # fmt: skip
MATERIAL_FACTS = ("is_need", "tolerable", "material_type", "material_format", "copies", "source_type")
FEE_FACTS = ("is_desc",)
GUIDE_CONTENT = (
    "accept_condition", "materials", "steps", "fees", "windows", "questions", "special_procedure",
    "time_limit_explain", "link_way", "supervise_way", "remedy",
)  # fmt: skip
"""What a guide says besides its name, its unit and its legal basis, which it shares with the item."""

HALL = "is_entry_center"
GUIDE = "guide"
"""The field name reported for a guide without any content."""

_LIMITS = ("anticipate", "promise")
_FILLED_IN_ITEM: Mapping[str, Any] = {
    "dept_type": "1",
    "project_type": "2",
    "is_online": False,
    "is_schedule": False,
    "is_pay_online": False,
    "is_express": False,
    "is_service_terminals": False,
}
_FILLED_IN_MATERIAL: Mapping[str, Any] = {
    "is_need": True,
    "tolerable": False,
    "material_type": "1",
    "material_format": "3",
    "copies": 1,
    "source_type": "10",
}


def unknown_of_item(item: Item) -> list[str]:
    """Return the fields of `item` that nobody has stated, and the missing units of its time limits."""
    found = [name for name in ITEM_FACTS if _is_unknown(getattr(item, name))]
    if item.is_online is False and "online_handle_depth" in found:
        found.remove("online_handle_depth")
    return found + [f"{limit}_type" for limit in _LIMITS if lacks_unit(item, limit)]


def unknown_of_guide(guide: Guide) -> list[str]:
    """Return the same for a guide: `materials` as a whole, or `materials.copies` if some material lacks it."""
    found = ["materials"] if guide.materials is None else []
    found += [f"materials.{name}" for name in _unknown_of_any(guide.materials or (), MATERIAL_FACTS)]
    return found + [f"fees.{name}" for name in _unknown_of_any(guide.fees, FEE_FACTS)]


def lacks_unit(item: Item, limit: str) -> bool:
    """Whether the time limit `anticipate` or `promise` is a number without a unit. Zero needs no unit."""
    return bool(getattr(item, f"{limit}_day")) and getattr(item, f"{limit}_type") is None


def is_empty(guide: Guide) -> bool:
    """Whether a guide says nothing beyond its item."""
    return not any(getattr(guide, name) for name in GUIDE_CONTENT)


def suspect_item(item: Item) -> list[str]:
    """Return the fields that an earlier import may have filled in.

    Any unknown fact shows that a later one made this body.
    """
    if any(getattr(item, name) is None for name in (*_FILLED_IN_ITEM, HALL)):
        return []
    found = [name for name, value in _FILLED_IN_ITEM.items() if getattr(item, name) == value]
    return [*found, HALL]


def suspect_guide(guide: Guide) -> list[str]:
    """Return the same for a guide: facts of materials that were bare names, or `guide` if it has no content."""
    if is_empty(guide):
        return [GUIDE]
    filled_in = any(_is_filled_in(material) for material in guide.materials or ())
    if not filled_in:
        return []
    fees = ["fees.is_desc"] if any(_is_bare(fee) for fee in guide.fees) else []
    return [*(f"materials.{name}" for name in MATERIAL_FACTS), *fees]


def corrected_item(before: Item, after: Item) -> list[str]:
    """Return the fields in which `after` only removes what an earlier import may have filled in."""
    return [name for name in suspect_item(before) if getattr(after, name) is None]


def corrected_guide(before: Guide, after: Guide) -> list[str]:
    """Return the same for a guide: `materials` and `fees`, if only such facts became unknown."""
    parts: dict[str, tuple[str, ...]] = {"materials": MATERIAL_FACTS, "fees": FEE_FACTS}
    return [
        name
        for name, facts in parts.items()
        if getattr(before, name) != getattr(after, name)
        and _taken_back(getattr(before, name), getattr(after, name), facts)
    ]


def _taken_back(before: Any, after: Any, facts: tuple[str, ...]) -> bool:
    if len(before or ()) != len(after or ()):
        return False
    for one, other in zip(before or (), after or (), strict=True):
        unknown = dict.fromkeys((name for name in facts if getattr(other, name) is None), None)
        if one.model_copy(update=unknown) != other:
            return False
    return True


def _is_filled_in(material: Material) -> bool:
    return all(getattr(material, name) == value for name, value in _FILLED_IN_MATERIAL.items())


def _is_bare(fee: Fee) -> bool:
    return fee.is_desc is False and fee.desc_explain is None


def _is_unknown(value: Any) -> bool:
    return value is None or value == []


def _unknown_of_any(parts: Any, names: tuple[str, ...]) -> Iterator[str]:
    given: list[BaseModel] = list(parts)
    yield from (name for name in names if any(_is_unknown(getattr(part, name)) for part in given))

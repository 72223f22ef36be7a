"""What a subscription wants: filters in the dialects of CloudEvents Subscriptions. Pure.

    {"exact": {"kind": "item"}}   {"prefix": {"department": "1144"}}   {"any": [...]}   {"all": [...]}   {"not": {...}}

Attributes: `kind`, `op`, `type`, `key`, `item` (the 实施编码 of items and guides), `department` (its 实施主体编码).
An attribute that an event lacks matches neither `exact` nor `prefix`. An empty list of filters takes everything.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.errors import Invalid, Violation

ATTRIBUTES = ("department", "item", "key", "kind", "op", "type")
MOST_PARTS = 200
DEEPEST = 5
LONGEST_VALUE = 160

Filter = Mapping[str, Any]
Attributes = Mapping[str, str | None]


def matches(filters: Sequence[Filter], event: Attributes) -> bool:
    """Whether an event with these attributes is wanted by all of the filters."""
    return all(_matches(one, event) for one in filters)


def _matches(one: Filter, event: Attributes) -> bool:
    ((dialect, content),) = one.items()
    if dialect == "any":
        return any(_matches(inner, event) for inner in content)
    if dialect == "all":
        return all(_matches(inner, event) for inner in content)
    if dialect == "not":
        return not _matches(content, event)
    if dialect == "exact":
        return all(event.get(name) == value for name, value in content.items())
    return all((event.get(name) or "").startswith(value) for name, value in content.items())


def require_filters(content: Any) -> list[dict[str, Any]]:
    """Return the filters. Raises `Invalid` with place, rule and remedy for anything else."""
    if not isinstance(content, list):
        raise _wrong("filters", "form", "应为过滤条件的列表，全部收取写 [] (must be a list of filters; [] takes all)")
    left = [MOST_PARTS]
    for number, one in enumerate(content):
        _require(one, f"filters.{number}", DEEPEST, left)
    return content


def _require(one: Any, place: str, depth: int, left: list[int]) -> None:
    left[0] -= 1
    if left[0] < 0 or depth < 0:
        raise _wrong(
            place,
            "size",
            f"最多 {MOST_PARTS} 个条件、{DEEPEST} 层 (at most {MOST_PARTS} parts, nested at most {DEEPEST} deep)",
        )
    if not isinstance(one, dict) or len(one) != 1:
        raise _wrong(
            place, "form", "应为对象，含 exact、prefix、any、all、not 之一 (must be an object with one of them)"
        )
    ((dialect, content),) = one.items()
    if dialect in ("any", "all"):
        if not isinstance(content, list) or not content:
            raise _wrong(f"{place}.{dialect}", "form", "应为至少一个条件的列表 (must be a list of at least one filter)")
        for number, inner in enumerate(content):
            _require(inner, f"{place}.{dialect}.{number}", depth - 1, left)
    elif dialect == "not":
        _require(content, f"{place}.not", depth - 1, left)
    elif dialect in ("exact", "prefix"):
        _require_values(content, f"{place}.{dialect}")
    else:
        raise _wrong(place, "dialect", "只能用 exact、prefix、any、all、not (knows only these)")


def _require_values(content: Any, place: str) -> None:
    if not isinstance(content, dict) or not content:
        raise _wrong(place, "form", '应写属性和值，如 {"kind": "item"} (must name attributes and values)')
    for name, value in content.items():
        if name not in ATTRIBUTES:
            raise _wrong(place, "attribute", f"属性只有 {'、'.join(ATTRIBUTES)} (knows only these attributes)")
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST_VALUE:
            raise _wrong(
                f"{place}.{name}",
                "value",
                f"应为 1 到 {LONGEST_VALUE} 个字 (must be a text of 1 to {LONGEST_VALUE} characters)",
            )


def _wrong(place: str, rule: str, message: str) -> Invalid:
    return Invalid(Violation(place, rule, message))

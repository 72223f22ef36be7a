"""Where a content block's value stands in a document, and the document with another value in its place. Pure."""

import re
from collections.abc import Iterator
from typing import Any

from contracts.base import Json
from contracts.content import figures
from services.console.content.shape import ContentKind, FieldKind, FieldShape, shape_of

SHORTEST_VALUE = 3
"""A shorter value, such as 元, stands in places that have nothing to do with each other."""
NEVER = frozenset({"code", "catalog_code", "local_task_code", "dept_code", "by_law"})
"""Identifiers, and the words of laws."""
WORDS = frozenset({FieldKind.TEXT, FieldKind.LONG_TEXT})


def uses(kind: ContentKind, body: Json, value: str) -> list[str]:
    """Return the paths of the fields that hold the value."""
    pattern = _pattern(value)
    return [path for path, text in _texts(kind, body) if pattern.search(text)]


def with_value(kind: ContentKind, body: Json, old: str, new: str) -> Json:
    """Return the body with another value wherever the old one stands.

    The amount of a fee follows the words of its standard if it said the same before: a new standard beside the old
    amount would be two fees.
    """
    pattern = _pattern(old)

    def replaced(value: Any) -> Any:
        return pattern.sub(lambda _: new, value) if isinstance(value, str) else value

    made = dict(body)
    for field in _written(kind):
        value = body.get(field.name)
        if field.kind is FieldKind.PARTS and isinstance(value, list):
            names = {part.name for part in field.parts if part.kind in WORDS}
            made[field.name] = [_with_amount(part, {**part, **_only(part, names, replaced)}) for part in value]
        elif isinstance(value, str):
            made[field.name] = replaced(value)
    return made


def _only(part: Json, names: set[str], change: Any) -> Json:
    return {name: change(value) for name, value in part.items() if name in names}


def _with_amount(before: Json, after: Json) -> Json:
    stands = before.get("fee_stand"), after.get("fee_stand")
    if not isinstance(stands[0], str) or not isinstance(stands[1], str) or stands[0] == stands[1]:
        return after
    said = figures.amount(stands[0]).value
    if said is None or said != before.get("amount_fen"):
        return after
    return {**after, "amount_fen": figures.amount(stands[1]).value}


def _texts(kind: ContentKind, body: Json) -> Iterator[tuple[str, str]]:
    for field in _written(kind):
        value = body.get(field.name)
        if isinstance(value, str):
            yield field.name, value
        for index, part in enumerate(value if field.kind is FieldKind.PARTS and isinstance(value, list) else ()):
            for inner in field.parts:
                if inner.kind in WORDS and isinstance(part.get(inner.name), str):
                    yield f"{field.name}.{index}.{inner.name}", part[inner.name]


def _written(kind: ContentKind) -> Iterator[FieldShape]:
    shape = shape_of(kind).values()
    return (field for field in shape if field.name not in NEVER and field.kind in (*WORDS, FieldKind.PARTS))


def _pattern(value: str) -> re.Pattern[str]:
    """A number is not found inside a longer number."""
    before = r"(?<!\d)" if value[:1].isdigit() else ""
    after = r"(?!\d)" if value[-1:].isdigit() else ""
    return re.compile(f"{before}{re.escape(value)}{after}")

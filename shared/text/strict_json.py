"""Strict JSON parsing: limited depth, no repeated names, no lone surrogates; errors name the field."""

import json
from typing import Any

import orjson

from shared.errors import Invalid, Violation

MAX_DEPTH = 32
SHOWN = 40


def parse_json(raw: bytes) -> Any:
    """Parse `raw`. Raises `Invalid` naming the field `body`, or the name that is repeated."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Invalid(Violation("body", "json", f"is not JSON: {error}")) from None
    if _depth(value, MAX_DEPTH) < 0:
        raise Invalid(Violation("body", "depth", f"is nested deeper than {MAX_DEPTH} levels"))
    _require_each_name_once(raw)
    return value


def _depth(value: Any, left: int) -> int:
    if left < 0 or not isinstance(value, dict | list):
        return left
    inner = value.values() if isinstance(value, dict) else value
    return min((_depth(child, left - 1) for child in inner), default=left)


def _require_each_name_once(raw: bytes) -> None:
    """Refuse repeated names: readers differ in which value they use, and a gateway may have checked the other one.

    orjson silently keeps the last, so the standard library parses again. The depth is checked by now, and numbers stay
    text, so that int()'s digit limit does not apply.
    """
    if b"{" in raw:
        json.loads(raw, object_pairs_hook=_unique, parse_int=str, parse_float=str)


def _unique(pairs: list[tuple[str, Any]]) -> None:
    names = {name for name, _ in pairs}
    if len(names) == len(pairs):
        return
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            # Named only if the name cannot be a person's name or number.
            field = name if name.isascii() and name.isidentifier() and len(name) <= SHOWN else "body"
            raise Invalid(Violation(field, "repeated_field", "occurs twice; give it one value"))
        seen.add(name)

"""The fields in which two bodies differ, for the audit log. Pure."""

from collections.abc import Iterator
from typing import Any

from contracts.base import Json
from shared.security.privacy import scrub
from shared.transparency.canonical import canonical, digest

MOST_FIELDS = 200
MOST_BYTES = 8192
"""UTF-8 bytes of the values that one row holds; what does not fit is told by its digest."""

LONGEST_PATH = 200


def differences(before: Json | None, after: Json | None) -> list[Json]:
    """Return `{"field", "before", "after"}` of every field that differs, in order of fields; null: absent.

    Personal numbers in texts are masked. Beyond `MOST_BYTES` a value is `{"sha256": …}`; beyond `MOST_FIELDS` one last
    element tells how many more there are.
    """
    found = list(_differing("", before or {}, after or {}))
    told: list[Json] = []
    left = MOST_BYTES
    for path, old, new in found[:MOST_FIELDS]:
        one = {"field": path[:LONGEST_PATH], "before": _masked(old), "after": _masked(new)}
        size = len(canonical(one))
        if size > left:
            one |= {name: None if one[name] is None else {"sha256": digest(one[name])} for name in ("before", "after")}
        left -= min(size, left)
        told.append(one)
    if len(found) > MOST_FIELDS:
        told.append({"field": "…", "before": None, "after": None, "more": len(found) - MOST_FIELDS})
    return told


def _differing(path: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            yield from _differing(f"{path}.{name}" if path else name, old.get(name), new.get(name))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _differing(f"{path}.{number}", one, other)
    elif old != new:
        yield path, old, new


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, list):
        return [_masked(one) for one in value]
    if isinstance(value, dict):
        return {name: _masked(one) for name, one in value.items()}
    return value

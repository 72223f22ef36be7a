"""The members of a JSON Schema as rows of a table."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contracts.base import Json

DEEPEST = 6
_VALUES: dict[tuple[Any, Any], Any] = {
    ("string", "date-time"): "2026-03-01T01:00:00.000000Z",
    ("string", "date"): "2026-03-01",
    ("string", None): "…",
    ("integer", None): 1,
    ("boolean", None): True,
}
"""What stands for a value without an example, by type and format."""


@dataclass(frozen=True)
class Field:
    """One member. `name` is its path: `data.body.fees[].amount_fen`."""

    name: str
    type: str
    required: bool
    description: str
    default: str


def fields_of(schema: Json, document: Json | None = None) -> list[Field]:
    """Return the members in order, each behind its parent. `document`: where references lead, if not to the schema."""
    return list(_members(schema, document or schema, "", ()))


def sample_of(schema: Json, document: Json, above: tuple[str, ...] = ()) -> Any:
    """Return a value of the schema's shape: its examples and defaults where it has any."""
    resolved, name = _resolved(schema, document)
    for given in (schema, resolved):
        if given.get("examples"):
            return given["examples"][0]
        if "default" in given or "const" in given or "enum" in given:
            return given.get("default", given.get("const", next(iter(given.get("enum", [])), None)))
    if name in above or len(above) > DEEPEST:
        return None
    below = (*above, name) if name else above
    if "anyOf" in resolved:
        return sample_of(resolved["anyOf"][0], document, below)
    if resolved.get("type") == "array":
        item = sample_of(resolved.get("items", {}), document, below)
        return [] if item is None else [item]
    if resolved.get("type") == "object" or "properties" in resolved:
        return {member: sample_of(part, document, below) for member, part in resolved.get("properties", {}).items()}
    return _VALUES.get((resolved.get("type"), resolved.get("format")), _VALUES.get((resolved.get("type"), None)))


def _members(schema: Json, document: Json, prefix: str, above: tuple[str, ...]) -> Iterator[Field]:
    schema, name = _resolved(schema, document)
    if name in above or len(above) > DEEPEST:
        return
    required = schema.get("required", [])
    for member, part in schema.get("properties", {}).items():
        path = f"{prefix}.{member}" if prefix else member
        resolved, _ = _resolved(part, document)
        told = str(part.get("description") or part.get("title") or resolved.get("description") or "")
        yield Field(path, _type(part, document), member in required, told, _default(part))
        for alternative in _alternatives(part, document):
            inner, _ = _resolved(alternative, document)
            below = (*above, name) if name else above
            if inner.get("type") == "array":
                yield from _members(inner.get("items", {}), document, f"{path}[]", below)
            else:
                yield from _members(alternative, document, path, below)


def _alternatives(part: Json, document: Json) -> list[Json]:
    resolved, _ = _resolved(part, document)
    return [one for one in resolved.get("anyOf", [part]) if one.get("type") != "null"]


def _type(part: Json, document: Json) -> str:
    """Return a type in a few words: `text`, `integer, 1 to 9`, `list of object`, `text or null`."""
    resolved, _ = _resolved(part, document)
    if "anyOf" in resolved:
        return " or ".join(dict.fromkeys(_type(one, document) for one in resolved["anyOf"]))
    if "enum" in resolved or "const" in resolved:
        return "one of " + ", ".join(str(one) for one in resolved.get("enum", [resolved.get("const")]))
    if resolved.get("type") == "array":
        return f"list of {_type(resolved.get('items', {}), document)}"
    name = {"string": "text"}.get(resolved.get("type", ""), resolved.get("type", "any"))
    return ", ".join([str(name), *_limits(resolved)])


def _limits(schema: Json) -> Iterator[str]:
    if "format" in schema:
        yield str(schema["format"])
    if "minimum" in schema or "maximum" in schema:
        yield f"{schema.get('minimum', '…')} to {schema.get('maximum', '…')}"
    if "maxLength" in schema:
        yield f"at most {schema['maxLength']} characters"


def _default(part: Json) -> str:
    return "" if part.get("default") is None else str(part["default"])


def _resolved(schema: Json, document: Json) -> tuple[Json, str]:
    """Follow references; also return the last one's name."""
    name = ""
    while "$ref" in schema:
        name = str(schema["$ref"])
        found: Any = document
        for step in name.removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema, name

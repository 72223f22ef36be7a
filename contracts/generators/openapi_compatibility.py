"""What of a public endpoint may not change, compared with the document as last released."""

from collections.abc import Iterator
from typing import Any

from contracts.base import Json
from contracts.generators.compatibility import breaking_changes

METHODS = ("get", "put", "post", "patch", "delete")
_SCHEMAS = "#/components/schemas/"


def breaks_of_endpoints(old: Json, new: Json) -> list[str]:
    """Return what a newer document breaks for callers of an older one: endpoint, place and change.

    Operations that need a token in the older document are for staff and are left out.
    """
    found = []
    for path, method, operation in _public(old):
        name = f"{method.upper()} {path}"
        current = new["paths"].get(path, {}).get(method)
        if current is None:
            if not operation.get("deprecated"):
                found.append(f"{name}: removed, and it was not marked as deprecated")
            continue
        if current.get("security"):
            found.append(f"{name}: now needs a token")
        found += [f"{name}: {change}" for change in _parameters(operation, current, old, new)]
        found += [f"{name}: {change}" for change in _bodies(operation, current, old, new)]
    return found


def _public(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods and not methods[method].get("security"):
                yield path, method, methods[method]


def _parameters(old: Json, new: Json, before: Json, after: Json) -> Iterator[str]:
    known, current = _by_name(old, before), _by_name(new, after)
    for name, one in known.items():
        if name not in current:
            yield f"parameter {name}: removed"
        else:
            yield from _changes(
                one.get("schema", {}), current[name].get("schema", {}), before, after, f"parameter {name}"
            )
    for name, one in current.items():
        if one.get("required") and not known.get(name, {}).get("required"):
            yield f"parameter {name}: now required"


def _by_name(operation: Json, document: Json) -> dict[str, Json]:
    found = (_resolved(one, document) for one in operation.get("parameters", []))
    return {f"{one['in']} {one['name']}": one for one in found}


def _bodies(old: Json, new: Json, before: Json, after: Json) -> Iterator[str]:
    yield from _contents(old.get("requestBody", {}), new.get("requestBody", {}), before, after, "request")
    for status, answer in old["responses"].items():
        if status not in new["responses"]:
            yield f"answer {status}: removed"
        else:
            pair = _resolved(answer, before), _resolved(new["responses"][status], after)
            yield from _contents(*pair, before, after, f"answer {status}")


def _contents(old: Json, new: Json, before: Json, after: Json, place: str) -> Iterator[str]:
    for kind, content in old.get("content", {}).items():
        current = new.get("content", {}).get(kind)
        if current is None:
            yield f"{place}: {kind} is gone"
        else:
            yield from _changes(content.get("schema", {}), current.get("schema", {}), before, after, place)


def _changes(old: Json, new: Json, before: Json, after: Json, place: str) -> Iterator[str]:
    for change in breaking_changes(_alone(old, before), _alone(new, after)):
        yield f"{place} {change}"


def _alone(schema: Json, document: Json) -> Json:
    """Return a schema with the document's schemas as its own definitions."""
    return {**_moved(schema), "$defs": _moved(document.get("components", {}).get("schemas", {}))}


def _moved(part: Any) -> Any:
    if isinstance(part, list):
        return [_moved(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        name: f"#/$defs/{one.removeprefix(_SCHEMAS)}" if name == "$ref" and isinstance(one, str) else _moved(one)
        for name, one in part.items()
    }


def _resolved(part: Json, document: Json) -> Any:
    while "$ref" in part:
        found: Any = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part

"""Whether a schema can replace the previously released one, for readers that are not upgraded on the same day.

The pledge: within one event type only optional fields are added. It holds in both directions, because both occur:

    an older reader takes newer messages    channels and integrators are upgraded one after the other
    a newer reader takes older documents    the ledger keeps every version, and a rebuild reads them all

A difference that this module does not understand counts as breaking. A shape that must break gets a new event type,
sent beside the old one until nobody reads that any more; then `RETIRED` lists it. The only exception is a decision that
says why a break is the lesser harm; `UNKNOWN_FACTS` holds what ADR 0042 decided.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from contracts.base import Json

RETIRED: Mapping[str, str] = {}
"""Released schema that is no longer written → its replacement, e.g. `sources/tongyuan.item.released`."""

UNKNOWN_FACTS: Mapping[str, tuple[str, ...]] = {
    "item.released": (
        "dept_type", "project_type", "handle_type", "is_entry_center", "is_online", "is_schedule", "is_pay_online",
        "is_express", "is_service_terminals", "online_handle_depth",
    ),
    "guide.released": (
        "materials", "materials[].is_need", "materials[].tolerable", "materials[].material_type",
        "materials[].material_format", "materials[].copies", "materials[].source_type", "fees[].is_desc",
    ),
}  # fmt: skip
"""Event type → fields of its body that may be null since ADR 0042. Until then their default claimed what nobody had
stated. Null may be added and the default removed; any other change of these fields is breaking.
"""

_KEY_BEFORE = "pattern was '^(item|guide|application):[0-9A-Za-z_-]+$'"
_OPENED_FIELDS = (
    f"$.key: {_KEY_BEFORE}, is '^[a-z]{{1,16}}:[0-9A-Za-z_-]+$'",
    "$.kind: any value, not only [\"'application'\", \"'guide'\", \"'item'\"]",
    "$.kind: pattern was nothing, is '^[a-z]{1,16}$'",
    "$.op: any value, not only [\"'release'\", \"'withdraw'\"]",
    "$.op: pattern was nothing, is '^[a-z]{1,16}$'",
)
_EVENTS_BEFORE = (
    *("item.released", "item.withdrawn", "guide.released", "guide.withdrawn"),
    *("application.advanced", "application.withdrawn"),
)
OPENED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("release", "publication"), _OPENED_FIELDS),
    **{
        f"{feed}/tongyuan.{event}": (f"$.data.key: {_KEY_BEFORE}, is '^{event.partition('.')[0]}:[0-9A-Za-z_-]+$'",)
        for feed in ("sources", "publications")
        for event in _EVENTS_BEFORE
    },
}
"""Deliberate one-time changes, word for word: kinds and ops became open (docs/adr/0043)."""

ANNOTATIONS = {"$comment", "$defs", "$id", "$schema", "deprecated", "description", "examples", "title"}
LOWER_BOUNDS = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
UPPER_BOUNDS = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}

OLDER_READERS = "older readers reject it"
OLDER_DOCUMENTS = "older documents break it"

UNKNOWN = "not known to be harmless"
OTHER_MEANING = "an omitted field would change its meaning"

ANYTHING: Json = {}
_ABSENT = object()


def breaking_changes(old: Json, new: Json) -> list[str]:
    """Return each way in which `new` breaks older readers or older documents, as `path: what (whom)`; [] if none.

    Both are JSON Schemas whose references point into their own `$defs`.
    """
    return list(_Comparison(old, new).schemas("$", old, new))


def breaks_of_promises(released: Mapping[str, Json], current: Mapping[str, Json]) -> list[str]:
    """Return `breaking_changes` of every released schema, by name, and the released ones that are no longer written."""
    found = []
    for name, old in sorted(released.items()):
        if name in current:
            agreed, opened = _agreed(name), OPENED.get(name, ())
            changes = breaking_changes(old, current[name])
            new = (one for one in changes if one not in agreed and one.rpartition(" (")[0] not in opened)
            found += [f"{name} {change}" for change in new]
        elif name not in RETIRED:
            found.append(f"{name} is no longer written, and RETIRED names no replacement")
    return found


def _agreed(name: str) -> set[str]:
    """Return the breaks of one schema that `UNKNOWN_FACTS` allows, in the words of `breaking_changes`."""
    fields = UNKNOWN_FACTS.get(name.partition("/tongyuan.")[2], ())
    defaults = ("True", "False", "[]", "1", "'1'", "'2'", "'3'", "'10'")
    null = {f"$.data.body.{field}: alternative null added ({OLDER_READERS})" for field in fields}
    return null | {
        f"$.data.body.{field}: default was {default}, is nothing ({OTHER_MEANING})"
        for field in fields
        for default in defaults
    }


class _Comparison:
    """Walks two documents side by side. A pair of references is followed once, so cycles end."""

    def __init__(self, old: Json, new: Json) -> None:
        self._old, self._new = old, new
        self._seen: set[str] = set()

    def schemas(self, path: str, old: Any, new: Any) -> Iterator[str]:
        if _is_reference(old) or _is_reference(new):
            yield from self._references(path, old, new)
        elif old == new == ANYTHING:
            return
        elif not isinstance(old, dict) or not isinstance(new, dict):
            if old != new:
                yield f"{path}: was {_short(old)}, is {_short(new)} ({UNKNOWN})"
        elif "anyOf" in old or "anyOf" in new:
            yield from self._alternatives(path, old, new)
        else:
            yield from self._types(path, old, new)

    def _references(self, path: str, old: Any, new: Any) -> Iterator[str]:
        if _is_reference(old) and _is_reference(new):
            pair = repr((old, new))
            if pair in self._seen:
                return
            self._seen.add(pair)
        yield from self.schemas(path, _resolved(self._old, old), _resolved(self._new, new))

    def _alternatives(self, path: str, old: Json, new: Json) -> Iterator[str]:
        """Alternatives are matched by type, and several of one type by the names of their schemas."""
        yield from _same("default", OTHER_MEANING)(path, old, new)
        before, after = self._by_label(self._old, old), self._by_label(self._new, new)
        if before is None or after is None:
            if _inlined(self._old, old) != _inlined(self._new, new):
                yield f"{path}: alternatives changed ({UNKNOWN})"
            return
        yield from _lost_and_gained(path, "alternative", set(before), set(after))
        for kind in sorted(before.keys() & after.keys()):
            yield from self.schemas(path, before[kind], after[kind])

    def _by_label(self, root: Json, schema: Json) -> dict[str, Json] | None:
        """Return alternatives by type, those of one type by reference; a schema without `anyOf` is its own only one.

        None if they are ambiguous: two of one type without a name, or rules beside `anyOf`.
        """
        if "anyOf" in schema and schema.keys() - ANNOTATIONS - {"anyOf", "default"}:
            return None
        parts = schema.get("anyOf") or [_without(schema, "default")]
        kinds = [_kind(_resolved(root, part)) for part in parts]
        labels = [
            part["$ref"] if kinds.count(kind) > 1 and _is_reference(part) else kind
            for part, kind in zip(parts, kinds, strict=True)
        ]
        return dict(zip(labels, parts, strict=True)) if len(set(labels)) == len(labels) else None

    def _types(self, path: str, old: Json, new: Json) -> Iterator[str]:
        yield from _lost_and_gained(path, "type", _types_of(old), _types_of(new))
        yield from chain.from_iterable(rule(path, old, new) for rule in _RULES)
        yield from self._properties(path, old, new)
        yield from self.schemas(f"{path}[]", old.get("items", ANYTHING), new.get("items", ANYTHING))
        yield from self._additional(path, old.get("additionalProperties", True), new.get("additionalProperties", True))
        for keyword in sorted((old.keys() | new.keys()) - _UNDERSTOOD):
            before, after = _inlined(self._old, old.get(keyword)), _inlined(self._new, new.get(keyword))
            if before != after:
                yield f"{path}: {keyword} was {_short(before)}, is {_short(after)} ({UNKNOWN})"

    def _additional(self, path: str, old: Any, new: Any) -> Iterator[str]:
        if old is True and new is False:
            yield f"{path}: unknown fields are no longer allowed ({OLDER_DOCUMENTS})"
        elif old is not False or new is not True:
            yield from self.schemas(f"{path}.*", old, new)

    def _properties(self, path: str, old: Json, new: Json) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in sorted(before.keys() - after.keys()):
            yield f"{path}.{name}: removed (older readers need it)"
        if old.get("additionalProperties", True) is not True:
            for name in sorted(after.keys() - before.keys()):
                yield f"{path}.{name}: added to a closed object ({OLDER_READERS})"
        for name in sorted(before.keys() & after.keys()):
            yield from self.schemas(f"{path}.{name}", before[name], after[name])


def _required(path: str, old: Json, new: Json) -> Iterator[str]:
    before, after = set(old.get("required", [])), set(new.get("required", []))
    for name in sorted(after - before):
        yield f"{path}.{name}: now required (older documents lack it)"
    for name in sorted(before - after):
        yield f"{path}.{name}: no longer required (older readers need it)"


def _values(path: str, old: Json, new: Json) -> Iterator[str]:
    before, after = _values_of(old), _values_of(new)
    if before is None and after is not None:
        yield f"{path}: now only {_short(sorted(after))} ({OLDER_DOCUMENTS})"
    elif before is not None and after is None:
        yield f"{path}: any value, not only {_short(sorted(before))} ({OLDER_READERS})"
    elif before is not None and after is not None:
        yield from _lost_and_gained(path, "value", before, after)


def _bounds(path: str, old: Json, new: Json) -> Iterator[str]:
    for keyword in sorted((LOWER_BOUNDS | UPPER_BOUNDS) & (old.keys() | new.keys())):
        before, after = old.get(keyword), new.get(keyword)
        if before == after:
            continue
        tighter = before is None or (after is not None and (after > before) == (keyword in LOWER_BOUNDS))
        who = OLDER_DOCUMENTS if tighter else OLDER_READERS
        yield f"{path}: {keyword} was {_short(before)}, is {_short(after)} ({who})"


def _same(keyword: str, why: str) -> Callable[[str, Json, Json], Iterator[str]]:
    def rule(path: str, old: Json, new: Json) -> Iterator[str]:
        before, after = old.get(keyword, _ABSENT), new.get(keyword, _ABSENT)
        if before != after or type(before) is not type(after):
            yield f"{path}: {keyword} was {_short(before)}, is {_short(after)} ({why})"

    return rule


_RULES: tuple[Callable[[str, Json, Json], Iterator[str]], ...] = (
    _required,
    _values,
    _bounds,
    _same("pattern", "two patterns cannot be compared"),
    _same("format", "two formats cannot be compared"),
    _same("default", OTHER_MEANING),
)
_UNDERSTOOD = {
    *ANNOTATIONS,
    *LOWER_BOUNDS,
    *UPPER_BOUNDS,
    *("additionalProperties", "const", "default", "enum", "format", "items", "pattern", "properties", "required"),
    "type",
}


def _lost_and_gained(path: str, what: str, old: set[str], new: set[str]) -> Iterator[str]:
    for value in sorted(old - new):
        yield f"{path}: {what} {value} removed ({OLDER_DOCUMENTS})"
    for value in sorted(new - old):
        yield f"{path}: {what} {value} added ({OLDER_READERS})"


def _types_of(schema: Json) -> set[str]:
    declared = schema.get("type", "any" if _values_of(schema) is None else "listed")
    return set(declared) if isinstance(declared, list) else {declared}


def _values_of(schema: Json) -> set[str] | None:
    if "const" in schema:
        return {_short(schema["const"])}
    return {_short(value) for value in schema["enum"]} if "enum" in schema else None


def _kind(schema: Any) -> str:
    return "|".join(sorted(_types_of(schema))) if isinstance(schema, dict) else repr(schema)


def _is_reference(schema: Any) -> bool:
    return isinstance(schema, dict) and "$ref" in schema


def _resolved(root: Json, schema: Any) -> Any:
    """Return what a reference stands for, with the keywords written beside it."""
    if not _is_reference(schema):
        return schema
    target = _resolved(root, root["$defs"][schema["$ref"].removeprefix("#/$defs/")])
    return {**target, **_without(schema, "$ref")}


def _inlined(root: Json, value: Any, *, inside: tuple[str, ...] = (), names: bool = False) -> Any:
    """Return the value without annotations and with its references expanded, except recursive ones.

    `names`: the value's keys are names of fields, one of which may be `title`.
    """
    if isinstance(value, list):
        return [_inlined(root, part, inside=inside) for part in value]
    if not isinstance(value, dict):
        return value
    if _is_reference(value) and value["$ref"] not in inside:
        return _inlined(root, _resolved(root, value), inside=(*inside, value["$ref"]))
    return {
        key: _inlined(root, part, inside=inside, names=not names and key == "properties")
        for key, part in value.items()
        if names or key not in ANNOTATIONS
    }


def _without(schema: Json, key: str) -> Json:
    return {name: value for name, value in schema.items() if name != key}


def _short(value: Any) -> str:
    return "nothing" if value is None or value is _ABSENT else repr(value)

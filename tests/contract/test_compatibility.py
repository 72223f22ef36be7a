"""What may change in a schema that others read: every rule with a pair that breaks and a pair that does not."""

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contracts.__main__ import main
from contracts.envelope.messages import MESSAGES
from contracts.generators import documents
from contracts.generators.compatibility import UNKNOWN_FACTS, breaking_changes, breaks_of_promises
from tests.harness.documents import example

Schema = dict[str, Any]
TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
LIMITED = {"type": "string", "maxLength": 20}


def record(required: tuple[str, ...] = (), *, closed: bool = False, **properties: Any) -> Schema:
    schema: Schema = {"type": "object", "properties": properties, "required": list(required)}
    return {**schema, "additionalProperties": False} if closed else schema


def either(*parts: Any, **more: Any) -> Schema:
    return {"anyOf": list(parts), **more}


def defined(use: Any, **definitions: Any) -> Schema:
    return {**record(it=use), "$defs": definitions}


NODE = record(("next",), next=either({"$ref": "#/$defs/Node"}, {"type": "null"}))
SHORTER_NODE = record(("next",), next=either({"$ref": "#/$defs/Node"}, {"type": "null"}), name=TEXT)

BREAKING: list[tuple[str, Schema, Schema, str]] = [
    ("a field is removed", record(a=TEXT), record(), "$.a: removed"),
    ("a field becomes required", record(a=TEXT), record(("a",), a=TEXT), "$.a: now required"),
    ("a required field is added", record(), record(("a",), a=TEXT), "$.a: now required"),
    ("a field need not come any more", record(("a",), a=TEXT), record(a=TEXT), "$.a: no longer required"),
    ("a type changes", record(a=TEXT), record(a=NUMBER), "$.a: type string removed"),
    ("null comes in", record(a=TEXT), record(a=either(TEXT, {"type": "null"})), "$.a: alternative null added"),
    ("null goes", record(a=either(TEXT, {"type": "null"})), record(a=TEXT), "$.a: alternative null removed"),
    ("a value goes", {"enum": ["1", "2"]}, {"enum": ["1"]}, "$: value '2' removed"),
    ("a value comes", {"enum": ["1"]}, {"enum": ["1", "2"]}, "$: value '2' added"),
    ("values are listed", TEXT, {**TEXT, "enum": ["1"]}, "$: now only"),
    ("values are no longer listed", {**TEXT, "enum": ["1"]}, TEXT, "$: any value"),
    ("a constant changes", {"const": "x.y.z"}, {"const": "x.y.w"}, "$: value 'x.y.w' added"),
    ("a pattern comes", TEXT, {**TEXT, "pattern": "^a"}, "$: pattern was nothing"),
    ("a pattern changes", {**TEXT, "pattern": "^a"}, {**TEXT, "pattern": "^b"}, "$: pattern was '^a'"),
    ("a format comes", TEXT, {**TEXT, "format": "date"}, "$: format was nothing"),
    ("a text may be longer", LIMITED, {**TEXT, "maxLength": 30}, "maxLength was 20, is 30 (older readers"),
    ("a text may be endless", LIMITED, TEXT, "maxLength was 20, is nothing (older readers"),
    ("a text must be shorter", LIMITED, {**TEXT, "maxLength": 10}, "maxLength was 20, is 10 (older documents"),
    ("a text gets a limit", TEXT, LIMITED, "maxLength was nothing, is 20 (older documents"),
    ("a number must be larger", {**NUMBER, "minimum": 0}, {**NUMBER, "minimum": 1}, "0, is 1 (older documents"),
    ("a number may be smaller", {**NUMBER, "minimum": 1}, {**NUMBER, "minimum": 0}, "1, is 0 (older readers"),
    ("another default", record(a={**TEXT, "default": ""}), record(a={**TEXT, "default": "-"}), "$.a: default was ''"),
    (
        "unknown fields are refused",
        record(a=TEXT),
        record(a=TEXT, closed=True),
        "$: unknown fields are no longer allowed",
    ),
    ("a closed object grows", record(closed=True), record(closed=True, a=TEXT), "$.a: added to a closed object"),
    ("a list's members change", {"type": "array", "items": TEXT}, {"type": "array", "items": NUMBER}, "$[]: type"),
    ("a list's members get a type", {"type": "array"}, {"type": "array", "items": TEXT}, "$[]: type"),
    ("a map's values change", {"additionalProperties": TEXT}, {"additionalProperties": NUMBER}, "$.*: type"),
    ("a definition changes", defined({"$ref": "#/$defs/A"}, A=TEXT), defined({"$ref": "#/$defs/A"}, A=NUMBER), "$.it"),
    ("deep inside", record(a=record(b=record(c=TEXT))), record(a=record(b=record())), "$.a.b.c: removed"),
    (
        "a definition is used twice, once beside another default",
        {**record(a={"$ref": "#/$defs/A"}, b={"$ref": "#/$defs/A", "default": "1"}), "$defs": {"A": TEXT}},
        {**record(a={"$ref": "#/$defs/A"}, b={"$ref": "#/$defs/A", "default": "2"}), "$defs": {"A": TEXT}},
        "$.b: default",
    ),
    (
        "a definition that holds itself",
        defined({"$ref": "#/$defs/Node"}, Node=SHORTER_NODE),
        defined({"$ref": "#/$defs/Node"}, Node=NODE),
        "$.it.name: removed",
    ),
    (
        "two alternatives of one type",
        either(LIMITED, {**TEXT, "pattern": "^a"}),
        either(LIMITED, {**TEXT, "pattern": "^b"}),
        "$: alternatives changed",
    ),
    (
        "one of two named alternatives loses a field",
        defined(either({"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}), A=record(a=TEXT), B=record(b=TEXT)),
        defined(either({"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}), A=record(), B=record(b=TEXT)),
        "$.it.a: removed",
    ),
    (
        "one of three named alternatives is gone",
        defined(either(*({"$ref": f"#/$defs/{name}"} for name in "ABC")), A=record(), B=record(), C=record()),
        defined(either(*({"$ref": f"#/$defs/{name}"} for name in "AB")), A=record(), B=record(), C=record()),
        "$.it: alternative #/$defs/C",
    ),
    ("a rule beside alternatives", either(TEXT, NUMBER, maxLength=3), either(TEXT, NUMBER), "$: alternatives changed"),
    ("a keyword that nobody knows", {**NUMBER, "multipleOf": 2}, {**NUMBER, "multipleOf": 3}, "$: multipleOf was 2"),
    (
        "a definition behind a keyword that nobody knows",
        {"oneOf": [{"$ref": "#/$defs/A"}], "$defs": {"A": TEXT}},
        {"oneOf": [{"$ref": "#/$defs/A"}], "$defs": {"A": NUMBER}},
        "$: oneOf was",
    ),
]

HARMLESS: list[tuple[str, Schema, Schema]] = [
    ("an optional field is added", record(("a",), a=TEXT), record(("a",), a=TEXT, b=NUMBER)),
    ("an optional field with a default", record(), record(a={**TEXT, "default": ""})),
    ("an optional field deep inside", record(a=record(b=record())), record(a=record(b=record(c=TEXT)))),
    ("an optional field of a list's members", {"items": record()}, {"items": record(a=TEXT)}),
    ("titles and descriptions", {**TEXT, "title": "a", "description": "b"}, {**TEXT, "title": "c", "examples": ["x"]}),
    ("a field called title", record(title=TEXT), record(title={**TEXT, "title": "标题"})),
    ("a closed object opens", record(a=TEXT, closed=True), record(a=TEXT)),
    ("the order of values", {"enum": ["1", "2"]}, {"enum": ["2", "1"]}),
    ("the order of alternatives", either(TEXT, {"type": "null"}), either({"type": "null"}, TEXT)),
    ("a constant as a list of one", {"const": "1"}, {"enum": ["1"]}),
    ("a definition gets a name", record(it=TEXT), defined({"$ref": "#/$defs/A"}, A=TEXT)),
    ("a definition that nobody uses", defined(TEXT, A=NUMBER), defined(TEXT, A=TEXT)),
    (
        "a definition that holds itself",
        defined({"$ref": "#/$defs/Node"}, Node=NODE),
        defined({"$ref": "#/$defs/Node"}, Node=SHORTER_NODE),
    ),
    (
        "one of two named alternatives gets an optional field",
        defined(either({"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}), A=record(a=TEXT), B=record(b=TEXT)),
        defined(either({"$ref": "#/$defs/B"}, {"$ref": "#/$defs/A"}), A=record(a=TEXT, c=NUMBER), B=record(b=TEXT)),
    ),
    (
        "alternatives that cannot be told apart, unchanged",
        either(LIMITED, TEXT),
        either({**LIMITED, "title": "a"}, TEXT),
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "expected"), [pair[1:] for pair in BREAKING], ids=[pair[0] for pair in BREAKING]
)
def test_a_change_that_breaks_somebody_is_named_with_its_place(old: Schema, new: Schema, expected: str) -> None:
    found = breaking_changes(old, new)

    assert any(expected in change for change in found), found


@pytest.mark.parametrize(("old", "new"), [pair[1:] for pair in HARMLESS], ids=[pair[0] for pair in HARMLESS])
def test_a_change_that_breaks_nobody_is_not_held_against_it(old: Schema, new: Schema) -> None:
    assert breaking_changes(old, new) == []


@cache
def promises() -> dict[str, Schema]:
    """Every promise, generated once: no test changes them."""
    return documents.promises()


each_promise = pytest.mark.parametrize("name", promises())


@each_promise
def test_a_schema_can_replace_itself(name: str) -> None:
    schema = promises()[name]

    assert breaking_changes(schema, deepcopy(schema)) == []


@each_promise
def test_no_field_of_a_promise_can_go_unnoticed(name: str) -> None:
    """Take any one property away, anywhere: it must be reported."""
    old = promises()[name]
    for path in property_paths(old):
        new = deepcopy(old)
        remove(new, path)
        assert breaking_changes(old, new) != [], path


SMALL = st.one_of(
    st.builds(
        lambda low, high: {"type": "integer", "minimum": low, "maximum": high}, st.integers(0, 2), st.integers(2, 4)
    ),
    st.builds(lambda most: {"type": "string", "maxLength": most}, st.integers(0, 3)),
    st.builds(lambda values: {"enum": sorted(values)}, st.sets(st.sampled_from(["a", "b", "c"]), min_size=1)),
    st.just({"type": "null"}),
    st.just({"type": "boolean"}),
)
FIELD = (
    SMALL
    | st.builds(lambda part: {"type": "array", "items": part}, SMALL)
    | st.builds(lambda parts: {"anyOf": parts}, st.lists(SMALL, min_size=1, max_size=3))
)


@st.composite
def small_schemas(draw: st.DrawFn) -> Schema:
    properties = draw(st.dictionaries(st.sampled_from(["a", "b"]), FIELD))
    required = draw(st.lists(st.sampled_from(sorted(properties)), unique=True)) if properties else []
    return record(tuple(required), closed=draw(st.booleans()), **properties)


@st.composite
def edited(draw: st.DrawFn, schema: Schema) -> Schema:
    """The schema after one or two changes of any kind, some of them harmless."""
    new = deepcopy(schema)
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(["a", "b", "later", "later still"]))
        match draw(st.sampled_from(["set", "set", "set", "remove", "require", "release", "open", "close"])):
            case "set":
                new["properties"][name] = draw(FIELD)
            case "remove":
                new["properties"].pop(name, None)
            case "require":
                new["required"] = sorted({*new["required"], name})
            case "release":
                new["required"] = [other for other in new["required"] if other != name]
            case "open":
                new.pop("additionalProperties", None)
            case "close":
                new["additionalProperties"] = False
    return new


VALUE = st.none() | st.booleans() | st.integers(-1, 5) | st.sampled_from(["", "a", "b", "c", "ab", "abcd"])
VALUES = VALUE | st.lists(VALUE, max_size=2)


@given(small_schemas(), st.data())
def test_what_is_called_harmless_breaks_neither_older_readers_nor_older_documents(
    old: Schema, data: st.DataObject
) -> None:
    """jsonschema is the judge: whatever either side may write, the other can read."""
    new = data.draw(edited(old))
    assume(not breaking_changes(old, new))
    for writer, reader in ((old, new), (new, old)):
        written = {name: data.draw(VALUES) for name in writer["properties"] if data.draw(st.booleans())}
        if jsonschema.Draft202012Validator(writer).is_valid(written):
            jsonschema.Draft202012Validator(reader).validate(written)


@given(small_schemas(), FIELD)
def test_an_optional_field_can_always_be_added_to_an_open_schema(schema: Schema, field: Schema) -> None:
    old = {**schema, "additionalProperties": True}
    new = {**old, "properties": {**old["properties"], "later": field}}

    assert breaking_changes(old, new) == []


def test_todays_schemas_keep_what_was_promised() -> None:
    assert breaks_of_promises(documents.released(), promises()) == []


def test_everything_that_others_read_has_been_promised() -> None:
    """A new event type is released with `python -m contracts --release`, so that it cannot break afterwards."""
    assert sorted(promises().keys() - documents.released().keys()) == []


@pytest.mark.parametrize("name", UNKNOWN_FACTS)
def test_unknown_facts_are_just_those_that_became_null(name: str) -> None:
    event = f"sources/tongyuan.{name}"
    found = breaking_changes(documents.released()[event], promises()[event])

    assert {change.partition(": ")[0].removeprefix("$.data.body.") for change in found} == set(UNKNOWN_FACTS[name])


def test_any_other_change_of_an_unknown_fact_is_a_break() -> None:
    event = "sources/tongyuan.item.released"
    current = documents.promises()
    current[event]["$defs"]["Item"]["properties"]["is_online"]["anyOf"][0] = NUMBER

    assert breaks_of_promises(documents.released(), current) == [
        f"{event} $.data.body.is_online: alternative boolean removed (older documents break it)",
        f"{event} $.data.body.is_online: alternative integer added (older readers reject it)",
    ]


def test_an_event_type_does_not_disappear_without_a_word() -> None:
    found = breaks_of_promises({"sources/tongyuan.item.released": record()}, {})

    assert found == ["sources/tongyuan.item.released is no longer written, and RETIRED names no replacement"]


def test_a_release_that_breaks_is_refused_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "publications/tongyuan.item.released"
    promised = deepcopy(promises()[name])
    promised["properties"]["data"]["properties"]["mood"] = TEXT
    kept = store(tmp_path, name, promised)

    assert main(["--release", "--root", str(tmp_path)]) == 1
    assert f"{name} $.data.mood: removed" in capsys.readouterr().out
    assert [path.read_text() for path in (tmp_path / documents.RELEASED).rglob("*.json")] == [kept]


def test_a_release_keeps_todays_schemas_as_the_promise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "publications/tongyuan.item.released"
    promised = deepcopy(promises()[name])
    del promised["$defs"]["Item"]["properties"]["keywords"]
    store(tmp_path, name, promised)

    assert main(["--release", "--root", str(tmp_path)]) == 0
    assert f"{name}: released" in capsys.readouterr().out
    assert documents.released(tmp_path) == documents.promises()


def store(root: Path, name: str, schema: Schema) -> str:
    path = root / documents.RELEASED / f"{name}.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(schema))
    return path.read_text()


def property_paths(schema: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where each property of a schema is, definitions included."""
    if isinstance(schema, list):
        return [found for place, part in enumerate(schema) for found in property_paths(part, (*path, place))]
    if not isinstance(schema, dict):
        return []
    here = [(*path, "properties", name) for name in schema.get("properties", {})]
    return here + [found for key, part in schema.items() for found in property_paths(part, (*path, key))]


def remove(schema: Any, path: tuple[Any, ...]) -> None:
    for step in path[:-1]:
        schema = schema[step]
    del schema[path[-1]]


OLD_KEY = "^(item|guide|application):[0-9A-Za-z_-]+$"


def before_kinds_were_open(name: str) -> Schema:
    """A promise as it was made when kinds and ops were closed lists."""
    old = deepcopy(promises()[name])
    properties = old["properties"]["data"]["properties"] if "/" in name else old["properties"]
    properties["key"]["pattern"] = OLD_KEY
    if "/" not in name:
        for field, values in (("kind", ["item", "guide", "application"]), ("op", ["release", "withdraw"])):
            properties[field] = {"type": "string", "enum": values, "title": properties[field]["title"]}
    return old


@pytest.mark.parametrize("name", ["release", "publication", "sources/tongyuan.item.released"])
def test_kinds_and_ops_were_opened_once_and_nothing_else_with_them(name: str) -> None:
    old = before_kinds_were_open(name)
    assert breaks_of_promises({name: old}, {name: promises()[name]}) == []

    other = deepcopy(promises()[name])
    properties = other["properties"]["data"]["properties"] if "/" in name else other["properties"]
    properties["key"]["pattern"] = "^.*$"
    (found,) = breaks_of_promises({name: old}, {name: other})
    assert found.startswith(f"{name} $.")


@pytest.mark.parametrize("kind", ["item", "guide", "application"])
def test_an_older_reader_takes_what_a_newer_sender_writes_of_a_kind_that_it_knows(kind: str) -> None:
    """Its schema closed key, kind and op; everything that came since is optional, and left alone."""
    for message in MESSAGES:
        if message.kind == kind:
            jsonschema.Draft202012Validator(before_kinds_were_open(message.name)).validate(example(message))

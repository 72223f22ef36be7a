"""Lists of a body whose elements have names: what a row does not state of an element is kept. Pure functions.

A list of materials without a column for copies states nothing about copies. The row decides which elements there are,
and their order.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from contracts.base import Json

NAMED: Mapping[str, str] = {"materials": "material_name", "windows": "address", "steps": "name"}
"""Lists, and the field that identifies an element.

Fees are not included: a new standard without an amount must not keep the amount of the old one.
"""

EXPLAINS: Mapping[str, str] = {"source_explain": "source_type"}
"""Explanations of another field; they are dropped when that field changes."""


def completed(stated: Mapping[str, Any], row: Mapping[str, Any], known: Mapping[str, Any]) -> Json:
    """Return `stated`, completed from `known` for the same elements where the row states nothing.

    `row`: as received.
    """
    lists = {name: row[name] for name in NAMED.keys() & stated.keys() if isinstance(row.get(name), list)}
    filled = {
        name: _filled(NAMED[name], stated[name], said, known[name])
        for name, said in lists.items()
        if stated[name] and len(stated[name]) == len(said) and known.get(name)
    }
    return {**stated, **filled}


def _filled(key: str, stated: Sequence[Json], said: Sequence[Json], known: Sequence[Json]) -> list[Json]:
    before, now = _by_name(key, known), _by_name(key, stated)
    return [
        _joined(element, words, before[element[key]]) if element[key] in before and element[key] in now else element
        for element, words in zip(stated, said, strict=True)
    ]


def _by_name(key: str, elements: Sequence[Json]) -> dict[str, Json]:
    """Return the elements whose name is unique."""
    times = Counter(element.get(key) for element in elements)
    return {element[key]: element for element in elements if times[element.get(key)] == 1}


def _joined(element: Json, words: Json, before: Json) -> Json:
    kept = {name: value for name, value in before.items() if name not in words and value is not None}
    left_behind = [name for name, of in EXPLAINS.items() if of in words and words[of] != before.get(of)]
    return {**element, **{name: value for name, value in kept.items() if name not in left_behind}}

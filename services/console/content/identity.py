"""Which part of one list is which part of another: by content and name, never by index. Pure functions.

A part keeps its identity when it is moved, and when its name is mended but most of it stays.
"""

from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher

from contracts.base import Json

NAMES: Mapping[str, str] = {
    "materials": "material_name",
    "steps": "name",
    "fees": "fee_name",
    "windows": "address",
    "questions": "question",
    "by_law": "law_name",
}
"""Lists of parts, and the field by which people tell one part from another."""

SIMILAR = 0.5
"""Share of characters in common from which a name counts as mended, not as another name."""

Pairs = dict[int, int]
"""Index in the older list → index in the newer one."""


def matched(name: str, before: Sequence[Json], after: Sequence[Json], *, renamed: bool = True) -> Pairs:
    """Return which part of `before` is which part of `after`.

    First equal parts are matched, then parts with the same name, then, if `renamed`, parts with a similar name that
    share most of what they state. What is left was removed or added.
    """
    pairs: Pairs = {}
    _match(before, after, pairs, lambda one, other: one == other)
    key = NAMES.get(name)
    if key is not None:
        # Two laws with the same name are told apart by their article: those that share more are matched first.
        _match(before, after, pairs, lambda one, other: one.get(key) == other.get(key) and _alike(one, other, key))
        _match(before, after, pairs, lambda one, other: one.get(key) == other.get(key))
        if renamed:
            _match(before, after, pairs, lambda one, other: _similar(one, other, key) and _alike(one, other, key))
    return pairs


def _match(before: Sequence[Json], after: Sequence[Json], pairs: Pairs, same: Callable[[Json, Json], bool]) -> None:
    taken = set(pairs.values())
    for old, one in enumerate(before):
        if old in pairs:
            continue
        for new, other in enumerate(after):
            if new not in taken and same(one, other):
                pairs[old] = new
                taken.add(new)
                break


def _similar(one: Json, other: Json, key: str) -> bool:
    return SequenceMatcher(None, str(one.get(key)), str(other.get(key)), autojunk=False).ratio() >= SIMILAR


def _alike(one: Json, other: Json, key: str) -> bool:
    """Whether two parts share more of what they state than they differ in, beside the name."""
    names = {name for name in (*one, *other) if name != key and (one.get(name), other.get(name)) != (None, None)}
    shared = sum(one.get(name) == other.get(name) for name in names)
    return bool(2 * shared > len(names))

"""Three-way merge of a document, field by field: what both started from, what the source has now, and mine. Pure.

base   theirs   mine    becomes
----   ------   ----    -------
A      A        A       A
A      A        B       B    only I changed it
A      B        A       B    taken over from the source
A      B        B       B    both changed it alike
A      B        C       a conflict: both values are shown, and a person decides

Parts of lists are matched by identity (`identity.matched`); their order is a field of the list, too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from contracts.base import Json
from services.console.content.identity import NAMES, matched

Side = Literal["theirs", "mine"]
Source = Literal["draft", "released"]
"""What of the source is merged: the draft there, or what was released since."""
ORDER = "order"
"""Last word of the path of a conflict about the order of a list."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that both sides changed in different ways. `path`: as in `mine`, else as in the base.

    A value is None where the field, or the part that holds it, is absent. `name`: of the list's part, for people.
    """

    path: str
    base: Any
    theirs: Any
    mine: Any
    name: str = ""
    source: Source = "draft"

    @property
    def key(self) -> str:
        """What a decision about it is called: paths of two merges do not mean the same part."""
        return f"{self.source}:{self.path}"


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged body; `taken_over`: paths of what only the source has changed; conflicts hold the value of `theirs`
    until somebody decides.
    """

    body: Json
    taken_over: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


@dataclass(slots=True)
class _Run:
    """One merge: what was decided about its conflicts, and what is found."""

    decided: Mapping[str, Side]
    source: Source
    taken_over: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)

    def choose(self, conflict: Conflict) -> Any:
        """Return the side decided for a conflict; without a decision it is one, and `theirs` stands."""
        side = self.decided.get(conflict.key)
        if side is None:
            self.conflicts.append(conflict)
        return conflict.mine if side == "mine" else conflict.theirs


def merge(
    base: Json, theirs: Json, mine: Json, decided: Mapping[str, Side] | None = None, source: Source = "draft"
) -> Merged:
    """Merge two changes of one body. `decided`: by the key of a conflict, the side to take.

    A field that is absent and one that is null are the same.
    """
    run = _Run(decided or {}, source)
    body: Json = {}
    for name in _names(theirs, mine, base):
        value = _field(run, name, name, base.get(name), theirs.get(name), mine.get(name))
        _put(body, name, value, theirs, mine)
    return Merged(body, run.taken_over, run.conflicts)


def _field(run: _Run, name: str, path: str, base: Any, theirs: Any, mine: Any) -> Any:
    if name in NAMES and all(isinstance(one, list) for one in (theirs, mine)):
        return _parts(run, name, base if isinstance(base, list) else [], theirs, mine)
    return _value(run, path, base, theirs, mine)


def _value(run: _Run, path: str, base: Any, theirs: Any, mine: Any, part: str = "") -> Any:
    if _same(theirs, mine) or _same(theirs, base):
        return mine
    if _same(mine, base):
        run.taken_over.append(path)
        return theirs
    return run.choose(Conflict(path, base, theirs, mine, part, run.source))


@dataclass(frozen=True, slots=True)
class _Part:
    """One part in the three lists; None where a list lacks it. `origin`: what orders it, by index of each list."""

    base: int | None
    theirs: int | None
    mine: int | None


def _parts(run: _Run, name: str, base: list[Json], theirs: list[Json], mine: list[Json]) -> list[Json]:
    if theirs in (mine, base):
        return mine
    parts = _aligned(name, base, theirs, mine)
    made: dict[_Part, Json] = {}
    for part in parts:
        value = _part(run, name, part, base, theirs, mine)
        if value is not None:
            made[part] = value
    return [made[part] for part in _ordered(run, name, [part for part in parts if part in made])]


def _aligned(name: str, base: list[Json], theirs: list[Json], mine: list[Json]) -> list[_Part]:
    in_theirs, in_mine = matched(name, base, theirs), matched(name, base, mine)
    parts = [_Part(index, in_theirs.get(index), in_mine.get(index)) for index in range(len(base))]
    added_theirs = [index for index in range(len(theirs)) if index not in in_theirs.values()]
    added_mine = [index for index in range(len(mine)) if index not in in_mine.values()]
    # Both may have added the same part: one of them is enough.
    new = [theirs[index] for index in added_theirs], [mine[index] for index in added_mine]
    both = matched(name, *new, renamed=False)
    for place, index in enumerate(added_theirs):
        parts.append(_Part(None, index, added_mine[both[place]] if place in both else None))
    parts += [_Part(None, None, index) for place, index in enumerate(added_mine) if place not in both.values()]
    return parts


def _part(run: _Run, name: str, part: _Part, base: list[Json], theirs: list[Json], mine: list[Json]) -> Json | None:
    """Return the merged part; None if it is removed."""
    old = None if part.base is None else base[part.base]
    their_part = None if part.theirs is None else theirs[part.theirs]
    my_part = None if part.mine is None else mine[part.mine]
    path = f"{name}.{part.mine if part.mine is not None else _absent_place(part)}"
    called = str((my_part or their_part or old or {}).get(NAMES[name]) or "")
    if their_part is not None and my_part is not None:
        value: Json = {}
        for inner in _names(their_part, my_part, old or {}):
            sides = (old or {}).get(inner), their_part.get(inner), my_part.get(inner)
            _put(value, inner, _value(run, f"{path}.{inner}", *sides, called), their_part, my_part)
        return value
    if old is None:
        if their_part is not None:
            run.taken_over.append(f"{name}.{called}")
        return their_part if my_part is None else my_part
    return _removed(run, path, old, their_part, my_part, called)


def _removed(
    run: _Run, path: str, old: Json, their_part: Json | None, my_part: Json | None, called: str
) -> Json | None:
    """A part that at least one side has removed: a conflict if the other has changed it."""
    if their_part is None and my_part is None:
        return None
    kept = their_part if my_part is None else my_part
    if kept == old:
        if their_part is None:
            run.taken_over.append(path)
        return None
    chosen: Json | None = run.choose(Conflict(path, old, their_part, my_part, called, run.source))
    return chosen


def _absent_place(part: _Part) -> str:
    """A path's word for a part that `mine` lacks: it cannot be an index of `mine`."""
    return f"base{part.base}" if part.base is not None else f"theirs{part.theirs}"


def _ordered(run: _Run, name: str, parts: Sequence[_Part]) -> list[_Part]:
    """Return the parts in the order of the side that changed it; parts of the other side follow their neighbour."""
    common = [part for part in parts if None not in (part.base, part.theirs, part.mine)]
    orders = {side: sorted(common, key=lambda part: getattr(part, side)) for side in ("base", "theirs", "mine")}
    leading: Side = "mine" if orders["theirs"] == orders["base"] else "theirs"
    if orders["mine"] not in (orders["base"], orders["theirs"]) and orders["theirs"] != orders["base"]:
        places = {side: [part.base for part in order] for side, order in orders.items()}
        conflict = Conflict(f"{name}.{ORDER}", places["base"], "theirs", "mine", "", run.source)
        leading = "mine" if run.choose(conflict) == "mine" else "theirs"
    other: Side = "theirs" if leading == "mine" else "mine"
    order = [part for part in parts if getattr(part, leading) is not None]
    order.sort(key=lambda part: getattr(part, leading))
    for part in sorted(_lacking(parts, leading), key=lambda one: _place(one, other)):
        before = [one for one in order if _place(one, other) < _place(part, other)]
        after = max(before, key=lambda one: _place(one, other), default=None)
        order.insert(0 if after is None else order.index(after) + 1, part)
    return order


def _lacking(parts: Sequence[_Part], side: Side) -> Iterator[_Part]:
    return (part for part in parts if getattr(part, side) is None)


def _place(part: _Part, side: Side) -> int:
    index = getattr(part, side)
    return -1 if index is None else int(index)


def _put(body: Json, name: str, value: Any, theirs: Json, mine: Json) -> None:
    """Write a value. A null is written where a side wrote one: to an older reader it differs from nothing."""
    if value is not None or name in theirs or name in mine:
        body[name] = value


def _names(*bodies: Json) -> list[str]:
    return list(dict.fromkeys(name for body in bodies for name in body))


def _same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and bool(one == other))

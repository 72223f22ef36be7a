"""The differences between two versions of a document, field by field, in words. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from contracts.base import ANNOUNCEMENTS, MADE_BY_THE_SOURCE, Json
from services.console.content.identity import NAMES, matched
from services.console.content.shape import ContentKind, FieldKind, FieldShape, shape_of
from services.console.content.values import UNKNOWN, announcement_words, part_name, value_words

Change = Literal["added", "removed", "changed", "moved"]
CHANGES: dict[Change, str] = {"added": "新增", "removed": "删除", "changed": "修改", "moved": "调整顺序"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs. `path`: in the newer version, of a removed part in the older one.

    `label`: 申请材料“户口簿” · 份数. `before`, `after`: the values in words.
    """

    path: str
    label: str
    change: Change
    before: str
    after: str

    @property
    def change_words(self) -> str:
        return CHANGES[self.change]

    def as_json(self) -> Json:
        return {
            "path": self.path,
            "label": self.label,
            "change": self.change,
            "before": self.before,
            "after": self.after,
        }


def differences(kind: ContentKind, before: Json | None, after: Json | None) -> list[Difference]:
    """Return what differs, in the order of the contract. None: there is no such version; every stated field differs.

    A field that this version of the desk does not know is compared as it is, under its own name.
    """
    old, new = before or {}, after or {}
    shape = shape_of(kind)
    unknown = [name for name in dict.fromkeys((*old, *new)) if name not in shape and name not in MADE_BY_THE_SOURCE]
    found: list[Difference] = []
    for field in (*shape.values(), *(_unknown_field(name) for name in unknown)):
        found += _of_field(field, old.get(field.name), new.get(field.name))
    told = announcement_words(old.get(ANNOUNCEMENTS)), announcement_words(new.get(ANNOUNCEMENTS))
    if told[0] != told[1]:
        found.append(Difference(ANNOUNCEMENTS, "预告", _change(*told), *told))
    return found


def _of_field(field: FieldShape, old: Any, new: Any) -> Iterator[Difference]:
    if field.kind is FieldKind.PARTS and (old or new):
        yield from _of_parts(field, old or [], new or [])
        return
    words = value_words(field, old), value_words(field, new)
    if words[0] != words[1]:
        yield Difference(field.name, field.label, _change(*words), *words)


def _of_parts(field: FieldShape, old: list[Json], new: list[Json]) -> Iterator[Difference]:
    pairs = matched(field.name, old, new)
    for index, part in enumerate(old):
        if index not in pairs:
            yield Difference(f"{field.name}.{index}", field.label, "removed", _summary(field, part), "")
    back = {after: before for before, after in pairs.items()}
    for index, part in enumerate(new):
        if index not in back:
            yield Difference(f"{field.name}.{index}", field.label, "added", "", _summary(field, part))
        else:
            yield from _of_part(field, index, old[back[index]], part)
    order = [pairs[index] for index in sorted(pairs)]
    if order != sorted(order):
        before = _names(field, [old[index] for index in sorted(pairs)])
        after = _names(field, [new[index] for index in sorted(order)])
        yield Difference(field.name, field.label, "moved", before, after)


def _of_part(field: FieldShape, index: int, old: Json, new: Json) -> Iterator[Difference]:
    known = {part.name for part in field.parts}
    others = [_unknown_field(name) for name in dict.fromkeys((*old, *new)) if name not in known]
    called = part_name(field.name, new)
    for inner in (*field.parts, *others):
        one, other = value_words(inner, old.get(inner.name)), value_words(inner, new.get(inner.name))
        if one != other:
            label = f"{field.label}“{called}” · {inner.label}"
            yield Difference(f"{field.name}.{index}.{inner.name}", label, _change(one, other), one, other)


def _summary(field: FieldShape, part: Json) -> str:
    """Return a part in words: its name, then everything else that it states."""
    rest = [one for one in field.parts if one.name != NAMES.get(field.name) and part.get(one.name) is not None]
    words = "；".join(f"{one.label}：{value_words(one, part[one.name])}" for one in rest)
    return f"{part_name(field.name, part)}（{words}）" if words else part_name(field.name, part)


def _names(field: FieldShape, parts: list[Json]) -> str:
    return "、".join(part_name(field.name, part) for part in parts)


def _change(before: str, after: str) -> Change:
    if before == UNKNOWN:
        return "added"
    return "removed" if after == UNKNOWN else "changed"


def _unknown_field(name: str) -> FieldShape:
    return FieldShape(name, name, FieldKind.TEXT, required=False)

"""What a form shows and sends: one text for each field, by its path. The body becomes texts here; `reading` goes back.

Lists of codes and words are one text with a line for each. Money is in 元. Two paths are no fields of the contract:

`materials.@none`    "1": it is stated that there are none; absent and empty: unknown (ADR 0042)
`materials.2.@from`  index of this part in the body that the form was filled from; what the form does not know comes
                     from there
"""

from collections.abc import Iterable, Mapping
from typing import Any

from contracts.base import Json
from services.console.content.files import lines_of
from services.console.content.shape import MANY, ContentKind, FieldKind, FieldShape, shape_of
from services.console.content.values import yuan

Texts = dict[str, str]
NONE_STATED, FROM = "@none", "@from"
YES, NO = "是", "否"
MOST_TEXTS, LONGEST_TEXT = 20_000, 200_000
"""A form with more is none of ours."""


def texts_of(kind: ContentKind, body: Json) -> Texts:
    """Return the texts with which a form shows this body."""
    texts: Texts = {}
    for field in shape_of(kind).values():
        value = body.get(field.name)
        if field.states_none and value == []:
            texts[f"{field.name}.{NONE_STATED}"] = "1"
        if field.kind is FieldKind.PARTS:
            for index, part in enumerate(value or ()):
                texts |= _part_texts(field, index, part)
        else:
            texts[field.name] = text_of(field, value)
    return texts


def text_of(field: FieldShape, value: Any) -> str:
    """Return the text of one value; empty if it is unknown."""
    if value is None:
        return ""
    if field.kind in MANY and isinstance(value, list):
        return "\n".join(str(one) for one in value)
    if field.kind is FieldKind.FILES and isinstance(value, list):
        return lines_of(value)
    if field.kind is FieldKind.YES_NO:
        return YES if value else NO
    if field.kind is FieldKind.MONEY and isinstance(value, int):
        return yuan(value)
    return str(value)


def from_form(pairs: Iterable[tuple[str, str]]) -> Texts:
    """Return the texts of a form's fields; several fields with one name become lines. Line ends are as in a body."""
    texts: Texts = {}
    for name, value in pairs:
        text = value.replace("\r\n", "\n").replace("\r", "\n")
        texts[name] = f"{texts[name]}\n{text}" if texts.get(name) and text else texts.get(name) or text
    return texts


def rows(texts: Mapping[str, str], name: str) -> list[int]:
    """Return the numbers of a list's parts in the form, in order; numbers may be missing."""
    found = {path.split(".")[1] for path in texts if path.startswith(f"{name}.")}
    return sorted(int(number) for number in found if number.isascii() and number.isdigit() and len(number) < 6)


def changed_rows(texts: Texts, name: str, act: str, number: int | None = None) -> Texts:
    """Return the texts after a part was added, removed or moved: `add`, `remove`, `up`, `down`, `copy`.

    Parts are numbered from 0 again. An act on a part that is not there changes nothing else.
    """
    order = rows(texts, name)
    place = order.index(number) if number in order else None
    if act == "add":
        order.append((order[-1] if order else -1) + 1)
    elif place is not None and act == "remove":
        del order[place]
    elif place is not None and act == "copy":
        order.insert(place + 1, order[place])
    elif place is not None and act in ("up", "down"):
        other = place + (1 if act == "down" else -1)
        if 0 <= other < len(order):
            order[place], order[other] = order[other], order[place]
    kept = {path: text for path, text in texts.items() if not _is_of_row(path, name)}
    for new, old in enumerate(order):
        prefix = f"{name}.{old}."
        inner = {path.removeprefix(prefix): text for path, text in texts.items() if path.startswith(prefix)}
        if new and act == "copy" and order[new - 1] == old:
            inner.pop(FROM, None)
        kept |= {f"{name}.{new}.{path}": text for path, text in (inner or {FROM: ""}).items()}
    return kept


def _is_of_row(path: str, name: str) -> bool:
    words = path.split(".")
    return len(words) > 2 and words[0] == name and words[1].isdigit()


def _part_texts(field: FieldShape, index: int, part: Json) -> Texts:
    texts = {f"{field.name}.{index}.{inner.name}": text_of(inner, part.get(inner.name)) for inner in field.parts}
    return {**texts, f"{field.name}.{index}.{FROM}": str(index)}

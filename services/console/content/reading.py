"""Read the texts of a form into a body. Pure.

A field whose text is as it was shown keeps its value byte for byte, and so does everything that the form does not know:
fields of a newer contract, and codes that this version's table lacks.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from contracts.base import Json
from services.console.content.files import files_from
from services.console.content.shape import ContentKind, FieldKind, FieldShape, shape_of
from services.console.content.typed import FROM, NO, NONE_STATED, YES, Texts, rows, text_of

YES_WORDS, NO_WORDS = frozenset({YES, "1", "true"}), frozenset({NO, "0", "false"})
_SPLIT_WORDS = re.compile(r"[\n,，;；、]+")
MOST_DAYS_WRITTEN = 9


@dataclass(frozen=True, slots=True)
class Problem:
    """A text that cannot be stored as it is. `path`: of the form's field. `message`: what to write instead."""

    path: str
    rule: str
    message: str


class Unreadable(Exception):
    """A text that is no value of its field; the message says what to write, in Chinese."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Read:
    """The body, what cannot be read, and the form's number of each part of the body."""

    body: Json
    problems: list[Problem]
    numbers: Mapping[str, list[int]] = field(default_factory=dict)

    def form_path(self, path: str) -> str:
        """Return the path in the form of a path in the body: empty parts of the form are not in the body."""
        name, _, rest = path.partition(".")
        index, _, inner = rest.partition(".")
        numbers = self.numbers.get(name, [])
        if not index.isdigit() or int(index) >= len(numbers):
            return path
        return f"{name}.{numbers[int(index)]}{'.' if inner else ''}{inner}"


def read(kind: ContentKind, texts: Mapping[str, str], base: Json) -> Read:
    """Return the body that the texts state. `base`: the body from which the form was filled."""
    shape = shape_of(kind)
    body = {name: value for name, value in base.items() if name not in shape}
    problems: list[Problem] = []
    numbers: dict[str, list[int]] = {}
    for one in shape.values():
        value: Any
        if one.kind is FieldKind.PARTS:
            numbers[one.name], value = _parts(one, texts, base.get(one.name) or [], problems)
        else:
            value = _value(one, one.name, texts, base, problems)
        if value in (None, []):
            value = _empty(one, texts, base.get(one.name))
        if value is not None or (one.name in base and base[one.name] is None):
            body[one.name] = value
    return Read(body, problems, numbers)


def _empty(shape: FieldShape, texts: Mapping[str, str], before: Any) -> Any:
    """Return the value of a field without one: unknown, or for some lists that there is none."""
    if shape.states_none:
        return [] if texts.get(f"{shape.name}.{NONE_STATED}") else None
    return None if before is None or not isinstance(before, list) else []


def _parts(
    shape: FieldShape, texts: Mapping[str, str], base: list[Json], problems: list[Problem]
) -> tuple[list[int], list[Json]]:
    numbers, parts = [], []
    for number in rows(texts, shape.name):
        prefix = f"{shape.name}.{number}"
        if not any(texts.get(f"{prefix}.{inner.name}", "").strip() for inner in shape.parts):
            continue
        origin = texts.get(f"{prefix}.{FROM}", "")
        old = base[int(origin)] if origin.isascii() and origin.isdigit() and int(origin) < len(base) else {}
        known = {inner.name for inner in shape.parts}
        part = {name: value for name, value in old.items() if name not in known}
        for inner in shape.parts:
            value = _value(inner, f"{prefix}.{inner.name}", texts, old, problems)
            if value is not None or (inner.name in old and old[inner.name] is None):
                part[inner.name] = value
        numbers.append(number)
        parts.append(part)
    return numbers, parts


def _value(shape: FieldShape, path: str, texts: Mapping[str, str], old: Json, problems: list[Problem]) -> Any:
    """Return the value that a text states. A form without this field says nothing about it: its value stays."""
    before = old.get(shape.name)
    if path not in texts and shape.kind is not FieldKind.CODES:
        return before
    text = texts.get(path, "")
    if text == text_of(shape, before):
        return before
    try:
        value = value_of(shape, text)
        return _in_order(value, before) if shape.kind is FieldKind.CODES else value
    except Unreadable as error:
        problems.append(Problem(path, error.rule, str(error)))
        return None


def _in_order(codes: list[str], before: Any) -> list[str]:
    """Return chosen codes in the order that they had; a form shows them in that of their table."""
    known = [code for code in before or () if code in codes]
    return [*known, *(code for code in codes if code not in known)]


def value_of(shape: FieldShape, text: str) -> Any:
    """Return the value of a text; None for a blank one. Raises `Unreadable`."""
    plain = text.strip()
    if shape.kind is FieldKind.CODES:
        return list(dict.fromkeys(_code(shape, line) for line in plain.split("\n") if line.strip()))
    if shape.kind is FieldKind.WORDS:
        return list(dict.fromkeys(word.strip() for word in _SPLIT_WORDS.split(plain) if word.strip()))
    if not plain:
        return None
    if shape.kind is FieldKind.CODE:
        return _code(shape, plain)
    if shape.kind is FieldKind.FILES:
        return _files(plain)
    if shape.kind is FieldKind.YES_NO:
        if plain in YES_WORDS or plain in NO_WORDS:
            return plain in YES_WORDS
        raise Unreadable("yes_no", "请选“是”或“否”；不知道的选“未说明”")
    if shape.kind is FieldKind.NUMBER:
        if plain.isascii() and plain.isdigit() and len(plain) <= MOST_DAYS_WRITTEN:
            return int(plain)
        raise Unreadable("number", "请填写整数，例如 10；不知道的留空")
    if shape.kind is FieldKind.MONEY:
        return _fen(plain)
    return _day(plain) if shape.kind is FieldKind.DATE else plain


def _code(shape: FieldShape, text: str) -> str:
    """`07`, `行政确认` and `07 行政确认` are the same code."""
    plain = text.strip()
    if plain in shape.codes:
        return plain
    first, _, rest = plain.partition(" ")
    if shape.codes.get(first) == rest.strip():
        return first
    found = [code for code, label in shape.codes.items() if label == plain]
    if len(found) == 1:
        return found[0]
    raise Unreadable("code_table", f"“{plain[:40]}”不在代码表里，请从列表中选择；不知道的留空")


def _files(text: str) -> list[Json]:
    files = files_from(text)
    if files is None:
        raise Unreadable("file_line", "表格文件的记录被改过：请删除它，再上传一次")
    return files


def _fen(text: str) -> int:
    try:
        amount = Decimal(text.removesuffix("元").strip()) * 100
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0 or amount != amount.to_integral_value() or amount > 10**13:
        raise Unreadable("money", "请填写以元为单位的金额，最多两位小数，例如 10 或 10.50；不是单一金额的留空")
    return int(amount)


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise Unreadable("date", "请填写日期，例如 2026-03-01") from None


def renumbered(texts: Texts, kind: ContentKind) -> Texts:
    """Return the texts as a new document: no part comes from a stored body."""
    shape = shape_of(kind)
    return {path: text for path, text in texts.items() if path.split(".")[0] not in shape or not path.endswith(FROM)}

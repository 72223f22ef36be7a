"""Values of a body in Chinese words, as people read them in a difference or a conflict."""

from datetime import datetime
from typing import Any

from contracts.base import Json
from services.console.content.files import words_of
from services.console.content.identity import NAMES
from services.console.content.shape import MANY, FieldKind, FieldShape
from shared.text.dates import BEIJING

UNKNOWN = "未说明"
NONE = "无"


def value_words(field: FieldShape, value: Any) -> str:
    """Return a value in words; 未说明 where nobody has stated it. A code that its table lacks stays as it is."""
    if value is None or (value in ([], "") and not field.states_none):
        return UNKNOWN
    if value == []:
        return NONE
    if field.kind is FieldKind.PARTS and isinstance(value, list):
        return "；".join(part_name(field.name, part) for part in value)
    if field.kind in MANY and isinstance(value, list):
        return "、".join(field.codes.get(str(one), str(one)) for one in value)
    if field.kind is FieldKind.CODE:
        return field.codes.get(str(value), str(value))
    if field.kind is FieldKind.FILES and isinstance(value, list):
        return words_of(value)
    if field.kind is FieldKind.YES_NO:
        return "是" if value else "否"
    if field.kind is FieldKind.MONEY and isinstance(value, int):
        return f"{yuan(value)}元"
    return str(value)


def announcement_words(told: list[Json] | None) -> str:
    """Return announcements in words, in both languages, each with the time until which it is shown."""
    words = (" / ".join(filter(None, (one["text"], one.get("text_en")))) for one in told or ())
    until = (f"{datetime.fromisoformat(one['until']).astimezone(BEIJING):%Y-%m-%d %H:%M}" for one in told or ())
    return "；".join(f"{text}（显示到 {end}）" for text, end in zip(words, until, strict=True)) or UNKNOWN


def part_name(name: str, part: Json) -> str:
    """Return the words by which people tell one part of a list from another."""
    return str(part.get(NAMES.get(name, ""), "") or "（没有名称）")


def yuan(fen: int) -> str:
    """Return an amount in 分 as 元 with two decimals: 1000 → 10.00."""
    return f"{fen // 100}.{fen % 100:02d}"

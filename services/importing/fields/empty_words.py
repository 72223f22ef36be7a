"""Words for "nothing" (无, /, 暂无 …), and their meaning in each field.

    none     the row states that there is none: no fees, no materials
    silent   the row says nothing about the field; the known value stays
    unclear  the meaning is unknown: the known value stays, and an operator should look

In text, numbers and dates every such word is silent (`conversions.text`). This module lists the fields in which a word
states something, and the yes/no fields, in which it may be an answer or none.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from services.importing.fields.conversions import cleaned_text, is_placeholder
from services.importing.fields.notes import Notes
from services.importing.row import WarningName


class Meaning(StrEnum):
    """The meaning of a word for nothing in one field."""

    NONE = "none"
    SILENT = "silent"
    UNCLEAR = "unclear"


STATED = frozenset({"无", "没有", "无需", "不需要", "无需提供", "不需要提供"})
"""Words that state that there is none; any other word may stand for a cell that was not filled in."""

FREE = frozenset({"不收费", "免费", "免收"})

EMPTY_LISTS = frozenset({"materials", "fees", "questions"})
"""Lists that a row can state to be empty."""

YES_NO = frozenset(
    {"is_fee", "is_entry_center", "is_online", "is_schedule", "is_pay_online", "is_express", "is_service_terminals"}
)

ENDLESS = frozenset({"长期", "长期有效", "永久", "永久有效", "无期限"})

MEANINGS: Mapping[str, Mapping[str, Meaning]] = {
    **{name: dict.fromkeys(STATED, Meaning.NONE) for name in EMPTY_LISTS},
    "fees": dict.fromkeys(STATED | FREE, Meaning.NONE),
    # 是否收费: 无 answers the question, and likewise in the other yes/no columns (有 or 无).
    **{name: {"无": Meaning.NONE, "没有": Meaning.NONE} for name in YES_NO},
    "plan_cancel_date": dict.fromkeys(STATED | ENDLESS, Meaning.NONE),
}
"""Field → word → meaning.

A word that is not listed is unclear in these fields, except in days; in days, and in every other field, it is silent.
"""

DAYS = frozenset({"plan_cancel_date"})

EMPTY: tuple[Any, ...] = (None, "", [])


def understood(given: Mapping[str, Any], notes: Notes) -> tuple[dict[str, Any], frozenset[str]]:
    """Return `given` without the words of the table, and the fields that the row states to be empty."""
    kept, none = dict(given), set[str]()
    for name in MEANINGS.keys() & kept.keys():
        word = _only_word(kept[name])
        if word in notes.null_words and name not in YES_NO:
            continue
        meaning = _meaning(name, word) if word else None
        if meaning is None:
            continue
        if meaning == Meaning.NONE and name in YES_NO:
            kept[name] = False
        elif meaning == Meaning.NONE:
            del kept[name]
            none.add(name)
            notes.warn(WarningName.PLACEHOLDER_AS_NULL, name, "read as a statement that there is none", word)
        else:
            del kept[name]
            notes.warn(WarningName.WORD_UNCLEAR, name, "unclear in this field; a known value is unchanged", word)
    if "fees" in none and kept.get("is_fee") in EMPTY:
        kept["is_fee"] = False
    return kept, frozenset(none)


def blank_fields(given: Mapping[str, Any], raw: Mapping[str, Any], notes: Notes) -> frozenset[str]:
    """Return the fields whose column the row has, without a value."""
    return frozenset(name for name, value in given.items() if _is_blank(value) and notes.column(name) in raw)


def _is_blank(value: Any) -> bool:
    return value in EMPTY or (isinstance(value, str) and not value.strip())


def _only_word(value: Any) -> str | None:
    """Return the value if it is a single word; None for anything longer, or nothing."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return cleaned_text(value).rstrip("。.") if isinstance(value, str) and value.strip() else None


def _meaning(name: str, word: str) -> Meaning | None:
    listed = MEANINGS[name].get(word)
    if listed is not None:
        return listed
    return Meaning.UNCLEAR if is_placeholder(word) and name not in DAYS else None

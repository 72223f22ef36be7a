"""Convert foreign spellings of single values: text, numbers with units, yes/no words, dates, addresses.

Every function takes the raw value, our field's name and the row's `Notes`; it returns None when there is no value or
when it has noted a violation. None of them raises.
"""

import re
import unicodedata
from datetime import date
from typing import Any

from contracts.codes.addresses import FILE, HANDLING, address_problem
from services.importing.fields.notes import Notes, Rule
from services.importing.row import WarningName
from shared.text.invisible_characters import without_invisible

PLACEHOLDERS = frozenset({"无", "暂无", "没有", "空", "null", "none", "nil", "n/a", "-", "--", "—", "——", "/", "\\"})
"""Words that mean "no value" in real files (domain section 9)."""

UNKNOWN = frozenset({"未知", "不详", "不明", "不清楚", "不确定"})
"""Words that state that it is unknown."""

NOT_KNOWN = UNKNOWN | {"待定", "未定", "待确认", "待核实"}
"""Words for "not known": they are no answer, and no reason to reject a row."""

YES = frozenset({"是", "1", "true", "y", "yes", "支持", "有", "收费", "必要"})
NO = frozenset({"否", "0", "false", "n", "no", "不支持", "无", "不收费", "免费", "免收", "非必要"})
AT_ONCE = frozenset({"即办", "即办件", "即时办结", "当场办结", "当场办理", "立即办结"})
UNITS = {"工作日": "1", "个工作日": "1", "自然日": "2", "个自然日": "2", "日": "2", "天": "2"}
"""Words for 时限单位 (1 工作日, 2 自然日); a plain 天/日 is a calendar day (民法典 art. 200)."""

_DURATION = re.compile(r"(\d{1,5})(?:\.0+)?\s*(?:[(（]?\s*([^\d()（）\s]+?)\s*[)）]?)?", re.ASCII)
_WHOLE = re.compile(r"\d{1,18}(?:\.0+)?", re.ASCII)
_MONEY = re.compile(r"(\d{1,10})(?:\.(\d{1,2})0*)?元?", re.ASCII)
_DATE = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?:[ T]\d{1,2}:\d{2}.*)?", re.DOTALL | re.ASCII)
_ZERO_LOST = re.compile(r"(?!400|800)[2-9]\d{8,10}", re.ASCII)
_SERIAL = re.compile(r"[1-9]\d{4}(?:\.\d+)?", re.ASCII)
_SEPARATORS = {"，", ",", "；", ";"}
_OPENING, _CLOSING = "（([【《“", "）)]】》”"


def text(value: Any, field: str, notes: Notes) -> str | None:
    """Return any scalar as clean text (NFC, no invisible characters, U+3000 as space, trimmed).

    Placeholders as None.
    """
    if value is None or value == "":
        return None
    if isinstance(value, dict | list | bool):
        notes.refuse(field, Rule.TYPE, "expected text", value)
        return None
    plain = str(value)
    cleaned = cleaned_text(plain)
    if is_placeholder(cleaned):
        if cleaned:
            notes.warn(WarningName.PLACEHOLDER_AS_NULL, field, "a word that means nothing, read as no value", plain)
        return None
    if cleaned != plain:
        notes.warn(WarningName.TEXT_NORMALISED, field, "spaces or invisible characters removed", plain)
    return cleaned


def line(value: Any, field: str, notes: Notes) -> str | None:
    """Return `text` on one line."""
    content = text(value, field, notes)
    return None if content is None else " ".join(content.split("\n"))


def contact(value: Any, field: str, notes: Notes) -> str | None:
    """Return `text`, but no telephone number that a spreadsheet has taken for a number: its area code begins with 0."""
    content = text(value, field, notes)
    if content is None or not _ZERO_LOST.fullmatch(content):
        return content
    message = "a telephone number without the zero in front: format the column as text, and write e.g. 0751-5360001"
    notes.refuse(field, Rule.NUMBER, message, value)
    return None


def cleaned_text(plain: str) -> str:
    """Normalize text as in domain section 7.1 (NFC, U+3000 as space, trimmed), without invisible characters."""
    lines = plain.replace("\r\n", "\n").replace("\r", "\n").replace("\u3000", " ").replace("\xa0", " ")
    return without_invisible(unicodedata.normalize("NFC", lines)).strip()


def is_placeholder(cleaned: str) -> bool:
    """Return whether cleaned text only says that there is no value, e.g. `无`, `无。`, `/`, `NULL`."""
    return not cleaned or cleaned.rstrip("。.").lower() in PLACEHOLDERS


def compared(name: str) -> str:
    """Normalize a name for comparison by the name rule (domain 3.3, 7.2): compatibility forms folded, no spaces."""
    return "".join(unicodedata.normalize("NFKC", name).split())


def answer(value: Any, field: str, notes: Notes) -> str | None:
    """Return the `text` of a number, a day or a code; None, with a warning, for words like 未知 or 待定."""
    content = text(value, field, notes)
    if content is None or compared(content) not in NOT_KNOWN:
        return content
    notes.warn(WarningName.WORD_UNCLEAR, field, "states that the value is unknown; a known value is unchanged", content)
    return None


def token(value: Any, field: str, notes: Notes) -> str | None:
    """Return a code: half-width, upper case, no spaces inside."""
    content = text(value, field, notes)
    return None if content is None else compared(content).upper()


def whole(value: Any, field: str, notes: Notes) -> int | None:
    """Return a whole number ≥ 0, which may be written `2.0` or `2次`."""
    content = answer(value, field, notes)
    if content is None:
        return None
    digits = compared(content).removesuffix("次")
    if not _WHOLE.fullmatch(digits):
        notes.refuse(field, Rule.NUMBER, "expected a whole number from 0, e.g. 1", value)
        return None
    return int(digits.split(".")[0])


def days(value: Any, field: str, notes: Notes) -> tuple[int | None, str | None]:
    """Return a time limit as (days, unit code or None): `7(工作日)`, `91(自然日)`, `5个工作日`, `即办`, `7`."""
    content = answer(value, field, notes)
    if content is None:
        return None, None
    words = compared(content)
    if words in AT_ONCE:
        return 0, "1"
    found = _DURATION.fullmatch(words)
    unit = UNITS.get(found[2]) if found and found[2] else None
    if found is None or (found[2] and unit is None):
        notes.refuse(field, Rule.DURATION, "expected days, e.g. 7(工作日) or 91(自然日)", value)
        return None, None
    if unit:
        notes.warn(WarningName.LIMIT_WITH_UNIT, field, "number and unit split", content)
    return int(found[1]), unit


def is_at_once(value: Any) -> bool:
    """Return whether the value is 即办 or one of its synonyms."""
    return isinstance(value, str) and compared(value) in AT_ONCE


def yes_no(value: Any, field: str, notes: Notes) -> bool | None:
    """Parse 是/否, 1/0, 支持/不支持, Y/N, true/false."""
    if isinstance(value, bool):
        return value
    if value is None or value == "":
        return None
    if isinstance(value, dict | list):
        notes.refuse(field, Rule.TYPE, "expected yes or no", value)
        return None
    word = compared(str(value)).lower()
    if word in NOT_KNOWN:
        answer(value, field, notes)
        return None
    if not word or word in YES or word in NO:
        return word in YES if word else None
    notes.refuse(field, Rule.YES_NO, "是 or 否 (1 or 0) expected", value)
    return None


def day(value: Any, field: str, notes: Notes) -> date | None:
    """Parse a date: 2026-03-01, 2026/3/1, 20260301, 2026年3月1日; a time of day after it is dropped."""
    content = answer(value, field, notes)
    if content is None:
        return None
    found = _DATE.fullmatch(content)
    try:
        if found:
            return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        pass
    serial = _SERIAL.fullmatch(content)
    remedy = "; a number like this is how a spreadsheet stores a date: format the column as a date" if serial else ""
    notes.refuse(field, Rule.DATE, f"expected a date, e.g. 2026-03-01{remedy}", value)
    return None


def fen(value: Any, field: str, notes: Notes) -> int | None:
    """Return an amount in 元 (`10`, `10.50`, `10元`) as 分."""
    content = text(value, field, notes)
    if content is None:
        return None
    found = _MONEY.fullmatch(compared(content))
    if found is None:
        notes.refuse(field, Rule.MONEY, "expected an amount in 元 with at most two decimals, e.g. 10.50", value)
        return None
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def handling_url(value: Any, field: str, notes: Notes) -> str | None:
    """Return the address of an online service. One that cannot be used is dropped with a warning, see `file_url`."""
    return _address(value, field, notes, HANDLING)


def file_url(value: Any, field: str, notes: Notes) -> str | None:
    """Return the address of a form. One that cannot be used (`javascript:`, a word) is dropped with a warning."""
    return _address(value, field, notes, FILE)


def _address(value: Any, field: str, notes: Notes, use: str) -> str | None:
    content = text(value, field, notes)
    if content is None:
        return None
    if problem := address_problem(content, use):
        notes.warn(WarningName.UNSAFE_URL_DROPPED, field, problem, content)
        return None
    return content


def parts(value: Any, field: str, notes: Notes, separators: str = "^,") -> list[str]:
    """Return several values from a list or from text joined by `separators`, each once, without placeholders."""
    if isinstance(value, list):
        given = [text(entry, field, notes) for entry in value]
        return list(dict.fromkeys(entry for entry in given if entry))
    content = text(value, field, notes)
    if content is None:
        return []
    pieces = re.split(f"[{re.escape(separators)}]", content) if separators else [content]
    return list(dict.fromkeys(piece.strip() for piece in pieces if not is_placeholder(piece.strip())))


def terms(value: str, separators: frozenset[str] | set[str] = frozenset(_SEPARATORS)) -> list[str]:
    """Split a list written in prose, outside of brackets only: `注销律师证,律师证注销` → two."""
    found, depth, word = [], 0, ""
    for char in value:
        depth = max(0, depth + (char in _OPENING) - (char in _CLOSING))
        if char in separators and depth == 0:
            found.append(word)
            word = ""
        else:
            word += char
    joined = [" ".join(term.split()) for term in [*found, word]]
    return list(dict.fromkeys(term for term in joined if not is_placeholder(term)))

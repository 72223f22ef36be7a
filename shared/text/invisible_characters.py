"""Characters that nobody can see, that change the reading order, or that no font shows: nothing published holds them.

Decided by Unicode's own properties, not by a list of what was met: General_Category Cc, Cf, Zl and Zp, every
Default_Ignorable_Code_Point, private use (Co), and code points without a character (Cn, Cs).

Imports remove what nobody can see. A private or unassigned code point stands for something that was meant (a rare
character of an older encoding, a bullet of Word's symbol font), so it is not removed in silence: its field is refused.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from shared.errors import Violation

RULE = "invisible_character"
BLANK_BRAILLE = "\u2800"
IDEOGRAPHIC_PLANES = range(0x20000, 0x3FFFE)
"""Newer Chinese characters than this Python's Unicode knows are no mistake."""

_UNUSUAL = re.compile(r"[^\t\n\r -~\u3001-\u3029\u4e00-\u9fff\uff01-\uff5e]")
_DEFAULT_IGNORABLE = (  # Unicode 15.1, DerivedCoreProperties.txt
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip


def without_invisible(text: str) -> str:
    """Return the text without what nobody can see; tabs and line breaks stay, and so does what no font shows."""
    return _UNUSUAL.sub(lambda found: "" if _unseen(found[0]) else found[0], text)


def invisible(content: Any, field: str = "") -> Iterator[Violation]:
    """Yield a violation for every text in a JSON value that holds one: its field, and the first such character."""
    if isinstance(content, str):
        wrong = (found for found in _UNUSUAL.finditer(content) if _unseen(found[0]) or _undefined(found[0]))
        if first := next(wrong, None):
            place = f"U+{ord(first[0]):04X} at character {first.start() + 1}"
            if _unseen(first[0]):
                why = f"contains the invisible character {place}: remove it"
            else:
                why = f"contains the character {place}, which no font shows: write what is meant"
            yield Violation(field or "body", RULE, why)
        return
    parts = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for name, value in parts:
        yield from invisible(value, f"{field}.{name}" if field else str(name))


@lru_cache(4096)
def _unseen(character: str) -> bool:
    code = ord(character)
    ignorable = any(first <= code <= last for first, last in _DEFAULT_IGNORABLE)
    return ignorable or character == BLANK_BRAILLE or unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"}


@lru_cache(4096)
def _undefined(character: str) -> bool:
    return ord(character) not in IDEOGRAPHIC_PLANES and unicodedata.category(character) in {"Cn", "Co", "Cs"}

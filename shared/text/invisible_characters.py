"""Invisible characters, and those that change the reading order: controls, zero widths, bidi marks and overrides.

One list for everything that is published: imports remove them, editors' drafts with them are refused.
"""

import re
from collections.abc import Iterator
from typing import Any

from shared.errors import Violation

_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_FORMATS = r"\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff"
_INVISIBLE = re.compile(f"[{_CONTROLS}{_FORMATS}]")
RULE = "invisible_character"


def without_invisible(text: str) -> str:
    """Return the text without them; tabs and line breaks stay."""
    return _INVISIBLE.sub("", text)


def invisible(content: Any, field: str = "") -> Iterator[Violation]:
    """Yield a violation for every text in a JSON value that holds one: its field, and the first such character."""
    if isinstance(content, str):
        if found := _INVISIBLE.search(content):
            place = f"U+{ord(found[0]):04X} at character {found.start() + 1}"
            yield Violation(field or "body", RULE, f"contains the invisible character {place}: remove it")
        return
    parts = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for name, value in parts:
        yield from invisible(value, f"{field}.{name}" if field else str(name))

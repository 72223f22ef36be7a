"""The warnings and violations of one row's conversion, with the file's names of its columns."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from services.importing.row import WHOLE_ROW, RowWarning, WarningName
from shared.errors import Violation

SHOWN = 80
MOST = 100
"""Warnings and violations kept per row: a row with ten thousand bad materials needs no more."""


class Rule(StrEnum):
    """Rules of ours that a row can break before the checks C-1 … C-10 of the domain run."""

    READABLE = "readable"
    ENCODING = "encoding"
    LINE_LENGTH = "line_length"
    DEPTH = "depth"
    CHARACTERS = "characters"
    COLUMNS = "columns"
    REPEATED_FIELD = "repeated_field"
    TYPE = "type"
    REQUIRED = "required"
    NUMBER = "number"
    DURATION = "duration"
    YES_NO = "yes_no"
    DATE = "date"
    MONEY = "money"
    CODE_TABLE = "code_table"
    PATTERN = "pattern"
    REGION = "region"
    OPERATION = "operation"
    CHILD_WITHOUT_ITEM = "child_without_item"
    LOST_DIGITS = "lost_digits"
    SPREADSHEET_ERROR = "spreadsheet_error"
    UNWRITTEN = "unwritten"
    MORE = "more"


@dataclass
class Notes:
    """Collects notes during one conversion. `columns`: our field name → the file's column, for useful messages.

    `null_words`: words that this kind of file uses for an unknown value, whatever they mean elsewhere.
    `refused`: our name of the field of each violation. `lost`: lists of which an entry could not be read.
    `places`: `materials[2].copies` → its column and row in a child table.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    null_words: frozenset[str] = frozenset()
    warnings: list[RowWarning] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    places: dict[str, str] = field(default_factory=dict)

    def warn(self, name: WarningName, field: str, message: str, value: Any = None) -> None:
        """Note a warning, which does not reject the row."""
        if len(self.warnings) < MOST:
            self.warnings.append(RowWarning(name, self.column(field), message, shown(value)))

    def refuse(self, field: str, rule: str, message: str, value: Any = None) -> None:
        """Note a broken rule: the row will be rejected after everything else in it was checked."""
        if len(self.violations) < MOST:
            self.violations.append(Violation(self.column(field), str(rule), message, shown(value)))
            self.refused.append(field)
        elif len(self.violations) == MOST:
            self.violations.append(
                Violation(WHOLE_ROW, str(Rule.MORE), f"there are more errors; the first {MOST} are listed")
            )
            self.refused.append(WHOLE_ROW)

    def column(self, field: str) -> str:
        """Return the file's name of our `field`; `materials[2].copies` is looked up by its first word."""
        if field in self.places:
            return self.places[field]
        head = field.split("[", 1)[0].split(".", 1)[0]
        return self.columns.get(head, head) + field[len(head) :]


def shown(value: Any) -> str | None:
    """Return `value` as a message may repeat it: at most 80 characters, nothing invisible."""
    if value is None:
        return None
    text = visible(value if isinstance(value, str) else _plain(value))
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def visible(text: str) -> str:
    """Escape control characters, unpaired surrogates, bidi overrides and the like in `text` as `\\u….`."""
    return "".join(c if _printable(c) else f"\\u{ord(c):04x}" for c in text)


def _printable(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"


def _plain(value: Any) -> str:
    if isinstance(value, dict | list):
        kind = "object" if isinstance(value, dict) else "list"
        return f"({kind} of {len(value)})"
    return str(value)[: SHOWN + 1]

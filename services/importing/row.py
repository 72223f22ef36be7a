"""A row of a foreign file, and its two possible outcomes: accepted (with named warnings) or rejected."""

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from contracts.base import Json
from contracts.content.guides import Guide
from contracts.content.items import DirectoryRow, Item
from shared.errors import Violation

WHOLE_ROW = "(row)"
"""The field of a violation that concerns the whole row."""


class WarningName(StrEnum):
    """Warnings about an accepted row. The names are stable: reports and alerts count by them."""

    # Adapted without loss: peculiarities of this kind of file.
    PLACEHOLDER_AS_NULL = "placeholder_as_null"
    TYPE_DIALECT_MAPPED = "type_dialect_mapped"
    LIMIT_WITH_UNIT = "limit_with_unit"
    COURIER_WORD_MAPPED = "courier_word_mapped"
    NAME_HAS_SITUATION = "name_has_situation"
    TEXT_NORMALISED = "text_normalised"
    NAME_NORMALISED = "name_normalised"
    REGION_FROM_CODE = "region_from_code"
    # Not stated by this kind of file and published as unknown; the report counts them field by field.
    MATERIAL_FACTS_UNKNOWN = "material_facts_unknown"
    HALL_UNKNOWN = "hall_unknown"
    HTML_TO_TEXT = "html_to_text"
    # Doubtful: published as it is, but an operator should look.
    USCC_PSEUDO = "uscc_pseudo"
    DEPT_CODE_REPAIRED = "dept_code_repaired"
    NAME_DIFFERS = "name_differs"
    MISSING_LIMIT = "missing_limit"
    PROMISE_OVER_LIMIT = "promise_over_limit"
    SAME_PHONE = "same_phone"
    ZERO_VISITS_WITHOUT_CHANNEL = "zero_visits_without_channel"
    VISITS_DIFFER = "visits_differ"
    TYPE_LABEL_DIFFERS = "type_label_differs"
    UNKNOWN_THEME = "unknown_theme"
    UNKNOWN_CODE = "unknown_code"
    UNKNOWN_COLUMN = "unknown_column"
    UNSAFE_URL_DROPPED = "unsafe_url_dropped"
    TERM_TOO_LONG = "term_too_long"
    LEGAL_BASIS_UNPARSED = "legal_basis_unparsed"
    GUIDE_LEFT_OUT = "guide_left_out"
    GUIDE_EMPTY = "guide_empty"
    UNIT_UNKNOWN = "unit_unknown"
    WINDOW_WITHOUT_ADDRESS = "window_without_address"
    CHECK_WARNING = "check_warning"
    WORD_UNCLEAR = "word_unclear"
    FIELD_LEFT_OUT = "field_left_out"
    UNWRITTEN_INSIDE = "unwritten_inside"
    HTML_CONTENT_LOST = "html_content_lost"
    LIST_UNCLEAR = "list_unclear"
    COLUMN_LEFT_OUT = "column_left_out"
    DUPLICATE_ROW = "duplicate_row"
    OVERRIDES_HAND_CHANGE = "overrides_hand_change"
    NOT_RELEASED = "not_released"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"
    DELETED = "deleted"

    @property
    def routine(self) -> bool:
        """True when nothing was lost and nothing is in doubt: counted, but the row needs no attention."""
        return self in _ROUTINE


_ROUTINE = frozenset(
    {
        WarningName.PLACEHOLDER_AS_NULL,
        WarningName.TYPE_DIALECT_MAPPED,
        WarningName.LIMIT_WITH_UNIT,
        WarningName.COURIER_WORD_MAPPED,
        WarningName.NAME_HAS_SITUATION,
        WarningName.TEXT_NORMALISED,
        WarningName.NAME_NORMALISED,
        WarningName.REGION_FROM_CODE,
        WarningName.MATERIAL_FACTS_UNKNOWN,
        WarningName.HALL_UNKNOWN,
        WarningName.HTML_TO_TEXT,
    }
)


@dataclass(frozen=True, slots=True)
class RowWarning:
    """One warning about one field (the file's column name) of an accepted row; `value` is shortened.

    `broken`  the rule that a field broke which was left out; empty for any other warning
    `sheet`   the sheet of a workbook that contains the row
    """

    name: WarningName
    field: str
    message: str
    value: str | None = None
    broken: str = ""
    sheet: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the file. `number`: its line, its row (tables; as the spreadsheet shows it) or its position in the
    array. `sheet`: the sheet of a workbook that contains it. `children`: our field → the rows of a child table.
    `local_code`: the code that stood in the file where a table of local codes has replaced it.
    """

    number: int
    raw: dict[str, Any]
    sheet: str = ""
    children: dict[str, list["Row"]] = field(default_factory=dict)
    local_code: str = ""


class RowState(StrEnum):
    """What a row states of the item's state (事项状态), if anything."""

    IN_USE = "in_use"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"


_DAYS = frozenset({"plan_effective_date", "plan_cancel_date"})
"""Days that a row can state to be absent."""


@dataclass(frozen=True)
class Accepted:
    """An accepted row: an item with its guide and catalogue row, or the withdrawal of the item `code`.

    `state`      what the row states of the item's state; None if nothing
    `region`     行政区划, 12 digits; None when neither the row nor the code contains it
    `withdraw`   the code to take off every channel; then item, guide and directory are None
    `guessed`    the catalogue row was inferred from an item; it does not say what the 基本目录 allows
    `version`    task_version of the foreign system, for check C-10; None when it has none
    `none`       fields that the row states to be empty, e.g. no materials, no fees
    `blank`      fields whose column the file has, without a value
    `from_code`  fields that the row leaves to its code
    `updates`    the row calls itself an update (cd_operation U): it counts after any other row of the code
    """

    number: int
    code: str
    item: Item | None = None
    guide: Guide | None = None
    directory: DirectoryRow | None = None
    region: str | None = None
    withdraw: str | None = None
    version: int | None = None
    warnings: list[RowWarning] = field(default_factory=list)
    state: RowState | None = None
    guessed: bool = False
    none: frozenset[str] = frozenset()
    blank: frozenset[str] = frozenset()
    from_code: frozenset[str] = frozenset()
    updates: bool = False
    sheet: str = ""

    @cached_property
    def stated_item(self) -> Json | None:
        """The fields of the item that the row states, without defaults."""
        stated = _stated(self.item, self.none, self.from_code)
        return None if stated is None else {**dict.fromkeys(self.none & _DAYS), **stated}

    @cached_property
    def stated_guide(self) -> Json | None:
        """The fields of the guide that the row states. A row without a guide still states the identity of its item."""
        if self.item is None:
            return None
        none: Json = {name: [] for name in self.none if name in Guide.model_fields}
        if self.guide is not None:
            return {**none, **(_stated(self.guide, self.none, frozenset()) or {})}
        return {name: value for name, value in (self.stated_item or {}).items() if name in GUIDE_IDENTITY} | none


GUIDE_IDENTITY = ("code", "task_name", "dept_name")
"""Fields in which a guide only repeats its item."""


def _stated(model: BaseModel | None, none: frozenset[str], left_out: frozenset[str]) -> Json | None:
    """Return the stated fields. An empty list counts only if the row says "none"; otherwise it was not understood."""
    if model is None:
        return None
    given = model.model_dump(mode="json", exclude_unset=True, exclude=set(left_out))
    return {name: value for name, value in given.items() if value not in (None, []) or (value == [] and name in none)}


@dataclass(frozen=True, slots=True)
class Rejected:
    """A rejected row, which changes nothing, with every broken rule. `raw` is None when the line could not be read.

    `code`  the item's code if it could be read
    """

    number: int
    violations: list[Violation]
    raw: dict[str, Any] | None = None
    code: str | None = None
    sheet: str = ""


Outcome = Accepted | Rejected

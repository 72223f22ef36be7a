"""A row of a foreign file, and the two things that can become of it: accepted (with named warnings) or rejected."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from contracts.catalog import DirectoryRow, Item
from contracts.guides import Guide
from shared.errors import Violation

WHOLE_ROW = "(row)"
"""The field named by a violation that is not about one field."""


class WarningName(StrEnum):
    """What was odd about an accepted row. Names are stable: reports and alerts count by them."""

    # Adapted without loss: the way this kind of file is written.
    PLACEHOLDER_AS_NULL = "placeholder_as_null"
    TYPE_DIALECT_MAPPED = "type_dialect_mapped"
    LIMIT_WITH_UNIT = "limit_with_unit"
    COURIER_WORD_MAPPED = "courier_word_mapped"
    NAME_HAS_SITUATION = "name_has_situation"
    TEXT_NORMALISED = "text_normalised"
    NAME_NORMALISED = "name_normalised"
    REGION_FROM_CODE = "region_from_code"
    # Doubtful: published as it is, but somebody should look.
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
    WINDOW_WITHOUT_ADDRESS = "window_without_address"
    UNIT_REGION_DIFFERS = "unit_region_differs"
    CHECK_WARNING = "check_warning"
    DUPLICATE_ROW = "duplicate_row"
    OLDER_VERSION = "older_version"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"
    DELETED = "deleted"

    @property
    def routine(self) -> bool:
        """True when nothing was lost or left in doubt: counted, but nobody has to look."""
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
    }
)


@dataclass(frozen=True, slots=True)
class RowWarning:
    """One odd thing about one field (the file's own column name) of an accepted row; `value` is shortened."""

    name: WarningName
    field: str
    message: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One record as the file gives it. `number`: its line (CSV: its first) or place in the array, from 1."""

    number: int
    raw: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a good row says: an item with its guide and catalogue row, or that the item `code` is withdrawn.

    `region`     行政区划, 12 digits; None when neither the row nor the code tells
    `withdraw`   the code to withdraw; then item, guide and directory are None
    `version`    task_version of the foreign system, for check C-10; None when it has none
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

    @property
    def ignored(self) -> bool:
        """True when the row adds nothing (an equal or older copy of an earlier one): there is nothing to send."""
        return self.item is None and self.withdraw is None and self.directory is None

    def as_ignored(self, warning: RowWarning) -> "Accepted":
        """The same row with nothing to send, and why."""
        return replace(self, item=None, guide=None, directory=None, withdraw=None, warnings=[*self.warnings, warning])


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that changes nothing, and every rule that it breaks. `raw` is None when the line could not be read."""

    number: int
    violations: list[Violation]
    raw: dict[str, Any] | None = None


Outcome = Accepted | Rejected

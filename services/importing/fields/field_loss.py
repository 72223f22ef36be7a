"""Which mistakes cost a field and which the row.

A row is refused if it cannot be told which item it is about, what kind of item that is, or when it is to be shown; and
if a cell holds what nobody meant to publish (an error of the spreadsheet, 待定). Any other value that cannot be read
costs its field: the row counts without it, a known value stays, and the report says so.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from services.importing.fields.notes import Notes, Rule
from services.importing.fields.partial import partial
from services.importing.row import WHOLE_ROW, RowWarning, WarningName
from shared.errors import Violation

Model = TypeVar("Model", bound=BaseModel)

NEEDED = frozenset(
    {WHOLE_ROW, "code", "catalog_code", "task_name", "task_type", "type_label", "use_level", "dept_name", "dept_code"}
    | {"region", "operation", "task_state", "version", "task_handle_item", "plan_effective_date", "plan_cancel_date"}
)
"""Fields in which a mistake refuses the row. A wrong 计划生效日期 would otherwise show the item at once."""

_OF_A_VALUE = frozenset(
    {Rule.TYPE, Rule.NUMBER, Rule.DURATION, Rule.YES_NO, Rule.DATE, Rule.MONEY, Rule.CODE_TABLE, Rule.PATTERN}
)
_CONTRACT = "contract:"
_TOO_LONG = "contract:string_too_long"
_LEFT_OUT = "; the field is left out, a known value is unchanged"


def built(model: type[Model], values: Mapping[str, Any], notes: Notes) -> Model | None:
    """Return the model of a row's values without the optional ones that break the contract; these are noted.

    None if a needed one breaks it.
    """
    optional: type[Model] = partial(model)
    kept = dict(values)
    while True:
        try:
            return optional.model_validate(kept)
        except ValidationError as error:
            heads = _note_contract(error, notes)
        removable = {head for head in heads if head not in NEEDED and head in kept}
        if removable != heads or not heads:
            return None
        for head in removable:
            del kept[head]


def without_lost(values: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    """Return the values without lists of which an entry could not be read: the rest would look complete."""
    return {name: value for name, value in values.items() if name not in notes.lost}


def is_untold(notes: Notes) -> bool:
    """Return whether it is unknown so far which item the row is about, or what the row does with it."""
    return any(_head(name) in NEEDED for name in notes.refused)


def refusals(notes: Notes) -> list[Violation]:
    """Return the violations that refuse the row; empty if every violation only costs its field.

    A refused row is told all of its violations, so that they are repaired at once.
    """
    noted = list(zip(notes.violations, notes.refused, strict=True))
    return list(notes.violations) if any(not _costs_the_field(one.rule, name) for one, name in noted) else []


def losses(notes: Notes) -> list[RowWarning]:
    """Return the violations as warnings about fields that are left out."""
    return [
        RowWarning(WarningName.FIELD_LEFT_OUT, one.field, one.message + _LEFT_OUT, one.value, broken=one.rule)
        for one in notes.violations
    ]


def _costs_the_field(rule: str, field: str) -> bool:
    return _head(field) not in NEEDED and (rule in _OF_A_VALUE or rule.startswith(_CONTRACT) or rule == Rule.REQUIRED)


def _head(field: str) -> str:
    return re.split(r"[.\[]", field, maxsplit=1)[0]


def _note_contract(error: ValidationError, notes: Notes) -> set[str]:
    """Note the contract's violations, except for fields whose foreign value was refused already; return the fields."""
    refused = {violation.field for violation in notes.violations}
    heads = set()
    for problem in error.errors(include_url=False):
        field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"]).lstrip(".")
        heads.add(_head(field))
        if notes.column(field) in refused:
            continue
        missing = problem["type"] == "missing"
        rule = str(Rule.REQUIRED) if missing else f"{_CONTRACT}{problem['type']}"
        message = problem["msg"]
        if rule == _TOO_LONG and isinstance(problem["input"], str):
            longest = problem.get("ctx", {}).get("max_length", 0)
            message = f"{len(problem['input']):,} characters, at most {longest:,} are shown: shorten it"
        notes.refuse(field, rule, message, None if missing else problem["input"])
    return heads

"""Assemble one row's values, under our field names, to an accepted item with its guide, a withdrawal, or a rejection.

Only this module builds the contract's models and runs checks C-1 … C-6. C-7, C-8, C-9 against released items, and C-10
belong to the source that owns the items; C-9 within one file to `services.importing.engine.newest_rows`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contracts.codes import tables
from contracts.codes.identifiers import BASIC, LEVEL, ORG9, REGION, USCC, CodeError, parse_item_code
from contracts.codes.item_checks import USCC_PSEUDO, Context, FailedCheck, check_item
from contracts.content.guides import Guide
from contracts.content.items import DirectoryRow, Item
from services.importing.fields.cell_text import without_unwritten
from services.importing.fields.children import SHAPES, Values, unpacked
from services.importing.fields.code_values import entries, known_code, one_code, task_type
from services.importing.fields.conversions import line, token, whole
from services.importing.fields.doubts import note_doubts
from services.importing.fields.empty_words import blank_fields, understood
from services.importing.fields.field_loss import built, is_untold, losses, refusals, without_lost
from services.importing.fields.flat_fields import GUIDE_FIELDS, guide_values, item_values
from services.importing.fields.notes import Notes, Rule
from services.importing.row import Accepted, Outcome, Rejected, Row, RowState, WarningName

_GONE = {"2": WarningName.SUSPENDED, "3": WarningName.CANCELLED}
_IN_USE = "1"
_UPDATE = "U"
_FROM_CODE = ("catalog_code", "use_level", "dept_code")


def assemble(row: Row, given: Mapping[str, Any], notes: Notes, dialect: str | None = None) -> Outcome:
    """Return the outcome of one row.

    `given`: values under `KNOWN_FIELDS`; `dialect`: of its 事项类型 (`tables.DIALECTS`).
    """
    given = {name: unpacked(value) if name in SHAPES else value for name, value in given.items()}
    if row.local_code and not given.get("local_task_code"):
        given["local_task_code"] = row.local_code
    blank = blank_fields(given, row.raw, notes)
    given, none = understood(given, notes)
    code = _item_code(given, notes)
    gone = _gone(given, notes)
    version = whole(given.get("version"), "version", notes)
    if code is None or is_untold(notes):
        return Rejected(row.number, notes.violations, row.raw, code, row.sheet)
    region = _region(given, code, notes)
    state = _state(given, gone, notes)
    if gone:
        notes.warn(gone, "task_state", "the item is withdrawn", code)
        gone_row = Accepted(row.number, code, region=region, withdraw=code, version=version, state=state)
        return _settle(row, notes, gone_row)
    identity = _identity(given, code, dialect, notes)
    item = built(Item, without_unwritten(without_lost(item_values(given, notes) | identity, notes), notes), notes)
    guide = _guide(given, item, notes)
    directory = _directory(given, item, notes)
    if item is not None:
        note_findings(_checked(item), notes)
        note_doubts(item, guide, notes)
    from_code = frozenset(name for name in _FROM_CODE if not given.get(name))
    accepted = Accepted(row.number, code, item, guide, directory, region, version=version, state=state, guessed=True)
    updates = token(given.get("operation"), "operation", Notes()) == _UPDATE
    return _settle(row, notes, replace(accepted, none=none, blank=blank, from_code=from_code, updates=updates))


def directory_row(row: Row, given: Mapping[str, Any], notes: Notes, dialect: str | None = None) -> Outcome:
    """Return the outcome of a row of the 基本目录 (`up_task_directory`): its `catalog_code`, `task_name`, `task_type`,
    `use_level`.
    """
    code = token(given.get("catalog_code"), "catalog_code", notes)
    if _gone(given, notes):
        notes.refuse("task_state", Rule.OPERATION, "a catalogue row cannot be withdrawn by import", code)
    values = {
        "catalog_code": code,
        "task_name": line(given.get("task_name"), "task_name", notes),
        "task_type": task_type(given.get("task_type"), given.get("type_label"), dialect, notes),
        "use_level": _levels(given.get("use_level"), notes),
    }
    made = built(DirectoryRow, {name: value for name, value in values.items() if value}, notes)
    return _settle(row, notes, Accepted(row.number, code or "", directory=made))


def _checked(item: Item) -> list[FailedCheck]:
    """Return the findings of the checks on the row itself. C-8 (the unit belongs to the county) needs the county's
    lists, and C-6 is skipped for a row that does not state its type.
    """
    found = check_item(item, Context(region="000000000000"))
    skipped = {"C-8"} if item.task_type else {"C-8", "C-6"}
    return [finding for finding in found if finding.check not in skipped]


def note_findings(findings: list[FailedCheck], notes: Notes) -> None:
    """Note the findings as violations and warnings of the row."""
    for finding in findings:
        if finding.severity == "reject":
            notes.refuse(finding.field, finding.check, finding.message, finding.value)
        else:
            notes.warn(_warning_name(finding), finding.field, f"{finding.check}: {finding.message}", finding.value)


def _item_code(given: Mapping[str, Any], notes: Notes) -> str | None:
    code = token(given.get("code"), "code", notes)
    if code is None:
        if not notes.violations:
            notes.refuse("code", Rule.REQUIRED, "the row has no 实施编码", given.get("code"))
        return None
    try:
        parse_item_code(code)
    except CodeError as error:
        notes.refuse("code", error.rule, error.message, code)
    return code


def _gone(given: Mapping[str, Any], notes: Notes) -> WarningName | None:
    operation = token(given.get("operation"), "operation", notes)
    if operation not in (None, *tables.CD_OPERATION):
        notes.refuse("operation", Rule.OPERATION, "expected I, U or D", operation)
    if operation == "D":
        return WarningName.DELETED
    state = one_code(given.get("task_state"), "task_state", "task_state", notes)
    return _GONE.get(state or "")


def _state(given: Mapping[str, Any], gone: WarningName | None, notes: Notes) -> RowState | None:
    """Return what the row states of the item's state; None if it has no column for it."""
    if gone:
        return RowState.SUSPENDED if gone == WarningName.SUSPENDED else RowState.WITHDRAWN
    said = one_code(given.get("task_state"), "task_state", "task_state", notes) == _IN_USE
    return RowState.IN_USE if said or token(given.get("operation"), "operation", notes) else None


def _region(given: Mapping[str, Any], code: str, notes: Notes) -> str | None:
    region = token(given.get("region"), "region", notes)
    if region is None:
        inside = code[REGION]
        if not (inside.isascii() and inside.isdigit()):
            return None
        notes.warn(WarningName.REGION_FROM_CODE, "region", "not stated, derived from the unit's code", inside)
        return inside.ljust(12, "0")
    if len(region) not in (6, 9, 12) or not (region.isascii() and region.isdigit()):
        notes.refuse("region", Rule.REGION, "expected 行政区划 of 6, 9 or 12 digits", given.get("region"))
        return None
    return region.ljust(12, "0")


def _identity(given: Mapping[str, Any], code: str, dialect: str | None, notes: Notes) -> Values:
    """Return the fields that the code contains, where the row does not give them; where it does, the checks compare."""
    level = given.get("use_level")
    values = {
        "code": code,
        "catalog_code": token(given.get("catalog_code"), "catalog_code", notes) or code[BASIC],
        "task_type": task_type(given.get("task_type"), given.get("type_label"), dialect, notes),
        "use_level": one_code(level, "use_level", "use_level", notes) or code[LEVEL],
        "dept_code": _unit(given.get("dept_code"), code, notes),
    }
    return {name: value for name, value in values.items() if value is not None}


def _unit(value: Any, code: str, notes: Notes) -> str:
    """Return 实施主体编码 as USCC; an organisation code (with or without hyphen) that fits is completed (C-3)."""
    given = token(value, "dept_code", notes)
    if given is None or given == code[USCC]:
        return code[USCC]
    bare = given.replace("-", "")
    if bare in (code[USCC], code[ORG9]):
        if bare != given:
            notes.warn(WarningName.DEPT_CODE_REPAIRED, "dept_code", f"written as {code[USCC]}", given)
        return code[USCC]
    return given


def _levels(value: Any, notes: Notes) -> list[str]:
    found = [(entry, known_code(entry, "use_level")) for entry in entries(value, "use_level", notes)]
    for entry, level in found:
        if level is None:
            notes.refuse("use_level", Rule.CODE_TABLE, "neither a code nor a label of the table use_level", entry)
    return list(dict.fromkeys(level for _, level in found if level))


def _guide(given: Mapping[str, Any], item: Item | None, notes: Notes) -> Guide | None:
    if item is not None and item.task_type and item.task_type not in tables.APPLICABLE_TASK_TYPES:
        if any(given.get(name) for name in GUIDE_FIELDS):
            message = f"{tables.TASK_TYPE[item.task_type]} has no guide because it has no applications"
            notes.warn(WarningName.GUIDE_LEFT_OUT, "task_type", message, item.task_type)
        return None
    values = without_unwritten(without_lost(guide_values(given, notes), notes), notes)
    if item is None:
        return None
    if not any(value or name == "materials" for name, value in values.items()):
        message = "the row states nothing of a guide: no guide is released"
        notes.warn(WarningName.GUIDE_EMPTY, "accept_condition", message, item.code)
        return None
    shared = {"code": item.code, "task_name": item.task_name, "dept_name": item.dept_name, "by_law": item.by_law}
    return built(Guide, values | {name: value for name, value in shared.items() if value}, notes)


def _directory(given: Mapping[str, Any], item: Item | None, notes: Notes) -> DirectoryRow | None:
    name = line(given.get("catalog_name"), "catalog_name", notes)
    if item is None or name is None or not item.task_type:
        return None
    values = {"catalog_code": item.catalog_code, "task_type": item.task_type, "use_level": [item.use_level]}
    return built(DirectoryRow, values | {"task_name": name}, notes)


def _settle(row: Row, notes: Notes, accepted: Accepted) -> Outcome:
    if refused := refusals(notes):
        return Rejected(row.number, refused, row.raw, accepted.code or None, row.sheet)
    noted = [*notes.warnings, *losses(notes)]
    return replace(accepted, sheet=row.sheet, warnings=[replace(one, sheet=row.sheet) for one in noted])


def _warning_name(finding: FailedCheck) -> WarningName:
    return WarningName.USCC_PSEUDO if finding.flag == USCC_PSEUDO else WarningName.CHECK_WARNING

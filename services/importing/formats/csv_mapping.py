"""CSV by a YAML mapping that the user writes: which column fills which of our fields, and how.

    encoding: gb18030            # optional: detected
    delimiter: ","               # optional: detected
    header_row: 2                # optional: the first row that has all columns
    dialect: guangdong           # optional: how 事项类型 is written; default: national
    constants: {region: "339921"}
    columns:
      code: 实施编码
      serve_type: {column: 服务对象, split: "、"}
      is_online: {column: 网办, map: {全程: 是, 不可: 否}}
      promise_day: {column: 时限, pattern: '承诺(\\d+)个工作日'}

Our fields: `services.importing.fields.flat_fields.KNOWN_FIELDS`. README.md of importing has a complete example.
"""

import re
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, ConfigDict, Field, ValidationError, model_validator

from contracts.base import Contract
from contracts.codes.tables import DIALECTS
from services.importing.fields.assembly import assemble
from services.importing.fields.cell_text import readable_value
from services.importing.fields.children import SHAPES
from services.importing.fields.conversions import cleaned_text, is_placeholder
from services.importing.fields.flat_fields import KNOWN_FIELDS
from services.importing.fields.notes import Notes, Rule, shown
from services.importing.formats.csv_reading import CODECS
from services.importing.formats.yaml_text import OneKeyLoader
from services.importing.row import Outcome, Row, WarningName
from shared.errors import Invalid, NotFound, TooLarge, Violation

LARGEST_MAPPING = 64 * 1024
LONGEST_MATCHED = 20_000
UNIT = "unit"
_DAYS = frozenset({"anticipate_day", "promise_day"})
_UNIT_AFTER = re.compile(r"\s*[（(]?\s*(个?工作日|个?自然日|天|日)")


def _one_of(known: Iterable[str]) -> AfterValidator:
    words = sorted(known)

    def check(value: str) -> str:
        if value.lower() not in words:
            raise ValueError(f"expected one of {', '.join(words)}")
        return value.lower()

    return AfterValidator(check)


def _expression(pattern: str) -> str:
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"not a regular expression: {error}") from None
    if compiled.groups - (UNIT in compiled.groupindex) > 1:
        raise ValueError("at most one group (…) for the value, and (?P<unit>…); write other groups as (?:…)")
    return pattern


class ColumnRule(Contract):
    """The rule for one column. `split` makes several values, `pattern` takes a part of each, `map` replaces it.

    `pattern`  regular expression searched in the value; its group, or the whole match, is taken; no match: rejected.
               If only the number of a time limit is taken, its unit is the word that follows the number, or what
               the group `(?P<unit>…)` finds
    `map`      value → replacement (null: no value); a value that is not listed is unchanged
    """

    model_config = ConfigDict(str_strip_whitespace=False, coerce_numbers_to_str=True)

    column: str = Field(min_length=1)
    split: str | None = Field(default=None, min_length=1, max_length=10)
    pattern: Annotated[str, AfterValidator(_expression)] | None = None
    map: dict[str, str | None] = Field(default={})


class ChildTable(Contract):
    """A table with a row for each child of an item: a sheet, a file beside the list, or (neither) the list itself.

    `code`     the column with the item's code; not needed in the list itself
    `columns`  a field of the child → its column
    """

    model_config = ConfigDict(str_strip_whitespace=False)

    sheet: str = ""
    file: str = Field(default="", max_length=200)
    code: str = ""
    header_row: int | None = Field(default=None, ge=1, le=1000)
    columns: dict[str, str] = Field(min_length=1)

    @property
    def is_apart(self) -> bool:
        """Whether the children are in another table than their items."""
        return bool(self.sheet or self.file)


class CsvMapping(Contract):
    """A mapping file.

    `columns`: our field → the file's column, or a rule; `constants`: field → one value for all rows; `sheets`: those
    of a workbook that list items, all by default; `children`: our field → the table of its entries.
    """

    model_config = ConfigDict(str_strip_whitespace=False)

    encoding: Annotated[str, _one_of(CODECS)] | None = None
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    header_row: int | None = Field(default=None, ge=1, le=1000)
    dialect: Annotated[str, _one_of({"national", *DIALECTS})] | None = None
    constants: dict[str, str | int | bool | list[str] | None] = Field(default={})
    columns: dict[str, ColumnRule] = Field(default={})
    sheets: list[str] = Field(default=[])
    children: dict[str, ChildTable] = Field(default={})

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not isinstance(values.get("columns"), dict):
            return values
        columns = {
            field: {"column": rule} if isinstance(rule, str) else rule for field, rule in values["columns"].items()
        }
        return {**values, "columns": columns}

    @property
    def needed(self) -> list[str]:
        """The columns that the table of the items must have."""
        inline = [name for one in self.children.values() if not one.is_apart for name in one.columns.values()]
        return list(dict.fromkeys([*(rule.column for rule in self.columns.values()), *inline]))


def load_mapping(path: Path) -> CsvMapping:
    """Read the mapping in `path`.

    Raises `Invalid`, each violation with the file's name and the place in it; `NotFound`, `TooLarge`.
    """
    if not path.is_file():
        raise NotFound(f"{path.name}: the mapping does not exist")
    if path.stat().st_size > LARGEST_MAPPING:
        raise TooLarge(f"{path.name}: a mapping has at most {LARGEST_MAPPING:,} bytes")
    try:
        content = yaml.load(path.read_bytes(), OneKeyLoader)  # noqa: S506 - a SafeLoader that minds repeated keys
        mapping = CsvMapping.model_validate(content)
    except ValidationError as error:
        raise Invalid(*_complaints(error, path)) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Invalid(Violation(path.name, "yaml", f"not YAML: {shown(str(error))}")) from None
    problems = _field_problems(mapping)
    if problems:
        raise Invalid(*(Violation(f"{path.name}: {place}", rule, message) for place, rule, message in problems))
    return mapping


def converter(mapping: CsvMapping) -> Callable[[Row], Outcome]:
    """Return the conversion of one CSV row by `mapping`. It never raises."""
    columns = {field: rule.column for field, rule in mapping.columns.items()}
    used = frozenset(mapping.needed)
    dialect = None if mapping.dialect == "national" else mapping.dialect

    told: set[str] = set()

    def convert(row: Row) -> Outcome:
        notes = Notes(columns)
        _note_lost(row, used, told, notes)
        given = {field: _taken(row.raw.get(rule.column), field, rule, notes) for field, rule in mapping.columns.items()}
        for field, rows in row.children.items():
            given[field] = _children(field, rows, mapping.children[field], notes)
        return assemble(row, {**mapping.constants, **given}, notes, dialect)

    return convert


def _note_lost(row: Row, used: frozenset[str], told: set[str], notes: Notes) -> None:
    """Warn once, at the first row with a value, of each column that the mapping does not use."""
    for name, cell in row.raw.items():
        if name not in used and name not in told and isinstance(cell, str) and cell.strip():
            told.add(name)
            message = "a column that the mapping does not use: its values are left out"
            notes.warn(WarningName.COLUMN_LEFT_OUT, name, message, cell)


def _children(field: str, rows: list[Row], table: ChildTable, notes: Notes) -> list[dict[str, Any]]:
    """Return one object per row of a child table; notes name the column and the row there."""
    made = []
    for index, row in enumerate(rows):
        place = f"{row.sheet} row {row.number}".strip()
        names = {f"{field}[{index}].{ours}": f"{column} ({place})" for ours, column in table.columns.items()}
        notes.places |= names | {f"{field}[{index}]": f"({place})"}
        cells = (
            (ours, name, row.raw.get(table.columns[ours])) for ours, name in zip(table.columns, names, strict=True)
        )
        made.append({ours: readable_value(cell, name, notes) for ours, name, cell in cells if cell and cell.strip()})
    return made


def _taken(cell: Any, field: str, rule: ColumnRule, notes: Notes) -> Any:
    if not isinstance(cell, str) or not cell.strip():
        return None
    cell = readable_value(cell, field, notes)
    values = [piece.strip() for piece in (cell.split(rule.split) if rule.split else [cell])]
    made = [_part(value, field, rule, notes) for value in values if value]
    kept = [rule.map.get(value, value) for value in made if value is not None]
    return kept if rule.split else next(iter(kept), None)


def _part(value: str, field: str, rule: ColumnRule, notes: Notes) -> str | None:
    if rule.pattern is None or is_placeholder(cleaned_text(value)):
        return value
    found = re.search(rule.pattern, value[:LONGEST_MATCHED])
    if found is None:
        notes.refuse(field, Rule.PATTERN, f"the mapping's pattern {rule.pattern} is not in it", value)
        return None
    named = found.re.groupindex.get(UNIT)
    group = next((number for number in range(1, found.re.groups + 1) if number != named), 0)
    taken: str | None = found[group]
    if field not in _DAYS or taken is None or taken in rule.map or not taken.strip().isdigit():
        return taken
    return taken.strip() + _unit(found, group)


def _unit(found: re.Match[str], group: int) -> str:
    """Return the unit of a time limit whose pattern takes only the digits, so that it stays with its number.

    Else "".
    """
    named = found[UNIT] if UNIT in found.re.groupindex else None
    after = _UNIT_AFTER.match(found.string, found.end(group))
    return named or (after[1] if after else "")


def _field_problems(mapping: CsvMapping) -> list[tuple[str, str, str]]:
    known = ", ".join(sorted(KNOWN_FIELDS))
    problems = [
        (f"{part}.{field}", "unknown_field", f"unknown field; known fields: {known}")
        for part, fields in (("columns", mapping.columns), ("constants", mapping.constants))
        for field in _outside(fields, KNOWN_FIELDS)
    ]
    twice = [field for field in mapping.constants if field in mapping.columns]
    problems += [(f"constants.{field}", "given_twice", "is also in columns") for field in twice]
    problems += [
        problem for name, table in mapping.children.items() for problem in _child_problems(name, table, mapping)
    ]
    if "code" not in mapping.columns:
        problems.append(("columns.code", str(Rule.REQUIRED), "every row needs its 实施编码"))
    return problems


def _child_problems(name: str, table: ChildTable, mapping: CsvMapping) -> Iterator[tuple[str, str, str]]:
    place = f"children.{name}"
    if name not in SHAPES:
        yield place, "unknown_field", f"unknown child table; known: {', '.join(SHAPES)}"
        return
    fields = SHAPES[name].fields
    for field in _outside(table.columns, fields):
        yield f"{place}.columns.{field}", "unknown_field", f"unknown field; known fields: {', '.join(fields)}"
    if name in mapping.columns or name in mapping.constants:
        yield place, "given_twice", "is also in columns or constants"
    if table.sheet and table.file:
        yield place, "given_twice", "has a sheet and a file: keep one"
    if table.is_apart and not table.code:
        yield f"{place}.code", str(Rule.REQUIRED), "the column with the item's 实施编码"


def _outside(fields: Iterable[str], known: Container[str]) -> list[str]:
    return [field for field in fields if field not in known]


def _complaints(error: ValidationError, path: Path) -> list[Violation]:
    found = []
    for problem in error.errors(include_url=False, include_context=False):
        place = ".".join(map(str, problem["loc"])) or "(whole file)"
        found.append(Violation(f"{path.name}: {place}", problem["type"], problem["msg"], shown(problem["input"])))
    return found

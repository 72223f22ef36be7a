"""A table of local codes: which 实施编码 (31 or 33 characters) a code of the county's own system stands for.

A CSV file or workbook with the columns 本地编码 and 实施编码 (or `local_code` and `code`), a row for each code. A row
of an import that has the local code counts as one of the 实施编码; its local code becomes 地方实施编码
(`local_task_code`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from contracts.codes.identifiers import CodeError, parse_item_code
from services.importing.fields.children import snake
from services.importing.fields.conversions import compared
from services.importing.row import Rejected, Row
from shared.errors import Invalid, Violation

LOCAL_NAMES = ("本地编码", "地方编码", "local_code")
CODE_NAMES = ("实施编码", "事项编码", "code")
MOST_CODES = 200_000


@dataclass(frozen=True)
class LocalCodes:
    """Local code → 实施编码."""

    codes: Mapping[str, str] = field(default_factory=dict)

    def applied(self, row: Row, column: str) -> Row:
        """Return the row with its 实施编码 instead of a local code. `column`: the one with the code."""
        name = next((one for one in row.raw if one == column or snake(one) == column), None)
        given = row.raw.get(name) if name is not None else None
        code = self.codes.get(_key(given)) if isinstance(given, str) else None
        if name is None or code is None or not isinstance(given, str):
            return row
        return replace(row, raw={**row.raw, name: code}, local_code=given.strip())


def local_codes(rows: Iterable[Row | Rejected], name: str) -> LocalCodes:
    """Return the table in `rows`. Raises `Invalid` with every wrong row. `name`: the file, for messages."""
    found: dict[str, str] = {}
    problems: list[Violation] = []
    for row in rows:
        place = f"{name}: row {row.number}"
        if isinstance(row, Rejected):
            problems += [replace(one, field=f"{place}: {one.field}") for one in row.violations]
            continue
        local, code = (_key(_first(row, names)) for names in (LOCAL_NAMES, CODE_NAMES))
        problem = _problem(local, code, found)
        if problem:
            problems.append(Violation(place, "local_code", problem, local or None))
        found.setdefault(local, code)
    if len(found) > MOST_CODES:
        problems.append(Violation(name, "local_code", f"more than {MOST_CODES:,} codes"))
    if problems:
        raise Invalid(*problems[:100])
    return LocalCodes(found)


def _problem(local: str, code: str, found: Mapping[str, str]) -> str | None:
    if not local or not code:
        return f"expected a code in {LOCAL_NAMES[0]} and in {CODE_NAMES[0]}"
    if found.get(local, code) != code:
        return f"stands for {found[local]} in another row, and for {code} here: keep one"
    try:
        parse_item_code(code)
    except CodeError as error:
        return f"{code}: {error.message}"
    return None


def _first(row: Row, names: Iterable[str]) -> str:
    return next((str(row.raw[name]) for name in names if row.raw.get(name)), "")


def _key(text: str) -> str:
    return compared(text).upper()

"""Lists of items as tables: one row an item, one column a field, in words; and back, as drafts.

A cell that is as it was exported changes nothing. What a changed cell says is merged with what others saved since.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from contracts.base import Json
from services.console.content.differences import Difference, differences
from services.console.content.problems import problems_of
from services.console.content.reading import Problem, Read, Unreadable, value_of
from services.console.content.shape import ContentKind, FieldKind, FieldShape, label_of, shape_of
from services.console.content.typed import text_of
from services.console.drafts.rewriting import WORDS, rewrite
from services.console.upstream.editions import Editions
from shared.errors import Invalid, Violation
from shared.publishing.reviews.roles import may_write
from shared.tokens.person import Person

CODE = "code"
FIXED = frozenset({CODE})
MOST_ROWS = 5000
MOST_NAMED = 20
JOIN = "；"
FINGERPRINTS = "指纹（请勿改动）"
"""Title of the column that says how each cell was exported: only so can a table that is days old overwrite nothing that
was changed meanwhile.
"""
DIGITS = 6
"""Of the fingerprint of a cell. A collision would leave a change out, which the preview shows."""
Row = Mapping[str, str]
"""Column title → cell."""
RowState = Literal["changed", "unchanged", "wrong", "unknown", "foreign"]
ROW_WORDS: dict[RowState, str] = {
    "changed": "有修改",
    "unchanged": "没有变化",
    "wrong": "有错误，不会保存",
    "unknown": "没有这个编码的事项，请在页面上新建",
    "foreign": "不是您部门的事项，不会保存",
}


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What one row does, or did. `line`: in the file, from 1, the header being line 1."""

    line: int
    code: str
    name: str
    state: RowState
    found: list[Difference]
    problems: list[Problem]
    result: str = ""

    @property
    def words(self) -> str:
        return WORDS.get(self.result, ROW_WORDS[self.state])  # type: ignore[call-overload, no-any-return]

    def as_json(self) -> Json:
        problems = [{"path": one.path, "rule": one.rule, "message": one.message} for one in self.problems]
        return {
            "line": self.line,
            "code": self.code,
            "name": self.name,
            "state": self.state,
            "result": self.result,
            "differences": [one.as_json() for one in self.found],
            "problems": problems,
        }


def columns() -> dict[str, FieldShape]:
    """Return the fields that a table has, by their titles: every field of an item that fits into a cell."""
    return {one.label: one for one in shape_of(ContentKind.ITEM).values() if one.kind is not FieldKind.PARTS}


def cells_of(body: Json) -> list[str]:
    """Return an item as cells, in the order of `columns`: words, not codes; last the fingerprint of each cell."""
    cells = [_cell(field, body.get(field.name)) for field in columns().values()]
    return [*cells, "".join(_fingerprint(cell) for cell in cells)]


@dataclass(frozen=True, slots=True)
class Change:
    """The body with what a row's cells say, and what is wrong with them."""

    body: Json
    problems: list[Problem]


def changed_by(row: Row, body: Json) -> Change:
    """Return what the row's cells say about a body. A cell that is as it was exported, or is missing, says nothing.

    A cell that was changed here while somebody changed the same field at the source is a problem: the row's author has
    not seen that value.
    """
    made, problems = dict(body), list[Problem]()
    for place, (title, field) in enumerate(columns().items()):
        cell, now = row.get(title), _cell(field, body.get(field.name))
        exported = row[FINGERPRINTS][place * DIGITS : (place + 1) * DIGITS]
        if field.name in FIXED or cell is None or cell.strip() == now or _fingerprint(cell.strip()) == exported:
            continue
        if _fingerprint(now) != exported:
            problems.append(Problem(field.name, "changed_since", f"导出之后别人改成了“{now}”，请重新导出再改"))
            continue
        try:
            value = value_of(field, _lines(field, cell))
        except Unreadable as error:
            problems.append(Problem(field.name, error.rule, str(error)))
            continue
        if value in (None, []) and not field.required:
            made.pop(field.name, None)
        else:
            made[field.name] = value
    return Change(made, problems)


@dataclass(frozen=True)
class Tables:
    """Tables of the items at their source."""

    editions: Editions

    def rows(self, person: Person, **wanted: str) -> Iterator[list[str]]:
        """Yield the header, then each item found by `q`, `department` and `state`, as `cells_of`."""
        yield [*columns(), FINGERPRINTS]
        after: str | None = ""
        while after is not None:
            page = self.editions.overview(ContentKind.ITEM, person, **wanted, after=after, limit=200)
            for row in page["rows"]:
                edition = self.editions.find(ContentKind.ITEM, row["code"], person)
                if edition is not None:
                    yield cells_of(edition.draft)
            after = page["next"]

    def preview(self, person: Person, rows: Sequence[Row]) -> list[RowOutcome]:
        """Return what each row would change. Raises `Invalid` for a table that is none of ours."""
        _check(rows)
        return [self._seen(person, line, row) for line, row in enumerate(rows, start=2)]

    def save(self, person: Person, rows: Sequence[Row]) -> list[RowOutcome]:
        """Save a draft of each item that a row changes; rows with errors change nothing. Raises as `preview`."""
        return [self._saved(person, rows[one.line - 2], one) for one in self.preview(person, rows)]

    def _seen(self, person: Person, line: int, row: Row) -> RowOutcome:
        code = (row.get(_title(CODE)) or "").strip().upper()
        if not may_write(person, code):
            return RowOutcome(line, code, "", "foreign", [], [])
        well_formed = code.isascii() and code.isalnum() and len(code) in (31, 33)
        edition = self.editions.find(ContentKind.ITEM, code, person) if well_formed else None
        if edition is None:
            return RowOutcome(line, code, "", "unknown", [], [])
        change = changed_by(row, edition.draft)
        problems = change.problems
        if not problems and change.body != edition.draft:
            problems = problems_of(ContentKind.ITEM, Read(change.body, []))
        found = differences(ContentKind.ITEM, edition.draft, change.body)
        state: RowState = "wrong" if problems else "changed" if found else "unchanged"
        told = [replace(one, message=f"{label_of(ContentKind.ITEM, one.path)}：{one.message}") for one in problems]
        return RowOutcome(line, code, str(edition.draft.get("task_name", "")), state, found, told)

    def _saved(self, person: Person, row: Row, seen: RowOutcome) -> RowOutcome:
        if seen.state != "changed":
            return seen

        def change(body: Json) -> Json:
            newest = changed_by(row, body)
            # Somebody has changed the same field since the preview: the row changes nothing.
            return body if newest.problems else newest.body

        done = rewrite(self.editions, person, ContentKind.ITEM, seen.code, change)
        found = differences(ContentKind.ITEM, done.before, done.after) if done.before else seen.found
        told = [Problem(one.field, one.rule, one.message) for one in done.violations]
        return RowOutcome(seen.line, seen.code, seen.name, seen.state, found, told, done.result)


def _check(rows: Sequence[Row]) -> None:
    """Raise `Invalid` for a table without the column of codes, with too many rows, or a code twice."""
    if len(rows) > MOST_ROWS:
        raise Invalid(Violation("file", "too_long", f"at most {MOST_ROWS} rows"))
    needed = (_title(CODE), FINGERPRINTS)
    if not rows or any(title not in rows[0] for title in needed):
        raise Invalid(Violation("file", "columns", f"the first line must have the columns {', '.join(needed)}"))
    if any(len(row.get(FINGERPRINTS, "")) != len(columns()) * DIGITS for row in rows):
        raise Invalid(Violation("file", "fingerprint", f"the column {FINGERPRINTS} must stay as it was exported"))
    codes = [(row.get(_title(CODE)) or "").strip() for row in rows]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        raise Invalid(Violation("file", "repeated", f"in several rows: {', '.join(twice[:MOST_NAMED])}"))


def _title(name: str) -> str:
    return shape_of(ContentKind.ITEM)[name].label


def _fingerprint(cell: str) -> str:
    return hashlib.sha256(cell.encode()).hexdigest()[:DIGITS]


def _cell(field: FieldShape, value: object) -> str:
    if isinstance(value, list):
        return JOIN.join(field.codes.get(str(one), str(one)) for one in value)
    text = text_of(field, value)
    return field.codes.get(text, text) if field.kind is FieldKind.CODE else text


def _lines(field: FieldShape, cell: str) -> str:
    return cell.replace(JOIN, "\n") if field.kind in (FieldKind.CODES, FieldKind.WORDS) else cell

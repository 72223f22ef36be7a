"""What each import source stated last about each code: one side of the three-way merge."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import orjson
from sqlalchemy import BigInteger, Column, ColumnElement, Integer, MetaData, String, Table, Text, delete, func, select
from sqlmodel import Session

from contracts.base import Json
from contracts.codes.identifiers import PARENT
from shared.publishing.editions.model import CODES_A_STATEMENT
from shared.publishing.imports.request import ImportEntry, ItemState
from shared.publishing.statements import CODES_IN_USE, SAVE_STATEMENT

LONGEST_SOURCE = 50

imports_metadata = MetaData()

STATEMENTS = Table(
    "import_statement",
    imports_metadata,
    Column("source", String(LONGEST_SOURCE), primary_key=True),
    Column("code", String(64), primary_key=True),
    Column("version", BigInteger),
    Column("state", String(16)),
    Column("stated", Text, nullable=False),
    Column("starts", String(10)),
    Column("ends", String(10)),
    Column("conversion", String(100), nullable=False),
    Column("sha256", String(64)),
    Column("row", Integer),
    Column("before", Text),
)


@dataclass(frozen=True, slots=True)
class Statement:
    """The last statement of one source about one code.

    `stated`  every field that it ever stated, with its last value; null where it stated that the field is empty
    `before`  the statement before the file of this one, as JSON; None if there was none
    """

    version: int | None = None
    state: ItemState | None = None
    stated: Mapping[str, Any] = field(default_factory=dict)
    starts: date | None = None
    ends: date | None = None
    conversion: str = ""
    sha256: str | None = None
    row: int | None = None
    before: str | None = None

    @property
    def left(self) -> bool:
        """Whether the source itself has suspended or withdrawn the item."""
        return self.state in (ItemState.SUSPENDED, ItemState.WITHDRAWN)

    def after(self, entry: ImportEntry, stated: Json, conversion: str, sha256: str | None) -> "Statement":
        """Return the source's statement once this entry is added."""
        # A row that states no state lists the item, so the item is in use again.
        state = entry.state or (None if self.left else self.state)
        return Statement(
            version=max(filter(None, (self.version, entry.version)), default=entry.version),
            state=state,
            stated={**self.stated, **stated},
            starts=None if entry.drops_start else entry.starts or self.starts,
            ends=None if entry.drops_end else entry.ends or self.ends,
            conversion=conversion,
            sha256=sha256,
            row=entry.row,
            before=self.before if self.sha256 == sha256 and self is not NOTHING_SAID else self._packed(),
        )

    def _packed(self) -> str | None:
        if self is NOTHING_SAID:
            return None
        row = {name: value for name, value in _row("", "", self).items() if name not in ("source", "code", "before")}
        return orjson.dumps(row).decode()

    def says_the_same(self, other: "Statement | None") -> bool:
        """Whether both state the same, in whatever file and row."""
        return other is not None and _bare(self) == _bare(other)


def _bare(said: Statement) -> Statement:
    return replace(said, sha256=None, row=None, before=None)


NOTHING_SAID = Statement()


class StatementStore:
    """The statements of one source, in the caller's transaction."""

    def __init__(self, session: Session, source: str) -> None:
        self._connection, self._source = session.connection(), source
        # A name that no source can have: under it are the codes that were refused.
        self._refused = f"!{source}"[:LONGEST_SOURCE]

    def newest(self, codes: Iterable[str]) -> dict[str, Statement]:
        """Return the source's last statement about each of `codes`; codes it never mentioned are omitted."""
        found: dict[str, Statement] = {}
        columns = STATEMENTS.c
        for some in _runs(codes):
            query = select(STATEMENTS).where(columns.source == self._source, columns.code.in_(some))
            for row in self._connection.execute(query).mappings():
                found[row["code"]] = _statement(dict(row))
        return found

    def save(self, words: Mapping[str, Statement]) -> None:
        """Store the source's newest statements."""
        self._save(self._source, words)

    def refused_forms(self, codes: Iterable[str]) -> dict[str, list[str]]:
        """Map each code to codes of its other form (31 or 33 characters) that were refused because it was live.

        Codes that have been accepted since are not included.
        """
        columns, found = STATEMENTS.c, dict[str, list[str]]()
        for some in _runs(codes):
            query = select(columns.code).where(columns.source == self._refused, _same_item(some)).order_by(columns.code)
            for other in self._connection.execute(query).scalars():
                for code in some:
                    if code[PARENT] == other[PARENT] and len(code) != len(other):
                        found.setdefault(code, []).append(other)
        return found

    def note_refusals(self, refused: Iterable[str], left: Iterable[str]) -> None:
        """Store which codes were `refused` because the item is live in its other form.

        Refusals of items of which a code has `left` are deleted: the other form can be imported now.
        """
        for some in _runs(left):
            self._connection.execute(delete(STATEMENTS).where(STATEMENTS.c.source == self._refused, _same_item(some)))
        self._save(self._refused, dict.fromkeys(refused, NOTHING_SAID))

    def go_back(self, sha256: str, left: Collection[str], withdrawn: Collection[str]) -> None:
        """Make the statements of a file what they were before it, except those about `left`.

        `withdrawn`: codes that were not shown before it. A source that had said nothing of one has now withdrawn it, so
        that the code returns when a file lists it again; otherwise it would look withdrawn by hand.
        """
        columns = STATEMENTS.c
        mine = select(STATEMENTS).where(columns.source == self._source, columns.sha256 == sha256)
        found = [dict(row) for row in self._connection.execute(mine).mappings() if row["code"] not in left]
        gone = Statement(state=ItemState.WITHDRAWN)
        earlier = {row["code"]: _unpacked(row["before"]) for row in found if row["before"]}
        earlier |= {row["code"]: gone for row in found if not row["before"] and row["code"] in withdrawn}
        for some in _runs(row["code"] for row in found if row["code"] not in earlier):
            self._connection.execute(delete(STATEMENTS).where(columns.source == self._source, columns.code.in_(some)))
        self.save(earlier)

    def codes_in_use(self, after: str, limit: int) -> list[str]:
        """Return released codes that the source has stated to be in use, in order."""
        values = {"source": self._source, "after": after, "limit": limit}
        return list(self._connection.execute(CODES_IN_USE, values).scalars())

    def _save(self, source: str, words: Mapping[str, Statement]) -> None:
        if words:
            self._connection.execute(SAVE_STATEMENT, [_row(source, code, said) for code, said in words.items()])


def _runs(codes: Iterable[str]) -> Iterator[list[str]]:
    """Yield the codes in order, as many at a time as one statement takes."""
    wanted = sorted(set(codes))
    for start in range(0, len(wanted), CODES_A_STATEMENT):
        yield wanted[start : start + CODES_A_STATEMENT]


def _same_item(codes: Iterable[str]) -> ColumnElement[bool]:
    return func.substr(STATEMENTS.c.code, 1, 31).in_({code[PARENT] for code in codes})


def _statement(row: Mapping[str, Any]) -> Statement:
    return Statement(
        version=row["version"],
        state=ItemState(row["state"]) if row["state"] else None,
        stated=orjson.loads(row["stated"]),
        starts=date.fromisoformat(row["starts"]) if row["starts"] else None,
        ends=date.fromisoformat(row["ends"]) if row["ends"] else None,
        conversion=row["conversion"],
        sha256=row["sha256"],
        row=row["row"],
        before=row["before"],
    )


def _unpacked(before: str) -> Statement:
    return _statement({**orjson.loads(before), "before": None})


def _row(source: str, code: str, said: Statement) -> dict[str, Any]:
    return {
        "source": source,
        "code": code,
        "version": said.version,
        "state": said.state,
        "stated": orjson.dumps(said.stated, option=orjson.OPT_SORT_KEYS).decode(),
        "starts": said.starts.isoformat() if said.starts else None,
        "ends": said.ends.isoformat() if said.ends else None,
        "conversion": said.conversion,
        "sha256": said.sha256,
        "row": said.row,
        "before": said.before,
    }

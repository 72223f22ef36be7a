"""Which fields of a body are codes, and of which table: a released body contains no other codes.

Each contract lists its coded fields in `CODED`. `unknown_codes` is called wherever a body is accepted: drafts, the
基本目录, imports, and the release itself. Bodies that an earlier version accepted stay readable: a reader shows a code
that is not in its table as unknown (ADR 0049).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from contracts.codes.declared_fields import declared_values
from contracts.codes.tables import TABLES

RULE = "code_table"
MOST_NAMED = 12
LONGEST_VALUE = 80


@dataclass(frozen=True, slots=True)
class UnknownCode:
    """A value that is not in its table. `field`: path in the body, such as `materials.2.material_type`."""

    field: str
    table: str
    value: str

    @property
    def message(self) -> str:
        """Rule and remedy, for people."""
        return f"is not a code of the table {self.table}: {remedy(self.table)}"


def remedy(table: str) -> str:
    """Return what to write instead."""
    known = [f"{code} {label}" for code, label in TABLES[table].items()]
    more = "" if len(known) <= MOST_NAMED else f" … ({len(known)} codes, contracts/codes/tables.py)"
    return f"write {', '.join(known[:MOST_NAMED])}{more}, or leave the field out if the value is unknown"


def unknown_codes(content: BaseModel) -> Iterator[UnknownCode]:
    """Yield every code in `content`, at any depth, that is not in its table, in order of fields."""
    for field, table, code in declared_values(content, "CODED"):
        if code not in TABLES[table]:
            yield UnknownCode(field, table, code[:LONGEST_VALUE])

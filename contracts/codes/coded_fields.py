"""Which fields of a body are codes, and of which table: a released body contains no other codes.

Each contract lists its coded fields in `CODED`. `unknown_codes` is called wherever a body is accepted: drafts, the
基本目录, imports, and the release itself. Bodies that an earlier version accepted stay readable: a reader shows a code
that is not in its table as unknown (ADR 0049).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel

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
    coded, parts = _shape(type(content))
    for name, table in coded:
        value = getattr(content, name)
        many = isinstance(value, list)
        for place, code in enumerate(value if many else [value]):
            if code is not None and code not in TABLES[table]:
                yield UnknownCode(f"{name}.{place}" if many else name, table, code[:LONGEST_VALUE])
    for name in parts:
        for place, part in enumerate(getattr(content, name) or ()):
            for found in unknown_codes(part):
                yield UnknownCode(f"{name}.{place}.{found.field}", found.table, found.value)


def coded_fields(model: type[BaseModel]) -> Mapping[str, str]:
    """Map field → table, of this contract alone."""
    return dict(getattr(model, "CODED", {}))


@cache
def _shape(model: type[BaseModel]) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Return its coded fields, and its list fields whose contracts have coded fields at any depth."""
    inner = {name: next(_contracts_in(info.annotation), None) for name, info in model.model_fields.items()}
    parts = tuple(name for name, part in inner.items() if part is not None and any(_shape(part)))
    return tuple(coded_fields(model).items()), parts


def _contracts_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the contract in `list[Contract] | None`."""
    if get_origin(annotation) is list:
        yield from (one for one in get_args(annotation) if isinstance(one, type) and issubclass(one, BaseModel))
    for argument in get_args(annotation):
        yield from _contracts_in(argument)

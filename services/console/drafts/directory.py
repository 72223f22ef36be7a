"""The 基本目录 as an editor sees it who begins an item: rows found by name, and the code of an item of a row."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contracts.base import Json
from contracts.codes.tables import TASK_TYPE, USE_LEVEL
from services.console.upstream.editions import HttpServices
from shared.errors import NotFound
from shared.tokens.person import Person

SHARED = "7"
"""行使层级 分级管理: every level may exercise the item."""
UNIT = re.compile(r"[0-9A-Z]{18}")
SITUATION = re.compile(r"[0-9]{2}")
MOST_FOUND = 50


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the 基本目录. `levels`: code → label of the levels that may exercise it."""

    basic: str
    name: str
    kind: str
    levels: Mapping[str, str]

    @property
    def kind_title(self) -> str:
        """事项类型 in Chinese."""
        return TASK_TYPE.get(self.kind, self.kind)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What makes a code of a row: unit (USCC), level, and the situation of a 业务办理项, "" for none."""

    unit: str
    level: str
    situation: str

    def problems(self, row: Row) -> dict[str, str]:
        """Return what is wrong, in Chinese, by the name of the field."""
        found = {}
        if not UNIT.fullmatch(self.unit):
            found["unit"] = "请选择实施单位；它的统一社会信用代码是18位"
        if self.level not in row.levels:
            found["level"] = f"这个事项的行使层级只能是：{'、'.join(row.levels.values())}"
        if self.situation and not SITUATION.fullmatch(self.situation):
            found["situation"] = "情形编号是两位数字，例如 01；不分情形请留空"
        return found

    def code(self, row: Row) -> str:
        """Return the 实施编码, or the 业务办理项编码 of the situation (domain reference 3.2)."""
        return f"{self.unit}{self.level}{row.basic}{self.situation}"


@dataclass(frozen=True, slots=True)
class Directory:
    """The county's 基本目录 at the catalogue."""

    services: HttpServices

    def found(self, person: Person, words: str) -> tuple[list[Row], int]:
        """Return the rows whose name or code contains each of the words, at most `MOST_FOUND`, and how many there are.

        Without words every row is found.
        """
        wanted = words.upper().split()
        rows = [row for row in self._rows(person) if all(word in f"{row.name.upper()} {row.basic}" for word in wanted)]
        return rows[:MOST_FOUND], len(rows)

    def row(self, person: Person, basic: str) -> Row:
        """Return a row. Raises `NotFound`."""
        for row in self._rows(person):
            if row.basic == basic:
                return row
        raise NotFound(f"the 基本目录 has no row {basic}")

    def _rows(self, person: Person) -> Iterable[Row]:
        told = self.services.get("catalog", "directory", person).content
        return [_row(one) for one in (*told["rows"], *told["guessed"])]


def _row(told: Json) -> Row:
    levels = [level for level in told["use_level"] if level in USE_LEVEL]
    if SHARED in levels:
        levels = [level for level in USE_LEVEL if level != SHARED]
    return Row(told["catalog_code"], told["task_name"], told["task_type"], {one: USE_LEVEL[one] for one in levels})

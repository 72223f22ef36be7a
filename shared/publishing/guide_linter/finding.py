"""What a rule of the guide linter is given, and what it reports."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from contracts.base import Json
from contracts.content.guides import Guide
from contracts.content.items import Item

Document = Literal["item", "guide"]

REPEALED_BY_CIVIL_CODE = (
    "婚姻法", "继承法", "民法通则", "收养法", "担保法", "合同法", "物权法", "侵权责任法", "民法总则",
)  # fmt: skip
REPEALED: Mapping[str, str] = {
    f"中华人民共和国{name}": "自2021年1月1日起由《中华人民共和国民法典》废止" for name in REPEALED_BY_CIVIL_CODE
}
"""Laws that 民法典 art. 1260 repeals, by their full names. A county adds the repeals that it knows."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that breaks a rule. `field`: path in the document, such as `materials.2.material_name`.

    `message` says what is wrong and `remedy` what to write, both in Chinese. `certain` is False where a person has to
    judge, because the rule reads words.
    """

    rule: str
    document: Document
    field: str
    message: str
    remedy: str
    certain: bool = True

    def as_json(self) -> Json:
        return {
            "rule": self.rule,
            "document": self.document,
            "field": self.field,
            "message": self.message,
            "remedy": self.remedy,
            "certain": self.certain,
        }


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked: the item, its guide, or both; None for what is not written yet.

    `today` in the county's time zone. `repealed`: full name of a law → by what, since when. `certificates`: names in
    the county's 证明事项清单; None: no list was given, so nothing can be said about it.
    """

    item: Item | None
    guide: Guide | None
    today: date
    repealed: Mapping[str, str] = field(default_factory=lambda: REPEALED)
    certificates: Container[str] | None = None


Found = Iterator[Finding]

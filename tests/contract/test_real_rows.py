"""1,600 real rows of a provincial register, read by our codes, identifiers and checks."""

import csv
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from contracts.codes.identifiers import (
    HandleItemCode,
    ImplementationCode,
    is_pseudo_uscc,
    parse_item_code,
    uscc_problem,
)
from contracts.codes.item_checks import Context, LiveCodes, check_item
from contracts.codes.tables import catalogue_dialect, code_for, national_task_type
from contracts.content.items import Item

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"


@cache
def rows() -> list[dict[str, Any]]:
    with (DATA / "gd-items-1600.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def test_no_row_has_a_pseudo_or_a_wrong_uscc() -> None:
    # The whole register has 3 rows of each; all six are among the 662 rows that this file leaves out.
    usccs = [parse_item_code(row["TASK_CODE"]).uscc for row in rows()]

    assert Counter(map(uscc_problem, usccs)) == {None: 1600}
    assert Counter(map(is_pseudo_uscc, usccs)) == {False: 1600}


def test_the_codes_fall_into_what_the_other_columns_say() -> None:
    parsed = [parse_item_code(row["TASK_CODE"]) for row in rows()]

    assert Counter(map(type, parsed)) == {ImplementationCode: 1369, HandleItemCode: 231}
    assert [code.org9 for code in parsed] == [row["ORGCODE"] for row in rows()]
    assert [code.basic for code in parsed] == [row["CATAID"] for row in rows()]
    assert {code.level for code in parsed} == {code_for("use_level", row["matter_level"]) for row in rows()} == {"2"}


def test_724_rows_stand_below_a_parent_row_and_none_is_one() -> None:
    assert sum(str(row["parentCatalogId"]).endswith("00Y") for row in rows()) == 724
    assert not any(parse_item_code(row["TASK_CODE"]).basic_parts.is_group for row in rows())


def test_words_and_codes_of_the_task_type_agree_after_mapping() -> None:
    types = Counter((row["TASK_TYPE"], _national(row), row["TASK_TYPE_TEXT"]) for row in rows())

    assert all(national == code_for("task_type", text) for _, national, text in types)
    assert types["20", "10", "其他行政权力"] == 77
    assert types["21", "20", "公共服务"] == 1162


def test_every_row_passes_the_checks_but_one_unit_registered_in_a_city() -> None:
    live = LiveCodes.of(row["TASK_CODE"] for row in rows())
    context = Context(region="440000000000", divisions=_divisions(), live_codes=live)

    findings = [finding for row in rows() for finding in check_item(_item(row), context)]
    assert [(found.check, found.severity, found.value) for found in findings] == [("C-8", "warn", "441700")]


def _national(row: dict[str, Any]) -> str:
    return national_task_type(row["TASK_TYPE"], catalogue_dialect(row["CATAID"]))


def _item(row: dict[str, Any]) -> Item:
    return Item(
        code=row["TASK_CODE"],
        catalog_code=row["CATAID"],
        task_name=row["TASK_NAME"],
        task_type=_national(row),
        use_level=code_for("use_level", row["matter_level"]) or "",
        dept_name=row["DEPT_NAME"],
        dept_code=row["ORGCODE"],
    )


def _divisions() -> frozenset[str]:
    files = ("xzqh-provinces.csv", "xzqh-cities.csv", "xzqh-areas.csv")
    texts = [(DATA / name).read_text("utf-8").splitlines() for name in files]
    return frozenset(row["code"].ljust(6, "0") for text in texts for row in csv.DictReader(text))

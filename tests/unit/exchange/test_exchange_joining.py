"""Rows of the tables joined to items: what belongs together, and what contradicts itself."""

from pathlib import Path

import pytest

from services.exchange.items.joined_rows import join
from services.exchange.tables.csv_folder import read_folder, write_folder
from services.exchange.tables.definitions import ITEM_TABLES, Row
from shared.errors import Invalid

BASIC, EXTEND, FEE = "up_task_general_basic", "up_task_general_extend", "up_task_general_fee_project"


def basic(guid: str | None = "a", **values: str) -> Row:
    return {"row_guid": guid, "task_code": "C1", "task_version": "1", **values}


def test_the_same_row_sent_again_in_another_batch_counts_once() -> None:
    done = join({BASIC: [basic(cd_batch="1"), basic(cd_batch="2")]})

    assert len(done.items) == 1
    assert done.refusals == []


def test_different_rows_of_one_guid_are_refused_both() -> None:
    done = join({BASIC: [basic(task_name="甲"), basic(task_name="乙"), basic("b")]})

    assert [one["row_guid"] for one in done.items] == ["b"]
    assert [(one.row_guid, one.rule) for one in done.refusals] == [("a", "unique")]


def test_an_extended_part_that_contradicts_itself_refuses_its_item() -> None:
    parts: list[Row] = [{"row_guid": f"e{n}", "task_guid": "a", "is_online": str(n)} for n in (0, 1)]

    done = join({BASIC: [basic()], EXTEND: parts})

    assert done.items == []
    assert [(one.table, one.rule) for one in done.refusals] == [(EXTEND, "unique")]


def test_a_row_without_guid_and_a_child_without_item_are_refused() -> None:
    done = join({BASIC: [basic(None)], FEE: [{"row_guid": "f", "task_guid": "x", "fee_name": "工本费"}]})

    assert [(one.table, one.field, one.rule) for one in done.refusals] == [
        (BASIC, "row_guid", "required"),
        (FEE, "task_guid", "item-missing"),
    ]


def test_children_are_in_the_order_of_their_numbers() -> None:
    fees: list[Row] = [
        {"row_guid": f"f{n}", "task_guid": "a", "order_num": str(n), "fee_name": str(n)} for n in (10, 2, 1)
    ]

    (item,) = join({BASIC: [basic()], FEE: fees}).items

    assert [fee["fee_name"] for fee in item["fees"]] == ["1", "2", "10"]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"row_guid,task_code\r\na\r\n", "cells"),
        (b"row_guid,task_code\r\na,b,c\r\n", "cells"),
        ("row_guid,task_name\r\na,甲\r\n".encode("gb18030"), "utf-8"),
        (b'row_guid,task_code\r\n"a,b\r\n', "csv"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_rule(tmp_path: Path, content: bytes, rule: str) -> None:
    (tmp_path / f"{BASIC}.csv").write_bytes(content)

    with pytest.raises(Invalid) as refused:
        read_folder(tmp_path, ITEM_TABLES)

    assert refused.value.violations[0].rule == rule


def test_a_batch_is_not_written_over_another_one(tmp_path: Path) -> None:
    write_folder(tmp_path / "batch", {BASIC: []}, {})

    with pytest.raises(Invalid):
        write_folder(tmp_path / "batch", {BASIC: []}, {})

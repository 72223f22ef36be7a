"""The exchange's database: each record whole or not at all, each row once, and what it refuses named."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from services.exchange.tables.database import TableDatabase, table_database
from services.exchange.tables.definitions import Row, Tables
from shared.errors import Invalid, Unavailable

BASIC, FEE = "up_task_general_basic", "up_task_general_fee_project"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database whose basic table demands a name and has a number, and lacks other columns."""
    path = tmp_path / "exchange.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            f"CREATE TABLE {BASIC} "
            "(row_guid TEXT PRIMARY KEY, task_name TEXT NOT NULL, task_version INTEGER, cd_batch TEXT)"
        )
        connection.execute(f"CREATE TABLE {FEE} (row_guid TEXT PRIMARY KEY, fee_name TEXT)")
        connection.commit()
    return path


@pytest.fixture
def database(file: Path) -> Iterator[TableDatabase]:
    with table_database(f"sqlite:///{file}") as opened:
        yield opened


def record(guid: str, name: str | None, version: str = "1", **more: str | None) -> Tables:
    row: Row = {"row_guid": guid, "task_name": name, "task_version": version, **more}
    return {FEE: [{"row_guid": f"fee-{guid}", "fee_name": "工本费"}], BASIC: [row]}


def test_a_row_again_is_unchanged_and_an_older_version_does_not_replace_a_newer_one(database: TableDatabase) -> None:
    first = database.write([record("a", "甲", "3", cd_batch="1")])
    again = database.write([record("a", "甲", "3", cd_batch="2")])
    newer = database.write([record("a", "乙", "4")])
    older = database.write([record("a", "甲", "3")])

    assert (first.inserted, again.unchanged, newer.updated, older.older) == (2, 2, 1, 1)
    assert database.read([BASIC])[BASIC][0]["task_name"] == "乙"


def test_a_record_that_the_database_refuses_is_named_and_leaves_nothing_behind(database: TableDatabase) -> None:
    done = database.write([record("a", None), record("b", "乙"), record("c", "丙", "third")])

    assert [(one.row_guid, one.field, one.rule) for one in done.refusals] == [
        ("a", "task_name", "required"),
        ("c", "task_version", "type"),
    ]
    assert done.inserted == 2
    assert [row["row_guid"] for row in database.read([FEE])[FEE]] == ["fee-b"]


def test_values_for_which_the_table_has_no_column_are_named(database: TableDatabase) -> None:
    done = database.write([record("a", "甲", link_way="0751-5361234")])

    assert done.absent[BASIC] == ["link_way"]


def test_a_missing_table_is_an_error_until_it_is_created(database: TableDatabase) -> None:
    steps: Tables = {"ml_matter_process_link": [{"row_guid": "s", "link_name": "受理"}]}
    with pytest.raises(Invalid):
        database.write([steps])

    assert database.create(["ml_matter_process_link", BASIC]) == ["ml_matter_process_link"]
    assert database.write([steps]).inserted == 1


def test_an_address_of_another_kind_and_a_database_that_is_none_are_errors_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(Invalid), table_database("mysql://user:secret@127.0.0.1/x"):
        pass
    with table_database("postgresql://user:secret@127.0.0.1:1/x") as opened, pytest.raises(Unavailable) as down:
        opened.read([BASIC])
    assert "secret" not in str(down.value)
    (tmp_path / "text.db").write_text("no database, but a text that is long enough to be read as one" * 20)
    with table_database(f"sqlite:///{tmp_path / 'text.db'}") as opened, pytest.raises(Unavailable):
        opened.read([BASIC])

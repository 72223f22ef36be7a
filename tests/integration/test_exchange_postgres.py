"""The exchange's tables in PostgreSQL, with the types that a province's DDL gives them."""

import psycopg
import pytest

from services.exchange.tables.database import table_database
from services.exchange.tables.definitions import Row, Tables

pytestmark = [pytest.mark.servers]

BASIC = "up_task_general_basic"
DDL = f"""
CREATE SCHEMA province;
CREATE TABLE province.{BASIC} (
  row_guid varchar(50) PRIMARY KEY, task_name varchar(20) NOT NULL, task_version integer NOT NULL,
  promise_day integer, plan_cancel_date date, cd_time timestamp NOT NULL, cd_batch varchar(32)
)
"""


def record(guid: str, name: str | None, **more: str | None) -> Tables:
    row: Row = {"row_guid": guid, "task_name": name, "task_version": "2", "promise_day": None}
    return {BASIC: [{**row, "plan_cancel_date": "2030-01-31", "cd_time": "2026-12-01 09:00:00", **more}]}


def test_rows_are_written_once_with_their_types_and_read_as_text(database_url: str) -> None:
    address = database_url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(address) as connection:
        connection.execute(DDL)

    with table_database(address, "province") as database:
        first = database.write([record("a", "甲"), record("b", None), record("c", "丙" * 21)])
        again = database.write([record("a", "甲", cd_time="2026-12-02 09:00:00")])
        (row,) = database.read([BASIC])[BASIC]

    assert [(one.row_guid, one.field, one.rule) for one in first.refusals] == [
        ("b", "task_name", "required"),
        ("c", "", "database"),
    ]
    assert (first.inserted, again.unchanged) == (1, 1)
    assert (row["task_version"], row["promise_day"]) == ("2", None)
    assert (row["plan_cancel_date"], row["cd_time"]) == ("2030-01-31", "2026-12-01 09:00:00")

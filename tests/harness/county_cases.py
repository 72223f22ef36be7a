"""The applications of a county with their own database, a clock set by the test, and short helpers for reports."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import text
from sqlmodel import col, select

from contracts.base import Json, format_time
from services.applications.commands import Applications
from services.applications.intake.batches import handle_intake
from services.applications.lifecycle.facts import Fact, FactEvent
from services.applications.lifecycle.working_days import start_of
from services.applications.privacy import key_rotation, sealing
from shared.feeds.outbox import CounterRow, ReleaseRow
from shared.messaging.delivery import Message, Refusal
from tests.harness.actors import TESTER
from tests.harness.cases import DATA, PROJECT_NO, october
from tests.harness.stores import store

ITEM = "11440232MB2D06811W4000117051000"
REGION = "440232000000"
CODE = "0123456789AB"
REFERENCE = "ossmsqalrmoj2l7zbkj5rmaof5rag62bkgedpluzngfgy6a42rjq"
"""The reference of PROJECT_NO and CODE, as published beside `shared.security.case_ref`."""

KEY = f"application:{REFERENCE}"


def moment(day: int, hour: int = 9) -> datetime:
    """Return an hour of a day of October 2020 in Beijing; day 32 is the first of November."""
    return start_of(october(day)) + timedelta(hours=hour)


def notice(year: int) -> Json:
    """Return the real holiday notice of a year."""
    content: Json = json.loads((DATA / f"holiday-cn-{year}.json").read_text("utf-8"))
    return content


def fact(event: str, day: int, hour: int = 9, *, number: str = PROJECT_NO, **details: Any) -> Fact:
    """Return a fact as a hall reports it."""
    identity = details.pop("fact_id", f"{event}-{day}-{hour}")
    return Fact(fact_id=identity, project_no=number, event=FactEvent(event), occurred_at=moment(day, hour), **details)


def hall(operation: str, day: int, hour: int = 9, *, number: str = PROJECT_NO, **more: Any) -> Message:
    """Return a hall system's message."""
    content = {"source": "hall", "project_no": number, "operation": operation, "occurred_at": moment(day, hour)}
    return message({**content, "occurred_at": format_time(moment(day, hour)), **more})


def message(content: Any) -> Message:
    """Return anything as a message of the intake queue."""
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    return Message(body=body, routing_key="hall", message_id="1")


class County:
    """Applications with the real calendar of 2020; `now` is their clock."""

    def __init__(self, url: str, *, calendar: bool = True) -> None:
        self.db = store("applications", url)
        self.now = moment(12)
        self.cases = Applications(self.db, REGION, clock=lambda: self.now)
        if calendar:
            self.cases.put_calendar(TESTER, 2020, notice(2020))

    @classmethod
    def embedded(cls, folder: Path, **options: bool) -> "County":
        """Open over SQLite."""
        return cls(f"sqlite:///{folder}/applications.db", **options)

    def open(self, **content: Any) -> None:
        """Open the case PROJECT_NO with the known query code: a licence, to be decided in ten working days."""
        rules = {"promise_day": 10, "query_code": CODE, "project_no": PROJECT_NO}
        self.cases.open_case(TESTER, {"item_code": ITEM, **rules, **content})

    def take(self, *messages: Message) -> list[Refusal]:
        """Pass a batch to the intake's handler."""
        return handle_intake(self.cases, messages)

    def releases(self, key: str | None = None) -> list[Json]:
        """Return every released version in the order of each lane, live first."""
        with self.db.read() as session:
            query = select(ReleaseRow).order_by(col(ReleaseRow.lane).desc(), col(ReleaseRow.sequence))
            rows = [orjson.loads(row.document) for row in session.exec(query)]
        return [row for row in rows if key in (None, row["key"])]

    def body(self, key: str = KEY) -> Json:
        """Return the newest released body of a key."""
        newest: Json = max(self.releases(key), key=lambda row: int(row["version"]))["body"]
        return newest

    def lane_heads(self) -> dict[str, int]:
        """Return the counters of the outbox."""
        with self.db.read() as session:
            return {row.lane: row.value for row in session.exec(select(CounterRow))}

    def count(self, table: str, condition: str = "1 = 1") -> int:
        """Return the number of rows in a table."""
        with self.db.read() as session:
            statement = text(f"SELECT count(*) FROM {table} WHERE {condition}")
            return int(session.connection().execute(statement).scalar_one())

    def opened(self, table: str) -> list[str]:
        """Return a table's sealed values, decrypted: `application`, `fact` or `request`."""
        with self.db.read() as session:
            vault = sealing.vault_of(session)
            return [
                vault.open(value, place) for place, value, _ in key_rotation.values(session) if place.table == table
            ]

    def close(self) -> None:
        """Close every connection."""
        self.db.close()

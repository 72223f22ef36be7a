"""A county's applications over a database of their own, with a clock that a test sets, and reports in few words."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import text
from sqlmodel import col, select

from contracts.base import Json, format_time
from services.applications import reseal, sealing
from services.applications.clock import start_of
from services.applications.commands import Applications
from services.applications.facts import Fact, FactEvent
from services.applications.taking import handle_intake
from shared.delivery import Message, Refusal
from shared.outbox import CounterRow, ReleaseRow
from tests.harness.cases import DATA, PROJECT_NO, october
from tests.harness.stores import store

ITEM = "11440232MB2D06811W4000117051000"
REGION = "440232000000"
CODE = "0123456789AB"
REFERENCE = "ossmsqalrmoj2l7zbkj5rmaof5rag62bkgedpluzngfgy6a42rjq"
"""What PROJECT_NO and CODE give, as published beside `shared.case_ref`."""

KEY = f"application:{REFERENCE}"


def moment(day: int, hour: int = 9) -> datetime:
    """An hour of a day of October 2020 in Beijing; day 32 is the first of November."""
    return start_of(october(day)) + timedelta(hours=hour)


def notice(year: int) -> Json:
    """The real holiday notice of a year."""
    content: Json = json.loads((DATA / f"holiday-cn-{year}.json").read_text("utf-8"))
    return content


def fact(event: str, day: int, hour: int = 9, *, number: str = PROJECT_NO, **details: Any) -> Fact:
    """A fact as a hall reports it."""
    identity = details.pop("fact_id", f"{event}-{day}-{hour}")
    return Fact(fact_id=identity, project_no=number, event=FactEvent(event), occurred_at=moment(day, hour), **details)


def hall(operation: str, day: int, hour: int = 9, *, number: str = PROJECT_NO, **more: Any) -> Message:
    """A hall system's message."""
    content = {"source": "hall", "project_no": number, "operation": operation, "occurred_at": moment(day, hour)}
    return message({**content, "occurred_at": format_time(moment(day, hour)), **more})


def message(content: Any) -> Message:
    """Anything as a message of the intake queue."""
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    return Message(body=body, routing_key="hall", message_id="1")


class County:
    """Applications with the real calendar of 2020; `now` is what their clock says."""

    def __init__(self, url: str, *, calendar: bool = True) -> None:
        self.db = store("applications", url)
        self.now = moment(12)
        self.cases = Applications(self.db, REGION, clock=lambda: self.now)
        if calendar:
            self.cases.put_calendar(2020, notice(2020))

    @classmethod
    def embedded(cls, folder: Path, **options: bool) -> "County":
        """Over SQLite."""
        return cls(f"sqlite:///{folder}/applications.db", **options)

    def open(self, **content: Any) -> None:
        """Open the case PROJECT_NO with the known query code: a licence, to be decided in ten working days."""
        rules = {"promise_day": 10, "query_code": CODE, "project_no": PROJECT_NO}
        self.cases.open_case({"item_code": ITEM, **rules, **content})

    def take(self, *messages: Message) -> list[Refusal]:
        """Hand a batch to the intake's handler."""
        return handle_intake(self.cases, messages)

    def releases(self, key: str | None = None) -> list[Json]:
        """Every released version, in the order of each lane, live first."""
        with self.db.read() as session:
            query = select(ReleaseRow).order_by(col(ReleaseRow.lane).desc(), col(ReleaseRow.sequence))
            rows = [orjson.loads(row.document) for row in session.exec(query)]
        return [row for row in rows if key in (None, row["key"])]

    def body(self, key: str = KEY) -> Json:
        """The newest released body of a key."""
        newest: Json = max(self.releases(key), key=lambda row: int(row["version"]))["body"]
        return newest

    def lane_heads(self) -> dict[str, int]:
        """The counters of the outbox."""
        with self.db.read() as session:
            return {row.lane: row.value for row in session.exec(select(CounterRow))}

    def count(self, table: str, condition: str = "1 = 1") -> int:
        """Rows of a table."""
        with self.db.read() as session:
            statement = text(f"SELECT count(*) FROM {table} WHERE {condition}")
            return int(session.connection().execute(statement).scalar_one())

    def opened(self, table: str) -> list[str]:
        """What lies sealed in a table, opened: `application`, `fact` or `request`."""
        with self.db.read() as session:
            vault = sealing.vault_of(session)
            return [vault.open(value, place) for place, value, _ in reseal.values(session) if place.table == table]

    def close(self) -> None:
        """Give back every connection."""
        self.db.close()

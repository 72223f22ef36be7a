"""A county with 5,000 items and guides, 100,000 cases, and audit logs of a million rows in all, in one data folder.

Items, guides and their audit rows are made by the commands of their services. Cases and older audit rows are written
into the tables: opening 100,000 cases would take hours, because each one computes its public name.
"""

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from contracts.base import format_time
from services.applications.model import CaseRow, FactRow, TimerRow
from services.applications.privacy.sealing import nothing_personal
from services.catalog.commands import ItemImport
from services.console.accounts.demo import DEMO_PASSWORD
from services.console.accounts.people import new_account
from services.runtime.manifests import AUDITED
from services.runtime.wiring import Wiring
from shared.audit.statements import APPEND
from shared.config import Settings
from shared.database.engine import Database
from shared.publishing.imports.request import ImportRequest
from shared.tokens.person import SYSTEM, Person, StaffRole
from tests.bench.audit_log import rows
from tests.harness.county import ADMIN, SERVICE, EmbeddedCounty
from tests.harness.pipeline import code_of, guide, item

ITEMS, CASES, AUDIT_ROWS = 5_000, 100_000, 1_000_000
BATCH = 500
CASE_STATES = ("ACCEPTED", "IN_REVIEW", "APPROVED", "APPROVED", "APPROVED", "REJECTED")
EVERYBODY = Person("bench", "压测", frozenset(StaffRole))


def born(folder: Path) -> EmbeddedCounty:
    """Start a county once, so that its stores exist, and stop it."""
    county = EmbeddedCounty(folder, "--no-demo")
    county.start()
    county.stop()
    return county


def fill(folder: Path, items: int = ITEMS, cases: int = CASES, audit_rows: int = AUDIT_ROWS) -> None:
    """Fill the stores of a county that does not run."""
    data = folder / "data"
    wiring = Wiring(Settings(data_dir=data, admin_token=ADMIN, service_token=SERVICE))
    try:
        for service in AUDITED:
            _fill_audit(wiring.database(service), audit_rows // len(AUDITED))
        _fill_content(wiring, items)
        _fill_cases(wiring.database("applications"), cases, items)
        with wiring.database("console").write() as session:
            session.add(new_account(EVERYBODY, DEMO_PASSWORD, one_time=False))
    finally:
        wiring.close()


def _fill_audit(db: Database, count: int) -> None:
    """Replace the log by rows of ten years; the few that the first start has written are dropped."""
    batch = []
    with db.write() as session:
        connection = session.connection()
        refusal = connection.execute(
            text("SELECT sql FROM sqlite_master WHERE name = 'audit_log_no_delete'")
        ).scalar_one()
        connection.execute(text("DROP TRIGGER audit_log_no_delete"))
        connection.execute(text("DELETE FROM audit_log"))
        connection.execute(text(refusal))
        for row in rows(count):
            batch.append(row)
            if len(batch) == BATCH * 10 or row["sequence"] == count:
                connection.execute(APPEND, batch)
                batch.clear()
        head = {name: row[name] for name in ("sequence", "at", "hash")}
        connection.execute(text("UPDATE audit_head SET sequence = :sequence, at = :at, hash = :hash"), head)


def _fill_content(wiring: Wiring, items: int) -> None:
    for begin in range(1, items + 1, BATCH):
        numbers = range(begin, min(begin + BATCH, items + 1))
        told = [item(one, f"办理事项{one}", promise_day=one % 20 + 1).model_dump(mode="json") for one in numbers]
        done = wiring.catalog.import_items(SYSTEM, ItemImport(rows=told))
        assert done.released == len(told), done
        told = [guide(one, f"办理事项{one}").model_dump(mode="json") for one in numbers]
        done = wiring.guides.import_guides(SYSTEM, ImportRequest(rows=told))
        assert done.released == len(told), done


def _fill_cases(db: Database, cases: int, items: int) -> None:
    dice, today = random.Random(7), datetime.now(UTC)
    with db.write() as session:
        # One sealed value for all: the pages read none of them, and sealing takes as long as everything else.
        sealed = nothing_personal(session, "bench")
        for number in range(cases):
            state, begun = dice.choice(CASE_STATES), today - timedelta(days=dice.randrange(180))
            name = f"{code_of(number % items + 1)}{number:07}"
            row = CaseRow(
                project_no=name, case_ref=f"{number:052}", item_code=code_of(number % items + 1), personal=sealed,
                task_type="01", promise_day=5, state=state, overdue=dice.random() < 0.02, version=1,
            )  # fmt: skip
            session.add(row)
            session.add(_fact(name, "begun", "accepted", begun, sealed))
            if state in ("ACCEPTED", "IN_REVIEW"):
                day: date = (begun + timedelta(days=dice.randrange(1, 30))).date()
                session.add(TimerRow(project_no=name, kind="promise", day=day, fired=day < today.date()))
            else:
                session.add(_fact(name, "result", "approved", begun + timedelta(days=2), sealed))
            if number % 5_000 == 0:
                session.flush()
                session.expunge_all()


def _fact(case: str, name: str, event: str, at: datetime, sealed: str) -> FactRow:
    time = format_time(at)
    return FactRow(project_no=case, fact_id=name, event=event, occurred_at=time, received_at=time, document=sealed)

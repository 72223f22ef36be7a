"""Facts of one invented case in October 2020, with the real calendar."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from services.applications.lifecycle.current_state import derive
from services.applications.lifecycle.definitions import Breach, CaseState, LegalLimits
from services.applications.lifecycle.facts import Fact, FactEvent
from services.applications.lifecycle.working_days import Calendar, start_of

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
CALENDAR = Calendar.from_notices([json.loads((DATA / "holiday-cn-2020.json").read_text("utf-8"))])
PROJECT_NO = "11440232MB2D06811W4000117051000202010200008"
LICENCE = LegalLimits(task_type="01", promise_day=10)
SERVICE = LegalLimits(task_type="20", promise_day=10)


def october(day: int) -> date:
    """Return a day of October 2020, continuing into November. 12 to 16 and 19 to 23 are normal working weeks."""
    return date(2020, 10, 1) + timedelta(days=day - 1)


def fact(event: str, day: int, hour: int = 9, **details: Any) -> Fact:
    moment = start_of(october(day)) + timedelta(hours=hour)
    identity = details.pop("fact_id", f"{event}-{day}-{hour}")
    return Fact(fact_id=identity, project_no=PROJECT_NO, event=FactEvent(event), occurred_at=moment, **details)


def state_of(*facts: Fact, rules: LegalLimits = LICENCE, as_of: date | None = None) -> CaseState:
    return derive(facts, CALENDAR, rules, as_of=as_of)


def breaches(case: CaseState) -> list[Breach]:
    return [broken.breach for broken in case.violations]


RECEIVED = fact("received", 12)
ACCEPTED = fact("accepted", 13, accept_doc_no="S-1")
REVIEW = fact("review_started", 13, 10)
APPROVED = fact("approved", 20, result_type="10")
REVIEWED = (RECEIVED, ACCEPTED, REVIEW)

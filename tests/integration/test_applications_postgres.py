"""Applications over PostgreSQL: many writers at once, and errors that quote nothing."""

import random
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, text

from contracts.codes.identifiers import ProjectNo
from services.applications.lifecycle.working_days import Calendar
from services.applications.model import ApplicationsModel
from shared.audit.model import AuditModel
from shared.county.store import IdentityRow
from shared.errors import Unavailable
from shared.feeds.outbox import CounterRow, RelayedRow, ReleaseRow
from tests.harness.actors import TESTER
from tests.harness.cases import ACCEPTED, APPROVED, CALENDAR, PROJECT_NO, RECEIVED, REVIEW, october
from tests.harness.county_cases import CODE, ITEM, KEY, County, fact, hall, moment, notice

FACTS = (RECEIVED, ACCEPTED, REVIEW, APPROVED, fact("delivered", 21))


@pytest.fixture
def county(database_url: str) -> Iterator[County]:
    county = County(database_url)
    county.now = moment(22)
    yield county
    county.close()


def at_once(work: Sequence[Callable[[], Any]]) -> list[Any]:
    """Do all of it on eight threads; raises what any raised."""
    with ThreadPoolExecutor(8) as pool:
        return [done.result() for done in [pool.submit(one) for one in work]]


def contiguous(county: County) -> bool:
    """The versions of every key, and the sequence of every lane, are 1, 2, 3 …"""
    versions: dict[str, list[int]] = {}
    lanes: dict[str, list[int]] = {}
    for release in county.releases():
        versions.setdefault(release["key"], []).append(release["version"])
        lanes.setdefault(release["lane"], []).append(release["sequence"])
    runs = [*versions.values(), *lanes.values()]
    return all(sorted(run) == list(range(1, len(run) + 1)) for run in runs)


def test_the_migrations_make_the_tables_of_the_model(county: County) -> None:
    wanted = MetaData()
    for table in (
        *ApplicationsModel.metadata.tables.values(),
        *AuditModel.metadata.tables.values(),
        *(t.__table__ for t in (CounterRow, RelayedRow, ReleaseRow, IdentityRow)),
    ):
        table.to_metadata(wanted)
    with county.db.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), wanted)

    assert [difference for difference in found if "alembic_version" not in str(difference)] == []


def test_recorders_of_one_case_lose_nothing_and_release_every_version_once(county: County) -> None:
    county.open()
    reports = [*FACTS, *FACTS, *FACTS]
    random.Random(7).shuffle(reports)
    at_once([lambda one=one: county.cases.record(TESTER, PROJECT_NO, [one]) for one in reports])

    assert county.count("fact") == len(FACTS)
    assert county.body()["state"] == "APPROVED"
    assert len(county.body()["milestones"]) == 5
    assert contiguous(county)


def test_a_case_that_is_opened_while_its_facts_arrive_knows_all_of_them(county: County) -> None:
    numbers = [f"37-2020-{serial}" for serial in range(30)]
    work: list[Callable[[], Any]] = []
    for number in numbers:
        work.append(lambda number=number: county.cases.record(TESTER, number, [fact("received", 12, number=number)]))
        work.append(lambda number=number: county.cases.open_case(TESTER, {"item_code": ITEM, "project_no": number}))
        work.append(lambda number=number: county.cases.record(TESTER, number, [fact("accepted", 13, number=number)]))
    at_once(work)

    assert {county.body(release["key"])["state"] for release in county.releases()} == {"ACCEPTED"}
    assert contiguous(county)


def test_every_new_case_gets_a_number_of_its_own(county: County) -> None:
    receipts = at_once([lambda: county.cases.open_case(TESTER, {"item_code": ITEM})] * 24)

    assert sorted(ProjectNo.parse(receipt.project_no).serial for receipt in receipts) == list(range(1, 25))
    assert len({receipt.case_ref for receipt in receipts}) == 24


def test_one_request_that_arrives_many_times_at_once_opens_one_case(county: County) -> None:
    request = {"item_code": ITEM, "request_id": "window-7/0001"}
    receipts = at_once([lambda: county.cases.open_case(TESTER, request)] * 8)

    assert len({receipt.project_no for receipt in receipts}) == 1
    assert sum(receipt.query_code is not None for receipt in receipts) == 1
    assert county.count("application") == 1


def test_batches_over_the_same_cases_never_wait_in_a_circle(county: County) -> None:
    numbers = [f"37-2020-{serial}" for serial in range(12)]
    opening = {"item_code": ITEM, "query_code": CODE}
    batches = [
        [hall("jj", 12, hour, number=number, **(opening if hour == 9 else {})) for number in order]
        for hour in (9, 10, 11, 12)
        for order in (numbers, numbers[::-1])
    ]

    assert at_once([lambda batch=batch: county.take(*batch) for batch in batches]) == [[]] * len(batches)
    assert county.count("fact") == 48
    assert contiguous(county)


def test_a_holiday_notice_reaches_cases_that_change_meanwhile(county: County) -> None:
    numbers = [f"37-2021-{serial}" for serial in range(24)]
    for number in numbers:
        county.cases.open_case(TESTER, {"item_code": ITEM, "project_no": number, "promise_day": 100})
    work: list[Callable[[], Any]] = [
        lambda number=number: county.cases.record(
            TESTER, number, [fact("received", 12, number=number), fact("accepted", 13, number=number)]
        )
        for number in numbers
    ]
    work.insert(8, lambda: county.cases.put_calendar(TESTER, 2021, notice(2021)))
    at_once(work)
    county.cases.keep_up()

    promised = {county.body(release["key"])["promise_date"] for release in county.releases()}
    both = Calendar.from_notices([notice(2020), notice(2021)])
    assert promised == {both.deadline(october(13), 100).isoformat()}
    assert promised != {CALENDAR.deadline(october(13), 100).isoformat()}
    assert contiguous(county)


def test_a_case_that_is_locked_is_an_error_of_the_moment_that_quotes_nothing(county: County) -> None:
    county.open()
    call = fact("received", 12, explain="欧阳试来电")
    with county.db.engine.connect() as other, other.begin():
        other.execute(text("SELECT 1 FROM application FOR UPDATE"))
        with pytest.raises(Unavailable) as caught:
            county.cases.record(TESTER, PROJECT_NO, [call])

    said = "".join(traceback.format_exception(caught.value))
    assert "lock timeout" in said
    assert PROJECT_NO not in said
    assert "欧阳" not in said
    assert [release["version"] for release in county.releases(KEY)] == [1]

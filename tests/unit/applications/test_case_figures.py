"""Counts of cases by item and by promised day: what is late, what is due, what promised nothing."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from contracts.base import Json
from services.applications import figures
from services.applications.lifecycle import timers
from tests.harness.actors import TESTER
from tests.harness.county_cases import ITEM, REGION, County, fact, moment

OTHER = "11440232007046161X4440111004005"


@pytest.fixture
def county(tmp_path: Path) -> Iterator[County]:
    county = County.embedded(tmp_path)
    yield county
    county.close()


def case(county: County, number: str, closed_on: int | None, item: str = ITEM, promise: int | None = 10) -> None:
    """A case accepted on 12 October 2020: with ten working days until the 26th."""
    county.cases.open_case(TESTER, {"item_code": item, "project_no": number, "promise_day": promise})
    county.cases.record(TESTER, number, [fact("received", 12, number=number), fact("accepted", 12, 10, number=number)])
    if closed_on is not None:
        county.now = moment(closed_on, 18)
        county.cases.record(TESTER, number, [fact("approved", closed_on, number=number, result_type="10")])


def by_item(county: County, first: date = date(2020, 7, 1), last: date = date(2020, 12, 31)) -> dict[str, Json]:
    with county.db.read() as session:
        return {row.pop("item_code"): row for row in figures.by_item(session, first, last)}


def due(county: County, *, over: bool, until: date = date(2020, 12, 31), unit: str = "", limit: int = 100) -> Json:
    with county.db.read() as session:
        return figures.due(session, over=over, until=until, unit=unit, limit=limit)


def test_results_after_the_promised_day_are_late_and_cases_without_one_are_told_apart(county: County) -> None:
    case(county, "A1", 20)
    case(county, "A2", 28)
    case(county, "A3", 28, promise=None)
    case(county, "B1", 20, OTHER)
    case(county, "B2", None, OTHER)

    assert by_item(county) == {
        ITEM: {"closed": 3, "late": 1, "unpromised": 1, "open": 0, "overdue": 0},
        OTHER: {"closed": 1, "late": 0, "unpromised": 0, "open": 1, "overdue": 0},
    }


def test_a_result_counts_in_the_period_of_its_day_in_beijing(county: County) -> None:
    case(county, "A1", 20)

    assert by_item(county, date(2020, 10, 20), date(2020, 10, 20))[ITEM]["closed"] == 1
    assert by_item(county, date(2020, 10, 21), date(2020, 10, 31)) == {}
    assert by_item(county, date(2020, 10, 1), date(2020, 10, 19)) == {}


def test_cases_are_listed_by_their_promised_day_before_and_after_it(county: County) -> None:
    case(county, "A1", None)
    case(county, "A2", None, promise=5)
    case(county, "A3", 13)
    listed = due(county, over=False)
    assert [(one["project_no"], one["day"]) for one in listed["cases"]] == [
        ("A2", date(2020, 10, 19)), ("A1", date(2020, 10, 26)),
    ]  # fmt: skip
    assert due(county, over=True) == {"cases": [], "count": 0}

    county.now = moment(21)
    timers.run_timers(county.db, REGION, date(2020, 10, 21))

    assert [one["project_no"] for one in due(county, over=True)["cases"]] == ["A2"]
    assert [one["project_no"] for one in due(county, over=False)["cases"]] == ["A1"]
    assert by_item(county)[ITEM]["overdue"] == 1


def test_the_list_is_bounded_and_says_how_many_there_are(county: County) -> None:
    for number in range(4):
        case(county, f"A{number}", None)
    case(county, "B1", None, OTHER)

    assert (len(due(county, over=False, limit=2)["cases"]), due(county, over=False, limit=2)["count"]) == (2, 5)
    assert due(county, over=False, unit=OTHER[:18])["count"] == 1
    assert due(county, over=False, until=date(2020, 10, 25))["count"] == 0

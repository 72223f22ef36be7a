"""Deadlines run in working days of Asia/Shanghai, as the yearly holiday notices define them."""

import json
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.applications.lifecycle.working_days import Calendar, TimeUnit, local_date, start_of
from shared.errors import Invalid

DATA = Path(__file__).parents[3] / ".." / "shared" / "data"
NOTICES: dict[int, dict[str, Any]] = {
    year: json.loads((DATA / f"holiday-cn-{year}.json").read_text("utf-8")) for year in range(2019, 2027)
}
CALENDAR = Calendar.from_notices(NOTICES.values())
DAYS = st.dates(date(2018, 6, 1), date(2027, 6, 30))


def notice_of_november_2019() -> dict[str, Any]:
    """The first notice for 2020: holiday to Thursday 30 January, Saturday 1 February worked."""
    notice = deepcopy(NOTICES[2020])
    changed = {"2020-01-31", "2020-02-01", "2020-02-02", "2020-02-03"}
    notice["days"] = [row for row in notice["days"] if row["date"] not in changed]
    notice["days"].append({"name": "春节", "date": "2020-02-01", "isOffDay": False})
    return notice


def rules_broken_by(*notices: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        Calendar.from_notices(notices)
    return {violation.field: violation.rule for violation in refused.value.violations}


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        (date(2020, 10, 20), True),
        (date(2020, 10, 24), False),
        (date(2020, 10, 1), False),
        (date(2020, 1, 19), True),  # a Sunday, worked for the Spring Festival
        (date(2018, 12, 29), True),  # a Saturday of 2018 in the notice for 2019
        (date(2018, 12, 31), False),
    ],
)
def test_holidays_are_off_and_make_up_days_are_worked(day: date, worked: bool) -> None:
    assert CALENDAR.is_working_day(day) is worked


def test_counting_starts_with_the_next_working_day() -> None:
    friday = date(2020, 10, 23)
    assert CALENDAR.add_working_days(friday, 1) == date(2020, 10, 26)
    assert CALENDAR.add_working_days(friday, 5) == date(2020, 10, 30)


def test_twenty_working_days_over_the_national_holiday() -> None:
    assert CALENDAR.add_working_days(date(2020, 9, 21), 20) == date(2020, 10, 23)


def test_the_second_notice_of_2020_moves_deadlines_already_promised() -> None:
    before = Calendar.from_notices([NOTICES[2019], notice_of_november_2019()])
    after = Calendar.from_notices([NOTICES[2019], NOTICES[2020]])
    accepted = date(2020, 1, 22)
    assert before.add_working_days(accepted, 3) == date(2020, 2, 1)
    assert after.add_working_days(accepted, 3) == date(2020, 2, 4)


def test_a_year_without_notice_counts_monday_to_friday_and_is_reported() -> None:
    calendar = Calendar.from_notices([NOTICES[2020]])
    assert calendar.is_working_day(date(2021, 10, 1))
    assert calendar.missing_years(date(2020, 12, 1), date(2022, 1, 31)) == (2021, 2022)
    assert calendar.missing_years(date(2020, 1, 1), date(2020, 12, 31)) == ()


def test_a_notice_without_days_is_not_announced_yet() -> None:
    calendar = Calendar.from_notices([{"year": 2027, "days": []}])
    assert calendar.missing_years(date(2027, 1, 1), date(2027, 2, 1)) == (2027,)


def test_a_period_in_natural_days_does_not_end_on_a_closed_day() -> None:
    assert CALENDAR.deadline(date(2020, 9, 25), 7, TimeUnit.NATURAL) == date(2020, 10, 9)
    assert CALENDAR.deadline(date(2020, 10, 20), 7, TimeUnit.NATURAL) == date(2020, 10, 27)


def test_a_period_of_no_days_begun_on_a_saturday_ends_on_monday() -> None:
    assert CALENDAR.deadline(date(2020, 10, 24), 0) == date(2020, 10, 26)


def test_the_day_is_that_of_shanghai() -> None:
    assert local_date(datetime(2020, 10, 19, 16, 0, tzinfo=UTC)) == date(2020, 10, 20)
    assert start_of(date(2020, 10, 20)) == datetime(2020, 10, 19, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize("count", [-1, 3651])
def test_an_impossible_number_of_days_is_refused(count: int) -> None:
    with pytest.raises(Invalid, match="day-count"):
        CALENDAR.deadline(date(2020, 10, 20), count)


def test_every_mistake_of_a_notice_is_named_with_its_place() -> None:
    days = [
        {"date": "2020-02-30", "isOffDay": True},
        {"date": "2020-05-01", "isOffDay": "yes"},
        {"date": "2025-05-01", "isOffDay": True},
        "2020-05-02",
    ]
    assert rules_broken_by({"year": 2020, "days": days}) == {
        "2020.days[0].date": "calendar-date",
        "2020.days[1].isOffDay": "calendar-flag",
        "2020.days[2].date": "calendar-span",
        "2020.days[3]": "calendar-day",
    }


@pytest.mark.parametrize(
    ("notice", "broken"),
    [
        ([], {"[0]": "calendar-object"}),
        ({"year": "2020", "days": []}, {"[0].year": "calendar-year"}),
        ({"year": True, "days": []}, {"[0].year": "calendar-year"}),
        ({"year": 2020}, {"2020.days": "calendar-days"}),
    ],
)
def test_something_else_than_a_notice_is_refused(notice: Any, broken: dict[str, str]) -> None:
    assert rules_broken_by(notice) == broken


def test_notices_that_contradict_each_other_are_refused() -> None:
    day = {"name": "元旦", "date": "2020-12-31", "isOffDay": True}
    assert rules_broken_by({"year": 2020, "days": [day]}, {"year": 2021, "days": [day | {"isOffDay": False}]}) == {
        "2021.days[0].date": "calendar-agree"
    }
    assert rules_broken_by({"year": 2020, "days": [day, day]}) == {"2020.days[1].date": "calendar-date-once"}
    assert rules_broken_by({"year": 2020, "days": [day]}, {"year": 2020, "days": []}) == {
        "2020.year": "calendar-year-once"
    }


@given(DAYS, st.integers(1, 120))
def test_the_end_of_a_period_is_a_working_day_and_counts_back_to_its_length(day: date, count: int) -> None:
    end = CALENDAR.add_working_days(day, count)
    assert CALENDAR.is_working_day(end)
    assert CALENDAR.working_days_between(day, end) == count
    assert CALENDAR.working_days_between(end, day) == -count


@given(DAYS, st.integers(0, 60), st.integers(0, 60))
def test_a_period_may_be_counted_in_two_parts(day: date, first: int, second: int) -> None:
    assert CALENDAR.add_working_days(CALENDAR.add_working_days(day, first), second) == CALENDAR.add_working_days(
        day, first + second
    )


@given(DAYS, st.integers(0, 60), st.sampled_from(TimeUnit))
def test_a_later_start_never_ends_earlier(day: date, count: int, unit: TimeUnit) -> None:
    assert CALENDAR.deadline(day, count, unit) <= CALENDAR.deadline(day + timedelta(days=1), count, unit)

"""计划生效日期 and 计划取消日期 take effect once released, in the county's time, and never while drafted."""

from datetime import UTC, datetime, time, timedelta

import orjson
import pytest

from shared.errors import Invalid
from shared.feeds.outbox import history, released_version
from shared.publishing import editions
from shared.publishing.editions import EditionState, Period
from shared.text.local_midnight import COUNTY_TIME
from tests.harness.actors import TESTER
from tests.harness.pipeline import code_of, item, pipeline

CODE = code_of(1)


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=["web"]) as made:
        yield made


@pytest.fixture
def calendar(county):
    """The county's date, as the catalogue sees it."""
    days = {"today": datetime.now(COUNTY_TIME).date()}
    county.clock = lambda: datetime.combine(days["today"], time(12), COUNTY_TIME)
    return days


def days(number):
    return datetime.now(COUNTY_TIME).date() + timedelta(days=number)


def test_an_item_leaves_every_channel_on_the_day_of_its_planned_end(county, calendar):
    county.release(item(1, plan_cancel_date=str(days(3))))
    assert county.catalog.withdraw_cancelled() == 0

    calendar["today"] = days(3)

    assert county.catalog.withdraw_cancelled() == 1
    assert county.catalog.withdraw_cancelled() == 0
    county.flow()
    assert county.get(f"web/v1/items/{CODE}").status_code == 410


def test_a_planned_end_in_a_draft_takes_nothing_down(county, calendar):
    county.release(item(1))
    save(county, item(1, plan_cancel_date=str(days(3))))

    calendar["today"] = days(4)

    assert county.catalog.withdraw_cancelled() == 0
    assert edition(county).state == EditionState.RELEASED


def test_a_planned_end_that_a_draft_takes_away_still_holds_until_that_is_released(county, calendar):
    county.release(item(1, plan_cancel_date=str(days(3))))
    save(county, item(1))

    calendar["today"] = days(3)

    assert county.catalog.withdraw_cancelled() == 1


def test_a_planned_end_of_a_version_that_waits_for_its_time_does_not_count_before(county, calendar):
    county.release(item(1))
    county.release(item(1, plan_cancel_date=str(days(3))), effective_at=datetime.now(UTC) + timedelta(days=30))

    calendar["today"] = days(4)

    assert county.catalog.withdraw_cancelled() == 0


def test_a_planned_end_leaves_the_version_that_is_planned_after_it(county, calendar):
    county.release(item(1, plan_cancel_date=str(days(3))))
    county.release(item(1, "重新开办"), effective_at=datetime.now(UTC) + timedelta(days=30))

    calendar["today"] = days(3)
    county.catalog.withdraw_cancelled()

    with county.catalog.db.read() as session:
        told = editions.view(session, county.catalog.who, editions.find(session, CODE))
    assert told["in_force"]["op"] == "withdraw"
    assert [(one["version"], one["op"]) for one in told["planned"]] == [(4, "release")]
    assert county.catalog.withdraw_cancelled() == 0


def test_an_item_with_a_planned_start_is_scheduled_for_the_first_moment_of_that_day_in_the_county(county):
    county.release(item(1, plan_effective_date=str(days(3))))
    county.flow()

    start = datetime.fromisoformat(document(county, 1)["effective_at"]).astimezone(COUNTY_TIME)
    assert (start.date(), start.hour, start.minute) == (days(3), 0, 0)
    assert county.get(f"web/v1/items/{CODE}").status_code == 404


def test_a_start_that_the_editor_names_counts_before_the_planned_one(county):
    start = datetime.now(UTC) + timedelta(days=1)
    county.release(item(1, plan_effective_date=str(days(3))), effective_at=start)

    assert datetime.fromisoformat(document(county, 1)["effective_at"]) == start


@pytest.mark.parametrize(
    ("dates", "rule"),
    [
        ({"plan_cancel_date": -1}, "later_than_today"),
        ({"plan_cancel_date": 0}, "later_than_today"),
        ({"plan_effective_date": 5, "plan_cancel_date": 5}, "after_effective"),
    ],
)
def test_an_item_that_would_end_before_anybody_saw_it_is_not_released(county, dates, rule):
    one = item(1, **{name: str(days(number)) for name, number in dates.items()})
    save(county, one)

    with pytest.raises(Invalid) as refused:
        county.catalog.release_item(TESTER, CODE, Period(), None)
    assert [(v.field, v.rule) for v in refused.value.violations] == [("plan_cancel_date", rule)]
    with county.catalog.db.read() as session:
        assert history(session, f"item:{CODE}") == []


def save(county, one):
    with county.catalog.db.read() as session:
        row = session.get(editions.EditionRow, CODE)
    county.catalog.save_item(TESTER, CODE, one.model_dump(mode="json"), row.revision if row else None)


def edition(county):
    with county.catalog.db.read() as session:
        return editions.find(session, CODE)


def document(county, version):
    with county.catalog.db.read() as session:
        return orjson.loads(released_version(session, f"item:{CODE}", version))

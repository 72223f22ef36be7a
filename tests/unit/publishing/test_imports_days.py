"""Imports of planned dates that appear, move and disappear, and of plans beside manual changes."""

import pytest

from shared.publishing import editions
from shared.publishing.editions import Period
from tests.harness.actors import TESTER
from tests.harness.importing import bring, exchange_row
from tests.harness.pipeline import code_of, pipeline

CODE = code_of(1)
GONE = {"cd_operation": "D"}
LATER = "2099-01-01"
PAST = "2020-01-01"


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=("web",)) as made:
        yield made


def row(number=1, **changes):
    return exchange_row(number, **changes)


@pytest.mark.parametrize("away", [{"task_state": "2"}, GONE])
@pytest.mark.parametrize("day", [LATER, None])
def test_what_was_planned_and_taken_off_comes_back_no_sooner_than_planned(county, away, day):
    bring(county, row(plan_effective_date=LATER))
    bring(county, row(**away))

    assert bring(county, row(plan_effective_date=day, task_state="1")).fates == ["scheduled"]
    assert (shown(county), shown(county, "guides")) == (410, 404)


def test_a_guide_that_changes_with_a_planned_row_changes_on_the_planned_day(county):
    planned = {"promise_day": 5, "plan_effective_date": LATER}
    bring(county, row())
    bring(county, row(**planned))

    assert bring(county, row(**planned, link_way="110")).fates == ["scheduled"]
    assert guide_of(county)["link_way"] == "0571-5360001"
    assert bring(county, row(**planned, link_way="110")).fates == ["unchanged"]


def test_a_planned_day_that_the_source_empties_is_no_plan_any_more(county):
    bring(county, row(plan_effective_date=LATER))
    assert bring(county, row(plan_effective_date="")).fates == ["unchanged"]
    assert shown(county) == 404

    assert bring(county, row(plan_effective_date=""), empty_cells=True).fates == ["released"]
    assert (shown(county), shown(county, "guides")) == (200, 200)
    assert bring(county, row(plan_effective_date=""), empty_cells=True).fates == ["unchanged"]


@pytest.mark.parametrize("away", [{"task_state": "2"}, GONE])
def test_a_list_that_only_tells_something_of_an_item_brings_back_nothing(county, away):
    bring(county, row())
    bring(county, row(**away))
    phones = {"task_code": CODE, "link_way": "110"}

    assert bring(county, phones).fates == ["kept"]
    assert shown(county) == 410
    assert bring(county, {**phones, "cd_operation": "U"}).fates == ["released"]
    assert (shown(county), guide_of(county)["link_way"]) == (200, "110")


def test_an_end_that_the_source_empties_brings_back_what_had_ended(county):
    bring(county, row())
    assert bring(county, row(plan_cancel_date=PAST)).fates == ["withdrawn"]
    assert bring(county, row(plan_cancel_date="")).fates == ["kept"]

    assert bring(county, row(plan_cancel_date=""), empty_cells=True).fates == ["released"]
    assert shown(county) == 200


def test_a_whole_that_leaves_with_the_first_of_its_situations_is_told_as_it_is_in_a_second_run(county):
    bring(county, row())
    split = [row(**GONE), row(task_code=CODE + "01", plan_effective_date=LATER)]
    bring(county, *split)

    assert bring(county, *split).fates == ["unchanged", "unchanged"]
    assert shown(county) == 200


def test_ends_given_to_many_items_at_once_ask_like_withdrawals(county):
    # Few enough not to count as a mass change: a twentieth of what is live, and one more.
    bring(county, *(row(number) for number in range(1, 101)))
    some = [row(number, plan_cancel_date=LATER) for number in range(1, 22)]
    held = bring(county, *some, confirm=False)

    assert held.fates == ["held"] * 21
    assert {held.result(number).held_for for number in range(1, 22)} == {"withdrawals"}


def test_a_number_and_its_unit_are_taken_together_whatever_somebody_made_of_one_of_them(county):
    bring(county, row(promise_day=10, promise_type="1"))
    with_another_unit(county)
    changed = bring(county, row(promise_day=12, promise_type="1"))

    assert changed.result(1).overrides == ["promise_type"]
    assert [item_of(county)[name] for name in ("promise_day", "promise_type")] == [12, "1"]


def with_another_unit(county):
    catalog = county.catalog
    with county.dbs["catalog"].read() as session:
        view = editions.view(session, catalog.who, editions.find(session, CODE))
    catalog.save_item(TESTER, CODE, view["in_force"]["body"] | {"promise_type": "2"}, view["revision"])
    catalog.release_item(TESTER, CODE, Period(), None)


def item_of(county):
    with county.dbs["catalog"].read() as session:
        return editions.view(session, county.catalog.who, editions.find(session, CODE))["in_force"]["body"]


def guide_of(county):
    with county.dbs["guides"].read() as session:
        return editions.view(session, county.guides.who, editions.find(session, CODE))["in_force"]["body"]


def shown(county, kind="items"):
    county.flow()
    return county.get(f"web/v1/{kind}/{CODE}").status_code

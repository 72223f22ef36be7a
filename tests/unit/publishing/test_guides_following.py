"""A guide is hidden and shown with its item, however the news of it arrives: repeated, late, out of order, or lost."""

import time
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.feeds.outbox import released_version
from shared.publishing.editions import EditionState, Period, Plans, find
from tests.harness.pipeline import code_of, guide, item, pipeline

CODE = code_of(1)


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=[]) as made:
        made.release(guide(1))
        made.release(item(1))
        made.flow()
        yield made


def test_a_guide_is_hidden_with_its_item_and_comes_back_with_it(county):
    county.withdraw(item(1))
    county.flow()
    assert state(county) == EditionState.HIDDEN

    county.release(item(1, "又开办了"))
    county.flow()
    assert state(county) == EditionState.RELEASED


def test_a_guide_that_an_editor_withdrew_stays_so(county):
    county.withdraw(guide(1))
    county.withdraw(item(1))
    county.release(item(1, "又开办了"))
    county.flow()

    assert state(county) == EditionState.WITHDRAWN


def test_a_guide_without_an_item_is_left_alone(county):
    county.release(guide(2))
    county.flow()

    assert state(county, code_of(2)) == EditionState.RELEASED


def test_what_no_message_told_of_is_found_by_comparing(county):
    county.withdraw(item(1))
    county.intake.reconcile()

    assert county.watch.reconcile() == 1
    assert state(county) == EditionState.HIDDEN
    assert county.watch.reconcile() == 0


def test_what_a_withdrawal_hides_is_a_version_of_the_guide(county):
    county.withdraw(item(1))
    county.flow()

    versions = county.get(f"ledger/v1/versions/guide:{CODE}").json()["versions"]
    assert [(one["version"], one["op"]) for one in versions] == [(1, "release"), (2, "withdraw")]


@settings(max_examples=25)
@given(shown=st.booleans(), batches=st.lists(st.lists(st.integers(0, 4), max_size=5), max_size=5))
def test_any_order_of_news_leads_to_what_the_newest_says(tmp_path_factory, shown, batches):
    with pipeline(tmp_path_factory.mktemp("following"), channels=[]) as county:
        county.release(guide(1))
        for number in range(2):
            county.release(item(1, f"第{number}次"))
            county.withdraw(item(1))
        if shown:
            county.release(item(1, "最后"))
        county.intake.reconcile()
        messages = [message for message in county.ledger_messages() if message.message_id.startswith("item:")]
        for batch in batches:
            county.watch.take([messages[index] for index in batch if index < len(messages)])
        county.watch.reconcile()

        assert state(county) == (EditionState.RELEASED if shown else EditionState.HIDDEN)


def state(county, code=CODE):
    with county.dbs["guides"].read() as session:
        return find(session, code).state


def test_a_hidden_guide_comes_back_as_it_was_released_and_not_as_it_is_drafted(county):
    county.withdraw(item(1))
    county.flow()
    draft(county, "还没有审核的条件")

    county.release(item(1, "又开办了"))
    county.flow()

    assert body(county, 3) == body(county, 1)
    assert drafted(county)["accept_condition"] == "还没有审核的条件"


def test_what_was_planned_for_a_hidden_guide_is_planned_again_when_it_comes_back(county):
    start = datetime.now(UTC) + timedelta(days=1)
    county.release(guide(1, accept_condition="明天起的条件"), effective_at=start)
    county.withdraw(item(1))
    county.flow()
    county.release(item(1, "又开办了"))
    county.flow()

    assert (body(county, 4), body(county, 5)["accept_condition"]) == (body(county, 1), "明天起的条件")
    assert released(county, 5)["effective_at"] == released(county, 2)["effective_at"]


def test_a_guide_that_has_ended_while_it_was_hidden_does_not_come_back(county):
    end = datetime.now(UTC) + timedelta(seconds=0.5)
    county.release(guide(1), expires_at=end)
    county.withdraw(item(1))
    county.flow()
    while datetime.now(UTC) <= end:
        time.sleep(0.05)
    county.release(item(1, "又开办了"))
    county.flow()

    assert state(county) == EditionState.WITHDRAWN


def test_an_item_that_goes_on_a_day_takes_its_guide_then_and_brings_it_back_if_it_stays_after_all(county):
    county.withdraw(item(1), period=Period(datetime.now(UTC) + timedelta(days=1)))
    county.flow()
    assert state(county) == EditionState.HIDDEN

    county.withdraw(item(1), plans=Plans.CANCEL)
    county.flow()
    county.release(item(1, "又开办了"))
    county.flow()

    assert state(county) == EditionState.RELEASED
    assert body(county, 4) == body(county, 1)


def draft(county, condition):
    one = guide(1, accept_condition=condition)
    with county.dbs["guides"].read() as session:
        revision = find(session, CODE).revision
    county.guides.save_guide(CODE, one.model_dump(mode="json"), revision)


def drafted(county):
    with county.dbs["guides"].read() as session:
        return orjson.loads(find(session, CODE).draft)


def released(county, version):
    with county.dbs["guides"].read() as session:
        return orjson.loads(released_version(session, f"guide:{CODE}", version))


def body(county, version):
    return released(county, version)["body"]

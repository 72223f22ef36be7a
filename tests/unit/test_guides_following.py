"""A guide goes and comes with its item, whatever the news of it: doubled, late, in the wrong order, or lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.editions import State, find
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
    assert state(county) == State.HIDDEN

    county.release(item(1, "又开办了"))
    county.flow()
    assert state(county) == State.RELEASED


def test_a_guide_that_an_editor_withdrew_stays_so(county):
    county.withdraw(guide(1))
    county.withdraw(item(1))
    county.release(item(1, "又开办了"))
    county.flow()

    assert state(county) == State.WITHDRAWN


def test_a_guide_without_an_item_is_left_alone(county):
    county.release(guide(2))
    county.flow()

    assert state(county, code_of(2)) == State.RELEASED


def test_what_no_message_told_of_is_found_by_comparing(county):
    county.withdraw(item(1))
    county.intake.reconcile()

    assert county.watch.reconcile() == 1
    assert state(county) == State.HIDDEN
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

        assert state(county) == (State.RELEASED if shown else State.HIDDEN)


def state(county, code=CODE):
    with county.dbs["guides"].read() as session:
        return find(session, code).state

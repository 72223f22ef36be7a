"""A guide is hidden and shown with its item, however the news of it arrives: repeated, late, out of order, or lost."""

import time
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.base import format_time
from contracts.envelope.publication import Op
from services.guides import following as watching
from shared.feeds.outbox import released_version
from shared.publishing import editions
from shared.publishing.editions import EditionState, Period, Plans, Version, find, following
from shared.publishing.editions.following import catching_up
from shared.publishing.imports.request import ImportRequest
from shared.transparency.timeline import Timed, in_force, shows, stands
from tests.harness.actors import TESTER
from tests.harness.pipeline import code_of, guide, item, pipeline
from tests.harness.wall_clock import WallClock

CODE = code_of(1)
START = datetime(2026, 3, 1, tzinfo=UTC)


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
    start = later()
    county.release(guide(1, accept_condition="明天起的条件"), effective_at=start)
    county.withdraw(item(1))
    county.flow()
    county.release(item(1, "又开办了"))
    county.flow()

    assert (body(county, 4), body(county, 5)["accept_condition"]) == (body(county, 1), "明天起的条件")
    assert released(county, 5)["effective_at"] == released(county, 2)["effective_at"]


def test_a_guide_that_has_ended_while_it_was_hidden_does_not_come_back(county):
    end = datetime.now(UTC) + timedelta(seconds=4)
    county.release(guide(1), expires_at=end)
    county.withdraw(item(1))
    county.flow()
    while datetime.now(UTC) <= end:
        time.sleep(0.05)
    county.release(item(1, "又开办了"))
    county.flow()

    assert state(county) == EditionState.WITHDRAWN


def test_an_item_that_goes_on_a_day_takes_its_guide_then_and_brings_it_back_if_it_stays_after_all(county):
    county.withdraw(item(1), period=Period(later()))
    county.flow()
    assert state(county) == EditionState.RELEASED
    assert departures(county) == ["withdraw"]

    county.withdraw(item(1), plans=Plans.CANCEL)
    county.flow()
    county.release(item(1, "又开办了"))
    county.flow()

    assert state(county) == EditionState.RELEASED
    assert body(county, 4) == body(county, 1)


def test_a_guide_ends_with_its_item_at_the_same_moment_and_not_before(county):
    end = later()
    county.release(item(1, "限期的事项"), expires_at=end)
    county.flow()

    gone = released(county, 2)
    assert (gone["op"], gone["effective_at"]) == ("withdraw", format_time(end))
    assert (state(county), seen(county)["in_force"]["version"]) == (EditionState.RELEASED, 1)


def test_a_guide_goes_at_once_when_its_item_has_ended_before_anybody_told_the_guides(county, monkeypatch):
    county.release(item(1, "限期的事项"), expires_at=later(hours=1))
    WallClock(monkeypatch, following, watching).forward(timedelta(hours=2))
    county.flow()

    assert (state(county), released(county, 2)["effective_at"]) == (EditionState.HIDDEN, None)


def test_an_end_that_is_taken_back_leaves_the_guide_as_it_was(county):
    county.release(item(1, "限期的事项"), expires_at=later())
    county.flow()
    county.release(item(1, "不限期的事项"))
    county.flow()

    assert departures(county) == []
    assert at(county, later(days=2)) == body(county, 1)


def test_a_guide_of_an_item_that_has_not_begun_waits_for_it(county):
    start = later()
    county.release(guide(2))
    county.release(item(2), effective_at=start)
    county.flow()

    assert state(county, code_of(2)) == EditionState.HIDDEN
    assert [one["effective_at"] for one in seen(county, code_of(2))["follows"]] == [format_time(start)]


def test_between_an_items_end_and_its_next_version_there_is_no_guide(county):
    county.release(item(1, "限期的事项"), expires_at=later(days=1))
    county.release(item(1, "明年再办"), effective_at=later(days=9))
    county.flow()

    shown = [at(county, later(days=days)) is not None for days in (0, 2, 10)]
    assert shown == [True, False, True]


def test_what_no_message_told_of_a_planned_item_is_read_from_the_ledger(county):
    county.release(item(1, "限期的事项"), expires_at=later(days=1))
    county.release(item(1, "明年再办"), effective_at=later(days=9))
    county.intake.reconcile()
    county.watch.reconcile()

    assert [at(county, later(days=days)) is not None for days in (0, 2, 10)] == [True, False, True]


def test_a_new_version_of_a_guide_ends_with_its_item_too_and_is_no_conflict(county):
    county.release(item(1, "限期的事项"), expires_at=later())
    county.flow()
    county.release(guide(1, accept_condition="改正的条件"))

    assert at(county, later(hours=1))["accept_condition"] == "改正的条件"
    assert at(county, later(days=2)) is None
    assert seen(county)["planned"] == []


def test_a_guide_released_while_its_item_is_gone_comes_with_the_item(county):
    county.withdraw(item(1))
    county.flow()
    county.release(guide(1, accept_condition="改正的条件"))
    assert (state(county), at(county, later())) == (EditionState.HIDDEN, None)

    county.release(item(1, "又开办了"))
    county.flow()
    assert at(county, later())["accept_condition"] == "改正的条件"


def test_releasing_the_same_guide_again_changes_nothing_although_its_item_ends(county):
    county.release(item(1, "限期的事项"), expires_at=later())
    county.flow()

    _, again = county.guides.release_guide(TESTER, CODE, Period(), None)

    assert again is None


def test_importing_a_guide_again_changes_nothing_although_its_item_ends(county):
    rows = [guide(1, accept_condition="导入的条件").model_dump(mode="json", exclude_unset=True)]
    county.guides.import_guides(TESTER, ImportRequest(rows=rows))
    county.release(item(1, "限期的事项"), expires_at=later())
    county.flow()

    again = county.guides.import_guides(TESTER, ImportRequest(rows=rows))

    assert again.released == 0
    assert at(county, later(days=2)) is None


def test_an_imported_guide_ends_with_its_item(county):
    county.release(item(1, "限期的事项"), expires_at=later())
    county.flow()
    rows = [guide(1, accept_condition="导入的条件").model_dump(mode="json", exclude_unset=True)]
    county.guides.import_guides(TESTER, ImportRequest(rows=rows))

    assert at(county, later(hours=1))["accept_condition"] == "导入的条件"
    assert at(county, later(days=2)) is None


def test_plans_of_a_hidden_guide_can_be_cancelled_and_its_text_still_comes_back(county):
    county.release(guide(1, accept_condition="明天起的条件"), effective_at=later())
    county.withdraw(item(1))
    county.flow()
    with county.dbs["guides"].write() as session:
        editions.cancel_plans(session, county.guides.who, TESTER, CODE)
    county.release(item(1, "又开办了"))
    county.flow()

    assert at(county, later(days=2)) == body(county, 1)


def test_a_suspended_guide_that_is_restored_while_its_item_is_gone_stays_hidden(county):
    county.withdraw(guide(1), EditionState.SUSPENDED)
    county.withdraw(item(1))
    county.flow()
    with county.dbs["guides"].write() as session:
        editions.restore(session, county.guides.who, TESTER, CODE)

    assert (state(county), at(county, later())) == (EditionState.HIDDEN, None)


def test_the_ledgers_list_of_newest_versions_says_when_they_end(county):
    end = later()
    county.release(item(1, "限期的事项"), expires_at=end)
    county.intake.reconcile()

    ends = {mark.key: mark.expires_at for mark in county.ledger.current("", 10)}
    assert ends == {f"item:{CODE}": end, f"guide:{CODE}": None}


hours = st.integers(-4, 6).map(lambda n: START + timedelta(hours=n))
starts = st.none() | hours
steps = st.lists(st.tuples(st.sampled_from(Op), starts, st.none() | hours, st.sampled_from(["甲", "乙"])), max_size=5)


@given(own=steps.filter(bool), hidden=steps, item=steps)
def test_after_catching_up_a_guide_shows_its_own_text_exactly_while_its_item_stands(own, hidden, item):
    """Whatever was released of the guide, planned, and hidden before, and whatever is known of its item."""
    own, hidden, item = versions(own), versions(hidden, len(own)), versions(item)

    made = [*own, *hidden]
    made += [
        Version(number, step.op, step.period, step.body)
        for number, step in enumerate(catching_up(own, made, item, START), len(made) + 1)
    ]

    for half in range(16):
        moment = START + timedelta(minutes=30 * half)
        shown = in_force(made, moment)
        wanted = in_force(own, moment)
        text = wanted.body if wanted and wanted.shows(moment) and stands(item, moment) else None
        assert (shown.body if shown and shown.shows(moment) else None) == text
    assert catching_up(own, made, item, START) == []


def versions(told, after=0):
    return [
        Version(number, op, Period(start, end), {"text": text} if op == Op.RELEASE else None)
        for number, (op, start, end, text) in enumerate(told, after + 1)
    ]


def later(days=1, hours=0):
    """Return a whole second that has not come yet."""
    return (datetime.now(UTC) + timedelta(days=0 if hours else days, hours=hours, seconds=1)).replace(microsecond=0)


def seen(county, code=CODE):
    with county.dbs["guides"].read() as session:
        return editions.view(session, county.guides.who, find(session, code))


def departures(county):
    return [one["op"] for one in seen(county)["follows"]]


def at(county, moment):
    """Return the body that every channel shows at a moment, by the ledger's rule; None if it shows none."""
    with county.dbs["guides"].read() as session:
        numbers = range(1, 1 + find(session, CODE).version)
        entries = [orjson.loads(released_version(session, f"guide:{CODE}", number)) for number in numbers]
    current = in_force([Timed.of_json({**one, "recorded_at": one["released_at"]}) for one in entries], moment)
    if current is None or not shows(current, moment):
        return None
    return {name: value for name, value in entries[current.version - 1]["body"].items() if name != "salt"}


def draft(county, condition):
    one = guide(1, accept_condition=condition)
    with county.dbs["guides"].read() as session:
        revision = find(session, CODE).revision
    county.guides.save_guide(TESTER, CODE, one.model_dump(mode="json"), revision)


def drafted(county):
    with county.dbs["guides"].read() as session:
        return orjson.loads(find(session, CODE).draft)


def released(county, version):
    with county.dbs["guides"].read() as session:
        return orjson.loads(released_version(session, f"guide:{CODE}", version))


def body(county, version):
    return released(county, version)["body"]

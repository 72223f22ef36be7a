"""Spans in which a screen of the hall reported: what it had shown at a moment long ago, or unknown."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from contracts.base import format_time
from services.channels.kiosk.screen_history import KEPT, SHORTEST, ScreenHistory
from services.channels.kiosk.screens import ScreenStore
from services.runtime.manifests import migrations
from shared.database.engine import Database
from tests.harness.actors import TESTER

START = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
REPORT = timedelta(seconds=3)
SEEN = text("UPDATE screen SET seen_at = :at WHERE name = 'hall-3'")


@pytest.fixture
def db(tmp_path):
    made = Database("kiosk", f"sqlite:///{tmp_path}/kiosk.db")
    made.migrate(*migrations("kiosk"))
    yield made
    made.close()


@pytest.fixture
def history(db):
    made = ScreenHistory(db)
    ScreenStore(db, made).offer("hall-3", TESTER)
    return made


def report(db, history, position, now):
    with db.write() as session:
        history.extend(session, "hall-3", position, now)
        session.connection().execute(SEEN, {"at": format_time(now)})


def reports(db, history, position, since, until):
    """Report every three seconds; return the time of the last report."""
    now = since
    while now <= until:
        report(db, history, position, now)
        now += REPORT
    return now - REPORT


def spans(db):
    with db.read() as session:
        return session.connection().execute(text("SELECT since, until, position FROM screen_position")).all()


def test_reports_of_one_position_are_one_row(db, history):
    last = reports(db, history, 7, START, START + timedelta(minutes=3))

    assert len(spans(db)) == 1
    assert history.at("hall-3", START + timedelta(minutes=1)) == {
        "screen": "hall-3",
        "at": format_time(START + timedelta(minutes=1)),
        "position": 7,
        "since": format_time(START),
        "until": format_time(last),
    }


def test_a_change_of_position_begins_a_row_and_each_moment_has_the_position_of_then(db, history):
    change = reports(db, history, 7, START, START + timedelta(minutes=2)) + REPORT
    reports(db, history, 9, change, change + timedelta(minutes=2))

    assert history.at("hall-3", change - REPORT)["position"] == 7
    assert history.at("hall-3", change)["position"] == 9


def test_changes_within_a_minute_share_a_row_with_the_position_that_all_of_them_have_reached(db, history):
    for number in range(300):
        report(db, history, number, START + number * REPORT)

    rows = spans(db)
    assert len(rows) == 300 * REPORT / SHORTEST
    for number in range(300):
        assert history.at("hall-3", START + number * REPORT)["position"] <= number


def test_a_screen_that_shows_less_than_before_is_not_said_to_show_more(db, history):
    report(db, history, 9, START)
    report(db, history, 4, START + REPORT)

    assert history.at("hall-3", START + REPORT)["position"] == 4


def test_a_silence_is_unknown(db, history):
    last = reports(db, history, 7, START, START + timedelta(minutes=1))
    again = last + timedelta(minutes=10)
    report(db, history, 7, again)

    assert history.at("hall-3", last)["position"] == 7
    assert history.at("hall-3", last + timedelta(minutes=5))["position"] is None
    assert history.at("hall-3", again)["position"] == 7


def test_before_the_first_and_after_the_last_report_nothing_is_known(db, history):
    last = reports(db, history, 7, START, START + timedelta(minutes=1))

    assert history.at("hall-3", START - REPORT)["position"] is None
    assert history.at("hall-3", last + REPORT)["position"] is None
    assert history.at("hall-4", START)["position"] is None


def test_what_a_screen_showed_before_it_was_enrolled_again_stays_known(db, history):
    store = ScreenStore(db, history)
    last = reports(db, history, 7, START, START + timedelta(minutes=1))

    store.enrol(store.offer("hall-3", TESTER)["code"])

    assert history.at("hall-3", last)["position"] == 7
    assert history.at("hall-3", last + REPORT)["position"] is None
    now = datetime.now(UTC)
    report(db, history, 12, now)
    assert history.at("hall-3", now)["position"] == 12


def test_rows_of_more_than_ten_years_ago_are_removed(db, history):
    report(db, history, 1, START)
    later = START + KEPT + timedelta(days=1)
    report(db, history, 2, later)
    report(db, history, 3, later + timedelta(minutes=5))

    assert [row.position for row in spans(db)] == [2, 3]

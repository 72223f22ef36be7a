"""A set of an item and its guide under five gates: signed at both sources, shown at once; what was cancelled before."""

import sqlite3
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from sqlalchemy import event

from services.channels.core import store
from shared.publishing.sets import commands
from shared.tokens.person import StaffRole
from tests.harness.pipeline import SERVICE, code_of, guide, item, pipeline
from tests.harness.reviewing import LIU, person, source_desk
from tests.harness.setting import SetOf
from tests.harness.wall_clock import WallClock

HOUR = timedelta(hours=1)
CODE = code_of(1)
MEMBERS = (f"item:{CODE}", f"guide:{CODE}")


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, review="five") as made:
        yield made


@pytest.fixture
def desks(county):
    with source_desk(county) as items, source_desk(county, "guides") as guides:
        yield {"catalog": items, "guides": guides}


@pytest.fixture
def clock(monkeypatch):
    return WallClock(monkeypatch, store, commands)


def test_a_set_of_both_sources_is_signed_prepared_completed_and_shown_in_one_transaction(county, desks, clock):
    whole = a_set(county, desks)
    assert [refused(whole, source) for source in desks] == [409, 409]
    reviews = approved(whole, desks)
    whole.prepare()
    county.flow()
    assert [desks[source].read(number)["state"] for source, number in reviews.items()] == ["released", "released"]
    clock.forward(2 * HOUR)
    turn_pages(county)
    assert {channel: shown(county, channel) for channel in county.channels} == dict.fromkeys(county.channels, ())
    clock.forward(-2 * HOUR)
    whole.complete()
    county.flow()
    clock.forward(2 * HOUR)
    seen = {channel: seen_at_commits(county, channel) for channel in county.channels}

    turn_pages(county)

    for channel, commits in seen.items():
        assert set(commits) == {()}, f"{channel} has shown a part of the set"
        assert shown(county, channel) == MEMBERS


def test_a_cancelled_set_that_nobody_saw_gives_its_reviews_back(county, desks):
    first = a_set(county, desks)
    reviews = approved(first, desks)
    first.prepare()
    county.flow()
    for source in desks:
        first.cancel(source)
        review = desks[source].read(reviews[source])
        assert (review["state"], review["released_version"], review["closed_at"]) == ("approved", None, None)

    again = SetOf(county, [item(1)], [guide(1)], at=first.at)
    again.prepare()
    again.complete()

    assert desks["catalog"].read(reviews["catalog"])["state"] == "released"
    told = county.get("catalog/v1/audit", SERVICE).json()
    assert "reopen_review" in {row["action"] for row in told["rows"]}


def test_a_draft_that_was_changed_meanwhile_keeps_its_gates_open(county, desks):
    first = a_set(county, desks)
    reviews = approved(first, desks)
    first.prepare()
    desks["catalog"].save(item(1, "改过的名字"), by=person("second.editor", StaffRole.EDITOR))
    for source in desks:
        first.cancel(source)

    assert desks["catalog"].read(reviews["catalog"])["state"] == "obsolete"
    assert desks["guides"].read(reviews["guides"])["state"] == "approved"
    review = desks["catalog"].submit({"code": CODE}, by=person("third.editor", StaffRole.EDITOR))
    assert review["authors"] == ["liu.editor", "second.editor"], "who wrote a draft that was not shown does not sign it"


def test_what_another_source_may_have_shown_is_not_given_back(county, desks, clock):
    first = a_set(county, desks)
    reviews = approved(first, desks)
    first.prepare()
    county.flow()
    clock.forward(2 * HOUR)
    for source in desks:
        first.cancel(source)

    assert desks["catalog"].read(reviews["catalog"])["state"] == "approved", "its act is its own, and not released"
    assert desks["guides"].read(reviews["guides"])["state"] == "released"


def a_set(county, desks):
    whole = SetOf(county, [item(1)], [guide(1)], at=datetime.now(UTC) + HOUR)
    for source, desk in desks.items():
        desk.save(whole.members[source][0], by=LIU)
    return whole


def approved(whole, desks):
    """Submit each source's share and have it signed; return the review's number at each."""
    member = {"code": CODE, "effective_at": whole.at.isoformat()}
    return {source: desk.approve(desk.submit(member, kind="set"))["number"] for source, desk in desks.items()}


def refused(whole, source):
    asked = {"part_of": whole.key, "effective_at": whole.at.isoformat(), "members": [{"code": CODE}]}
    return whole.try_post(source, "prepare", asked).status_code


def turn_pages(county):
    for channel in county.channels.values():
        channel.turn_pages()


def seen_at_commits(county, channel):
    """Return a list that grows by what others see just before each commit of a channel."""
    seen = []
    event.listen(county.dbs[channel].engine, "commit", lambda _connection: seen.append(shown(county, channel)))
    return seen


def shown(county, channel):
    """Return which members a channel shows, read from its own table."""
    with sqlite3.connect(county.place / f"{channel}.db") as reader:
        rows = dict(reader.execute("SELECT key, content FROM document").fetchall())
    return tuple(key for key in MEMBERS if rows.get(key) and orjson.loads(rows[key]))

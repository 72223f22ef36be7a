"""Items and guides that are released as one: each channel shows the whole set in one transaction, or nothing of it."""

import sqlite3
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from sqlalchemy import event

from services.channels.core import parked, store
from services.channels.recovery import aside, repair
from services.channels.recovery.drill import Drill
from services.channels.recovery.repair import RepairRequest
from services.ledger import queries as ledger_queries
from services.ledger.verify import page as verify_page
from shared.transparency.comparison import Log
from tests.harness.actors import TESTER
from tests.harness.pipeline import SERVICE, code_of, guide, item
from tests.harness.setting import SetOf
from tests.harness.wall_clock import WallClock

HOUR = timedelta(hours=1)


@pytest.fixture
def channel():
    """One channel: sets are the core's, which all channels share."""
    return "web"


@pytest.fixture
def clock(monkeypatch):
    return WallClock(monkeypatch, store, aside, repair, parked)


@pytest.fixture
def old(county):
    """Two items and a guide that are on show."""
    for one in (item(1, "旧"), item(2, "旧"), guide(1, "旧")):
        county.release(one)
    county.flow()
    return county


def a_set(county, at=None, **more):
    whole = SetOf(county, [item(1, "新"), item(2, "新")], [guide(1, "新")], at=at or now() + HOUR, **more)
    whole.save()
    return whole


def test_a_set_is_shown_whole_when_its_time_comes(old, channel, clock):
    whole = a_set(old)
    whole.prepare()
    old.flow()
    whole.complete()
    old.flow()
    assert names(old, channel) == ["旧"] * 3

    clock.forward(2 * HOUR)
    old.channels[channel].turn_pages()

    assert names(old, channel) == ["新"] * 3


def test_all_its_members_are_shown_in_one_transaction(old, channel, clock):
    whole = a_set(old)
    whole.prepare()
    old.flow()
    whole.complete()
    old.flow()
    clock.forward(2 * HOUR)
    seen = []
    reader = sqlite3.connect(old.place / f"{channel}.db")
    event.listen(old.dbs[channel].engine, "commit", lambda _connection: seen.append(named(reader)))

    old.channels[channel].turn_pages()

    reader.close()
    assert seen
    assert {tuple(one) for one in seen} == {("旧",) * 3}
    assert names(old, channel) == ["新"] * 3


def test_a_set_without_its_act_is_shown_by_nobody_however_late(old, channel, clock):
    whole = a_set(old)
    whole.prepare()
    old.flow()

    clock.forward(2 * HOUR)
    old.channels[channel].turn_pages()

    assert names(old, channel) == ["旧"] * 3
    (waiting,) = old.get(f"{channel}/v1/sets", SERVICE).json()["sets"]
    assert waiting["act"] == whole.key
    assert waiting["act_recorded_at"] is None
    assert len(waiting["here"]) == 3


def test_half_a_set_is_shown_by_nobody(old, channel, clock):
    whole = a_set(old)
    whole.prepare("catalog")
    old.flow()
    clock.forward(2 * HOUR)
    old.channels[channel].turn_pages()

    assert names(old, channel) == ["旧"] * 3


def test_a_set_that_is_completed_late_is_shown_then(old, channel, clock):
    whole = a_set(old)
    whole.prepare()
    old.flow()
    clock.forward(2 * HOUR)
    old.channels[channel].turn_pages()
    whole.complete()
    old.flow()
    old.channels[channel].turn_pages()

    assert names(old, channel) == ["新"] * 3


def test_a_cancelled_set_never_comes(old, channel, clock):
    whole = a_set(old)
    whole.prepare()
    old.flow()
    whole.cancel("catalog")
    whole.cancel("guides")
    old.flow()
    clock.forward(2 * HOUR)
    old.channels[channel].turn_pages()

    assert names(old, channel) == ["旧"] * 3
    assert old.get(f"{channel}/v1/sets", SERVICE).json()["sets"] == []


def test_a_cancelled_set_cannot_be_completed(old):
    whole = a_set(old)
    whole.prepare()
    old.flow()
    whole.cancel("catalog")

    with pytest.raises(AssertionError, match="cancelled or replaced"):
        whole.complete()


def test_a_complete_set_cannot_be_cancelled_member_by_member(old):
    whole = a_set(old)
    whole.prepare()
    old.flow()
    whole.complete()

    with pytest.raises(AssertionError, match="undo it by a new set"):
        whole.cancel("catalog")


def test_each_step_may_be_repeated(old, channel):
    whole = a_set(old)
    whole.prepare()
    first = whole.recorded
    whole.prepare()
    assert sorted(whole.recorded, key=str) == sorted(first, key=str)

    assert whole.complete()["already"] is False
    assert whole.complete()["already"] is True


def test_a_set_is_undone_by_another_set(old, channel, clock):
    whole = a_set(old, at=now() + HOUR)
    whole.prepare()
    old.flow()
    whole.complete()
    old.flow()
    ops = {one["key"].partition(":")[2]: {} for one in whole.recorded}
    undo = SetOf(old, [item(1), item(2)], [guide(1)], at=now() + HOUR / 2)
    by_source = {"item": "catalog", "guide": "guides"}
    for one in whole.recorded:
        kind, _, code = one["key"].partition(":")
        ops[(by_source[kind], code)] = {"op": "back", "before": one["version"]}
    for source, members in undo.members.items():
        asked = [{"code": one.code, **ops[(source, one.code)]} for one in members]
        sent = {"part_of": undo.key, "effective_at": undo.at.isoformat(), "members": asked}
        undo.recorded += undo.post(source, "prepare", sent)["members"]
    old.flow()
    undo.complete()
    old.flow()

    clock.forward(3 * HOUR)
    old.channels[channel].turn_pages()

    assert names(old, channel) == ["旧"] * 3


def test_a_rebuilt_channel_waits_for_the_same_sets(old, channel, clock):
    waiting, due = a_set(old), SetOf(old, [item(3, "新")], [guide(3, "新")], at=now() + HOUR)
    due.save()
    for whole in (waiting, due):
        whole.prepare()
    old.flow()
    due.complete()
    old.flow()
    clock.forward(2 * HOUR)
    old.channels[channel].turn_pages()

    done = old.rebuild(channel)

    assert done.differences == []
    assert names(old, channel) == ["旧"] * 3
    assert old.get(f"{channel}/v1/items/{code_of(3)}").json()["task_name"] == "新"
    waiting.complete()
    old.flow()
    old.channels[channel].turn_pages()
    assert names(old, channel) == ["新"] * 3


def test_a_drill_finds_no_difference_while_a_set_waits(old, channel, clock):
    whole = a_set(old)
    whole.prepare()
    old.flow()
    clock.forward(2 * HOUR)
    old.channels[channel].turn_pages()

    *_, done = Drill(old.channels[channel]).run()

    assert done.differences == []


def test_a_repair_does_not_show_a_member_of_a_waiting_set(old, channel, clock):
    whole = a_set(old)
    whole.prepare()
    old.flow()
    clock.forward(2 * HOUR)

    assert repair.repair(old.channels[channel], RepairRequest(keys=[f"item:{code_of(1)}"])) == []
    assert names(old, channel) == ["旧"] * 3


def test_a_member_is_not_cancelled_alone(old):
    whole = a_set(old)
    whole.prepare()
    revision = old.get(f"catalog/v1/items/{code_of(1)}", "admin-token-of-a-test").headers["etag"]
    answer = old.http.post(
        f"/catalog/v1/items/{code_of(1)}/cancel-plans",
        headers={"Authorization": "Bearer admin-token-of-a-test", "If-Match": revision},
    )

    assert answer.status_code == 409
    assert whole.key in answer.json()["detail"]


def test_a_time_that_has_passed_is_refused_and_nothing_is_released(old):
    whole = a_set(old, at=now() - HOUR)
    asked = {"part_of": whole.key, "effective_at": whole.at.isoformat(), "members": [{"code": code_of(1)}]}
    answer = whole.try_post("catalog", "prepare", asked)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "effective_at"
    assert old.get(f"catalog/v1/releases/item:{code_of(1)}", SERVICE).json()[-1]["version"] == 1


def test_a_parked_member_holds_the_whole_set_back(old, channel, clock):
    whole = a_set(old)
    whole.prepare()
    project = type(old.channels[channel].adapter).project

    class Failing:
        def __init__(self, adapter):
            self._adapter = adapter

        def __getattr__(self, name):
            return getattr(self._adapter, name)

        def project(self, publication):
            if publication.key == f"guide:{code_of(1)}":
                raise ValueError("cannot be shown")
            return project(self._adapter, publication)

    sound = old.channels[channel].store.adapter
    old.channels[channel].store.adapter = Failing(sound)
    old.flow()
    whole.complete()
    old.flow()
    clock.forward(2 * HOUR)
    old.channels[channel].turn_pages()
    assert names(old, channel) == ["旧"] * 3
    (waiting,) = old.get(f"{channel}/v1/sets", SERVICE).json()["sets"]
    assert [one["key"] for one in waiting["missing"]] == [f"guide:{code_of(1)}"]

    old.channels[channel].store.adapter = sound
    (entry,) = old.get(f"{channel}/v1/parked", SERVICE).json()["parked"]
    parked.replay_parked(old.channels[channel], entry["position"], TESTER)
    old.channels[channel].turn_pages()

    assert names(old, channel) == ["新"] * 3


def test_nobody_reads_a_body_of_a_waiting_set_and_the_verify_page_says_why(old, channel, monkeypatch):
    clock = WallClock(monkeypatch, store, ledger_queries, verify_page)
    whole = a_set(old)
    whole.prepare()
    old.flow()
    clock.forward(2 * HOUR)
    member = next(one for one in whole.recorded if one["key"] == f"item:{code_of(1)}")
    position = old.get(f"ledger/v1/versions/{member['key']}").json()["versions"][-1]["position"]

    entry = old.get(f"ledger/v1/entries/{position}").json()

    assert (entry["body"], entry["no_body"], entry["withheld_until"]) == (None, "withheld", None)
    assert "还没有发齐" in old.get(f"verify/item/{code_of(1)}/{member['version']}").text
    assert "现行有效" in old.get(f"verify/item/{code_of(1)}/1").text

    whole.complete()
    old.flow()
    assert old.get(f"ledger/v1/entries/{position}").json()["body"]["task_name"] == "新"
    assert "现行有效" in old.get(f"verify/item/{code_of(1)}/{member['version']}").text


def test_a_verifier_expects_the_former_version_while_a_set_waits(old, channel):
    whole = a_set(old)
    whole.prepare()
    old.flow()
    late = now() + 2 * HOUR
    assert expected(old, late)[f"item:{code_of(1)}"] == 1

    whole.complete()
    old.flow()

    assert expected(old, late)[f"item:{code_of(1)}"] == 2
    assert expected(old, now())[f"item:{code_of(1)}"] == 1


def expected(county, at):
    """The version of each key that is in force at a moment, as `verify` and the auditor compute it."""
    log = Log()
    for entry in county.ledger.entries(0, 1000):
        assert list(log.take(entry)) == []
    log.turn_pages(at)
    return {key: entry.version for key, entry in log.newest.items()}


def names(county, channel):
    """The names on show, read from the channel's own table."""
    with sqlite3.connect(county.place / f"{channel}.db") as reader:
        return named(reader)


def named(reader):
    keys = [f"item:{code_of(1)}", f"item:{code_of(2)}", f"guide:{code_of(1)}"]
    return [_name(reader, key) for key in keys]


def _name(reader, key):
    ((content,),) = reader.execute("SELECT content FROM document WHERE key = ?", (key,)).fetchall()
    return orjson.loads(content)["task_name"]


def now():
    return datetime.now(UTC)

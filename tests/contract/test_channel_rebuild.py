"""A rebuilt channel is byte for byte what the ledger gives: whatever was damaged heals, and readers never see less."""

import threading
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from services.channels.core import served_digests
from services.channels.core.digests import bucket_of, digest_lines, served_lines
from services.channels.recovery.rebuild import Rebuild
from services.channels.recovery.repair import RepairRequest, repair
from shared.errors import Broken
from tests.harness.moments import ahead_of_time
from tests.harness.pipeline import ADMIN, SERVICE, code_of, guide, item, progress, shown
from tests.harness.rabbitmq import wait_until

ITEMS = range(1, 6)
KEY = f"item:{code_of(2)}"


@pytest.fixture
def stocked(county):
    """Five items with guides, one of them withdrawn, one to come, one that ends, and a case."""
    for number in ITEMS:
        county.release(item(number))
        county.release(guide(number))
    county.withdraw(item(1))
    county.release(item(3, "将来的名称"), effective_at=datetime.now(UTC) + timedelta(days=1))
    county.release(item(4, "有期限的"), expires_at=datetime.now(UTC) + timedelta(days=1))
    county.release_case(progress())
    county.flow()
    county.flow()
    return county


def test_a_rebuild_of_a_sound_channel_changes_not_a_byte(stocked, channel):
    before = dump(stocked, channel)
    done = stocked.rebuild(channel)

    assert (done.done, done.differences) == (True, [])
    assert done.root_before == done.root_after
    assert dump(stocked, channel) == before
    assert stocked.execute(channel, "SELECT count(*) FROM aside") == [(0,)]


@pytest.mark.parametrize("damage", [
    "UPDATE document SET content = replace(content, '居民身份证', '居民身份征') WHERE key = :key",
    "UPDATE document SET content = '{}', content_digest = NULL WHERE key = :key",
    "UPDATE document SET content = NULL, content_digest = NULL WHERE key = :key",
    "UPDATE document SET version = 99 WHERE key = :key",
    "UPDATE document SET position = 99 WHERE key = :key",
    "UPDATE document SET digest = content_digest WHERE key = :key",
    "UPDATE document SET content_digest = digest WHERE key = :key",
    "UPDATE document SET expires_at = '2020-01-01T00:00:00.000000Z' WHERE key = :key",
    "UPDATE document SET kind = 'guide' WHERE key = :key",
    "DELETE FROM document WHERE key = :key",
])  # fmt: skip
def test_a_damaged_document_is_healed_and_named(stocked, channel, damage):
    before = visible(stocked, channel)
    assert stocked.execute(channel, damage, key=KEY) == 1
    done = stocked.rebuild(channel)

    assert done.differences == [KEY]
    assert visible(stocked, channel) == before


def test_a_damaged_case_is_healed(stocked, channel):
    before = visible(stocked, channel)
    stocked.execute(
        channel, "UPDATE document SET content = replace(content, '正在办理', '已经办结') WHERE kind = 'application'"
    )
    assert digests(stocked, channel) != before["digests"]
    stocked.rebuild(channel)

    assert visible(stocked, channel) == before


def test_what_was_injected_goes_and_screens_hear_of_it(stocked, channel):
    before = visible(stocked, channel)
    cursor = stocked.get(f"{channel}/v1/changes").json()["cursor"]
    stocked.execute(channel, INJECT, key="item:FORGED", content='{"code":"FORGED","name":"伪造的事项"}')
    assert stocked.get(f"{channel}/v1/items/FORGED").status_code == 200
    done = stocked.rebuild(channel)

    assert done.differences == ["item:FORGED"]
    assert stocked.get(f"{channel}/v1/items/FORGED").status_code == 410
    assert visible(stocked, channel) == before
    (change,) = stocked.get(f"{channel}/v1/changes", since=cursor).json()["changes"]
    assert (change["key"], change["document"]) == ("item:FORGED", None)
    assert stocked.rebuild(channel).differences == []


def test_a_tombstone_that_was_brought_back_to_life_goes_again(stocked, channel):
    resurrect = 'UPDATE document SET content = \'{"code":"x"}\' WHERE key = :key'
    stocked.execute(channel, resurrect, key=f"item:{code_of(1)}")
    stocked.rebuild(channel)

    assert stocked.get(f"{channel}/v1/items/{code_of(1)}").status_code == 410


def test_a_schedule_that_was_lost_comes_back(stocked, channel):
    """The version planned for item 3, and the hiding of guide 4, whose item ends."""
    before = stocked.execute(channel, "SELECT * FROM scheduled ORDER BY key")
    stocked.execute(channel, "DELETE FROM scheduled")
    stocked.rebuild(channel)

    assert [row[0] for row in before] == [f"guide:{code_of(4)}", f"item:{code_of(3)}"]
    assert stocked.execute(channel, "SELECT * FROM scheduled ORDER BY key") == before


def test_a_channel_that_lost_everything_comes_back_whole(stocked, channel):
    before = visible(stocked, channel)
    for table in ("document", "scheduled", "parked", "seen_head"):
        stocked.execute(channel, f"DELETE FROM {table}")
    stocked.execute(channel, "UPDATE state SET position = 0")
    stocked.rebuild(channel)

    assert visible(stocked, channel) == before


def test_poison_is_parked_again_and_what_is_not_poison_any_more_is_shown(stocked, channel):
    stocked.emit("catalog", "item:bad", {"task_name": 7})
    stocked.flow()
    parked = stocked.get(f"{channel}/v1/parked", SERVICE).json()["parked"]
    stocked.execute(channel, "DELETE FROM parked")
    stocked.rebuild(channel)

    again = stocked.get(f"{channel}/v1/parked", SERVICE).json()["parked"]
    assert [(one["key"], one["position"]) for one in again] == [(one["key"], one["position"]) for one in parked] != []


def test_readers_never_see_less_while_a_channel_is_rebuilt(stocked, channel):
    stop, seen = threading.Event(), []

    def read():
        while not stop.is_set():
            codes = shown(stocked.get(f"{channel}/v1/items"))
            seen.append((codes, stocked.get(f"{channel}/v1/items/{code_of(5)}").status_code))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(3):
        stocked.execute(channel, "DELETE FROM document WHERE key = :key", key=f"item:{code_of(3)}")
        stocked.rebuild(channel)
    wait_until(lambda: len(seen) > 3, "the reader never came")
    stop.set()
    reader.join()

    whole = [code_of(n) for n in (2, 3, 4, 5)]
    without = [code_of(n) for n in (2, 4, 5)]
    assert all(codes in (whole, without) and status == 200 for codes, status in seen)


def test_live_traffic_during_a_rebuild_is_not_lost(stocked, channel, begun):
    steps = begun(Rebuild(stocked.channels[channel]).run())
    next(steps)
    stocked.release(item(2, "重建时发布"))
    stocked.withdraw(item(5))
    stocked.release(item(9))
    stocked.flow()
    done = list(steps)[-1]

    assert done.done
    assert stocked.get(f"{channel}/v1/items/{code_of(2)}").json()["name"] == "重建时发布"
    assert stocked.get(f"{channel}/v1/items/{code_of(5)}").status_code == 410
    assert stocked.get(f"{channel}/v1/items/{code_of(9)}").status_code == 200
    assert stocked.rebuild(channel).differences == []


def test_what_comes_into_effect_during_a_rebuild_does_not_go_back(county, channel, begun):
    county.release(item(1, "旧名"))

    def under_way(moment):
        county.release(item(1, "新名"), effective_at=moment)
        county.flow()
        steps = begun(Rebuild(county.channels[channel]).run())
        next(steps)
        return steps

    steps = ahead_of_time(under_way)
    path = f"{channel}/v1/items/{code_of(1)}"
    wait_until(lambda: county.channels[channel].turn_pages() or county.get(path).json()["name"] == "新名", "never due")
    list(steps)

    assert county.get(path).json()["name"] == "新名"


def test_a_rebuild_gives_way_to_one_that_begins_later(stocked, channel, begun):
    first = begun(Rebuild(stocked.channels[channel]).run())
    next(first)
    second = begun(Rebuild(stocked.channels[channel]).run())
    next(second)

    with pytest.raises(Broken, match="another rebuild"):
        list(first)
    assert list(second)[-1].differences == []
    assert stocked.execute(channel, "SELECT count(*) FROM aside") == [(0,)]


def test_two_rebuilds_at_once_cannot_empty_the_channel(stocked, channel, begun):
    before = visible(stocked, channel)
    first = begun(Rebuild(stocked.channels[channel]).run())
    next(first)
    second = Rebuild(stocked.channels[channel])
    with stocked.dbs[channel].write() as session:
        session.connection().exec_driver_sql("DELETE FROM aside")

    with pytest.raises(Broken, match="another rebuild"):
        list(first)
    assert visible(stocked, channel) == before
    assert list(second.run())[-1].differences == []


def test_a_ledger_that_is_behind_the_channel_changes_nothing(stocked, channel):
    before = dump(stocked, channel)
    stocked.execute("ledger", "DELETE FROM entry WHERE position > 5")

    with pytest.raises(Broken, match="the ledger ends at 5"):
        stocked.rebuild(channel)
    assert dump(stocked, channel) == before


def test_an_operator_sees_a_rebuild_go_on_line_by_line(stocked, channel):
    stocked.execute(channel, "DELETE FROM document WHERE key = :key", key=KEY)
    answer = stocked.http.post(f"/{channel}/v1/rebuild", headers={"Authorization": f"Bearer {ADMIN}"})
    *steps, last = [orjson.loads(line) for line in answer.text.splitlines()]

    assert [step["done"] for step in steps] == [False] * len(steps)
    assert (last["done"], last["differences"]) == (True, [KEY])


def test_the_search_finds_again_what_a_rebuild_brought_back(stocked, channel):
    stocked.execute(channel, "DELETE FROM document WHERE key = :key", key=KEY)
    stocked.rebuild(channel)
    stocked.flow()

    assert code_of(2) in shown(stocked.get(f"{channel}/v1/search", q="居民身份证"))


def test_digests_are_of_the_very_bytes_that_are_served(stocked, channel):
    before = digests(stocked, channel)
    stocked.execute(channel, "UPDATE document SET content = replace(content, '居民', '公民') WHERE key = :key", key=KEY)
    after = digests(stocked, channel)

    assert after["root"] != before["root"]
    assert changed_buckets(before, after) == {bucket_of(KEY)}


def test_a_large_channel_reads_what_has_changed_and_a_part_in_turn(stocked, channel, monkeypatch):
    stocked.flow()
    before = digests(stocked, channel)
    monkeypatch.setattr(served_digests, "AFRESH", 1)
    stocked.release(item(5, "新的名称"))
    stocked.flow()
    stocked.execute(channel, "UPDATE document SET content = replace(content, '居民', '公民') WHERE key = :key", key=KEY)
    told = digests(stocked, channel)
    assert changed_buckets(before, told) == {bucket_of(f"item:{code_of(5)}")}, "nothing says that the other has changed"

    seen = [changed_buckets(told, digests(stocked, channel)) for _ in range(256)]
    assert {bucket_of(KEY)} in seen, "a damaged document is met in turn"
    assert seen[0] == set(), "and not by the first reading"


def test_what_a_version_without_buckets_has_written_is_counted(stocked, channel):
    before = digests(stocked, channel)
    stocked.execute(channel, "UPDATE document SET bucket = '' WHERE key = :key", key=KEY)
    assert digests(stocked, channel) == before
    lines = stocked.get(f"{channel}/v1/source/item/{bucket_of(KEY)}").json()["lines"]
    assert KEY in {line["key"] for line in lines}

    stocked.execute(channel, "UPDATE document SET content = replace(content, '居民', '公民') WHERE key = :key", key=KEY)
    assert changed_buckets(before, digests(stocked, channel)) == {bucket_of(KEY)}


def test_a_key_that_is_stored_in_another_bucket_is_missed_and_repaired(stocked, channel):
    before = digests(stocked, channel)
    wrong = next(name for name in ("00", "01") if name != bucket_of(KEY))
    stocked.execute(channel, "UPDATE document SET bucket = :wrong WHERE key = :key", key=KEY, wrong=wrong)
    assert changed_buckets(before, digests(stocked, channel)) == {bucket_of(KEY)}

    assert repair(stocked.channels[channel], RepairRequest(keys=[KEY])) == [KEY]
    assert digests(stocked, channel)["root"] == before["root"]


def test_digests_can_be_worked_out_from_what_is_shown(stocked, channel):
    with stocked.dbs[channel].read() as session:
        lines = served_lines(session)
    found = digests(stocked, channel)

    assert found["root"] == digest_lines(reversed(lines)).root
    assert found["counts"] == {"application": 1, "guide": 4, "item": 4}


def changed_buckets(before, after):
    """The buckets of items that differ."""
    ours, theirs = before["buckets"]["item"], after["buckets"]["item"]
    return {bucket for bucket in ours.keys() | theirs.keys() if ours.get(bucket) != theirs.get(bucket)}


INJECT = """
INSERT INTO document (key, kind, version, position, digest, content_digest, released_at, change, content)
VALUES (:key, 'item', 1, 1, '', 'x', '2026-01-01T00:00:00.000000Z', 0, :content)
"""


def dump(county, channel):
    tables = ("document", "scheduled", "parked", "state")
    return {table: county.execute(channel, f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables}


def visible(county, channel):
    """All that anybody can see of the channel, but the numbers of its changes."""
    documents = county.execute(
        channel,
        "SELECT key, version, position, digest, content_digest, content FROM document WHERE version > 0 ORDER BY key",
    )
    return {"documents": documents, "digests": digests(county, channel)}


def digests(county, channel):
    return county.get(f"{channel}/v1/source").json()["digests"]

"""The drill proves that a rebuild would give what is shown; it finds every damage and changes nothing."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from contracts.base import format_time
from services.channels.recovery.drill import Drill, drill_if_due
from services.channels.recovery.rebuild import Rebuild
from services.channels.trust.continuity import Halted
from shared.errors import Broken, Conflict
from shared.publishing.editions import Plans
from tests.harness.moments import ahead_of_time
from tests.harness.pipeline import ADMIN, SERVICE, code_of, guide, item, progress
from tests.harness.rabbitmq import wait_until

KEY = f"item:{code_of(2)}"
DAY = 86_400.0


@pytest.fixture
def stocked(county):
    """Three items with guides, one withdrawn, one to come, one that ends, and a case."""
    for number in (1, 2, 3):
        county.release(item(number))
        county.release(guide(number))
    county.withdraw(item(1))
    county.release(item(2, "将来的名称"), effective_at=datetime.now(UTC) + timedelta(days=1))
    county.release(item(3, "有期限的"), expires_at=datetime.now(UTC) + timedelta(days=1))
    county.release_case(progress())
    county.flow()
    return county


def drilled(county, channel):
    return county.get(f"{channel}/v1/drill", SERVICE).json()


def drill(county, channel):
    return list(Drill(county.channels[channel]).run())[-1]


def dump(county, channel):
    tables = ("document", "scheduled", "parked", "state", "aside")
    return {table: county.execute(channel, f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables}


def metric(name, channel):
    return REGISTRY.get_sample_value(f"tongyuan_drill_{name}", {"channel": channel})


def test_a_sound_channel_comes_out_the_same_and_nothing_is_changed(stocked, channel):
    before = dump(stocked, channel)
    assert drilled(stocked, channel)["good"] is None
    done = drill(stocked, channel)

    assert (done.differences, done.root_before) == ([], done.root_after)
    assert done.root_after == stocked.get(f"{channel}/v1/source").json()["digests"]["root"]
    assert dump(stocked, channel) == before
    facts = drilled(stocked, channel)
    assert (facts["good"], facts["differences"], facts["entries"]) == (True, 0, done.position)
    assert metric("good", channel) == 1
    assert metric("differences", channel) == 0
    assert (
        metric("last_success_timestamp_seconds", channel) == datetime.fromisoformat(facts["succeeded_at"]).timestamp()
    )


DAMAGES = {
    "altered": "UPDATE document SET content = content || ' ' WHERE key = :key",
    "older": "UPDATE document SET version = 0, position = 1 WHERE key = :key",
    "hidden": "UPDATE document SET content = NULL, content_digest = NULL WHERE key = :key",
    "deleted": "DELETE FROM document WHERE key = :key",
    "renamed": "UPDATE document SET key = key || 'X' WHERE key = :key",
}


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=st.sampled_from(sorted(DAMAGES)), number=st.sampled_from([2, 3]), kind=st.sampled_from(["item", "guide"]))
def test_any_damage_is_found_named_and_left_for_a_person(stocked, channel, damage, number, kind):
    key = f"{kind}:{code_of(number)}"
    stocked.rebuild(channel)
    assert drill(stocked, channel).differences == []
    assert stocked.execute(channel, DAMAGES[damage], key=key) == 1
    before = dump(stocked, channel)
    done = drill(stocked, channel)

    assert key in done.differences
    assert dump(stocked, channel) == before
    facts = drilled(stocked, channel)
    assert (facts["good"], facts["differences"]) == (False, len(done.differences))
    assert key in facts["detail"]
    assert metric("good", channel) == 0


def test_publishing_goes_on_during_a_drill_and_is_taken_in(stocked, channel, begun):
    steps = begun(Drill(stocked.channels[channel]).run())
    next(steps)
    stocked.release(item(2, "演练时发布"), plans=Plans.KEEP)
    stocked.release(item(9))
    stocked.flow()
    done = list(steps)[-1]

    assert (done.differences, done.root_before) == ([], done.root_after)
    assert done.position == stocked.ledger.head().size


def test_what_comes_into_effect_during_a_drill_is_no_difference(county, channel, begun):
    county.release(item(1, "旧名"))

    def under_way(moment):
        county.release(item(1, "新名"), effective_at=moment)
        county.flow()
        steps = begun(Drill(county.channels[channel]).run())
        next(steps)
        return steps

    steps = ahead_of_time(under_way)
    path = f"{channel}/v1/items/{code_of(1)}"
    wait_until(lambda: county.channels[channel].turn_pages() or county.get(path).json()["name"] == "新名", "never due")

    assert list(steps)[-1].differences == []


def test_a_drill_and_a_rebuild_at_once_do_not_mix(stocked, channel, begun):
    before = stocked.get(f"{channel}/v1/source").json()["digests"]
    steps = begun(Drill(stocked.channels[channel]).run())
    next(steps)
    list(Rebuild(stocked.channels[channel]).run())

    with pytest.raises(Broken, match="another rebuild"):
        list(steps)
    assert stocked.get(f"{channel}/v1/source").json()["digests"] == before
    assert drilled(stocked, channel)["good"] is False


def test_a_halted_channel_is_not_drilled_and_says_so(stocked, channel):
    stocked.execute("ledger", "DELETE FROM entry WHERE position = (SELECT max(position) FROM entry)")
    with pytest.raises(Halted):
        stocked.channels[channel].continuity.require_lineage()
    with pytest.raises(Conflict, match="halted"):
        drill(stocked, channel)
    assert "halted" in drilled(stocked, channel)["detail"][0]


def test_it_comes_each_day_beginning_a_day_after_the_channel_was_first_seen(stocked, channel):
    follower = stocked.channels[channel]
    assert (drill_if_due(follower, DAY), drill_if_due(follower, DAY)) == (False, False)
    grow_older(stocked, channel)
    assert (drill_if_due(follower, DAY), drill_if_due(follower, DAY)) == (True, False)

    grow_older(stocked, channel)
    stocked.execute(channel, "DELETE FROM document WHERE key = :key", key=KEY)
    with pytest.raises(Broken, match="1 documents differ from the ledger"):
        drill_if_due(follower, DAY)
    assert drill_if_due(follower, DAY) is False
    assert drilled(stocked, channel)["succeeded_at"] is not None


def grow_older(county, channel):
    yesterday = format_time(datetime.now(UTC) - timedelta(days=1, seconds=1))
    county.execute(channel, "UPDATE drill SET finished_at = :moment", moment=yesterday)


def test_an_operator_sees_a_drill_go_on_and_nobody_else_may_ask_for_one(stocked, channel):
    assert stocked.http.post(f"/{channel}/v1/drill").status_code == 401
    assert stocked.get(f"{channel}/v1/drill").status_code == 401
    answer = stocked.http.post(f"/{channel}/v1/drill", headers={"Authorization": f"Bearer {ADMIN}"})
    last = orjson.loads(answer.text.splitlines()[-1])

    assert (last["done"], last["differences"]) == (True, [])

"""A version is shown from its `effective_at` until its `expires_at`, in every channel, without any message."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.envelope.publication import Op
from shared.publishing.editions import Plans
from tests.harness.pipeline import code_of, item, shown
from tests.harness.rabbitmq import wait_until

CODE = code_of(1)
SOON = timedelta(milliseconds=300)
"""Soon enough to wait for. A slow machine may be past it at the first look, so the clock is read after each look."""
LATE = timedelta(days=1)


def test_a_version_becomes_visible_at_its_time_by_itself(county, channel):
    moment = now() + SOON
    county.release(item(1), effective_at=moment)
    county.flow()
    before = status(county, channel)
    assert before == 404 or now() >= moment
    turned_until(county, channel, lambda: status(county, channel) == 200)

    assert now() >= moment
    assert shown(county.get(f"{channel}/v1/items")) == [CODE]


def test_until_then_the_version_before_it_is_shown(county, channel):
    county.release(item(1, "旧名"))
    county.release(item(1, "新名"), effective_at=now() + LATE)
    county.flow()
    county.channels[channel].turn_pages()

    assert name(county, channel) == "旧名"
    assert waiting(county, channel) == 1


def test_from_then_on_it_is_shown_and_its_change_told(county, channel):
    county.release(item(1, "旧名"))
    county.release(item(1, "新名"), effective_at=now() + SOON)
    county.flow()
    turned_until(county, channel, lambda: name(county, channel) == "新名")

    (change,) = county.get(f"{channel}/v1/changes").json()["changes"]
    assert change["version"] == 2


def test_a_version_goes_at_its_end_by_itself(county, channel):
    moment = now() + SOON
    emit_until(county, moment)
    county.flow()
    before = status(county, channel)
    assert before == 200 or now() >= moment
    wait_until(lambda: status(county, channel) == 410, "it never ended")

    assert now() >= moment
    assert shown(county.get(f"{channel}/v1/items")) == []
    assert shown(county.get(f"{channel}/v1/search", q="居民身份证")) == []


def test_its_end_is_a_change_that_others_hear_of(county, channel):
    county.release(item(1))
    county.flow()
    cursor = county.get(f"{channel}/v1/changes").json()["cursor"]
    emit_until(county, now() + SOON, version=2)
    county.flow()
    turned_until(county, channel, lambda: status(county, channel) == 410)

    (change,) = changes_since(county, channel, cursor)
    assert (change["key"], change["document"]) == (f"item:{CODE}", None)


def test_what_ended_before_it_came_is_never_shown(county, channel):
    emit_until(county, now() - SOON)
    county.flow()

    assert status(county, channel) == 410
    assert county.get(f"{channel}/v1/source").json()["digests"]["counts"] == {}


def test_an_immediate_version_beats_an_earlier_one_that_still_waits(county, channel):
    county.release(item(1, "预定的"), effective_at=now() + SOON)
    county.release(item(1, "当即的"), plans=Plans.CANCEL)
    county.flow()
    turned_until(county, channel, lambda: waiting(county, channel) == 0)

    assert name(county, channel) == "当即的"


def test_a_withdrawal_can_wait_for_its_time_too(county, channel):
    county.release(item(1))
    county.emit("catalog", f"item:{CODE}", None, version=2, effective_at=now() + SOON)
    county.flow()
    assert status(county, channel) in (200, 410)
    turned_until(county, channel, lambda: status(county, channel) == 410)

    assert county.ledger.entries(1, 1)[0].op == Op.WITHDRAW


@pytest.mark.parametrize("order", [(2, 3), (3, 2)])
def test_several_versions_may_wait_for_one_key(county, channel, order):
    """Whichever time comes first: the highest version whose time has come is shown."""
    county.release(item(1, "第1版"))
    times = {version: now() + place * SOON / 2 for place, version in enumerate(order, 1)}
    county.release(item(1, "第2版"), effective_at=times[2])
    county.release(item(1, "第3版"), effective_at=times[3], plans=Plans.CANCEL if times[3] < times[2] else None)
    county.flow()
    turned_until(county, channel, lambda: waiting(county, channel) == 0)

    assert name(county, channel) == "第3版"


def emit_until(county, moment, version=1):
    """Without the source's check: on a slow machine, an end that is near may be past when the source looks."""
    county.emit("catalog", f"item:{CODE}", item(1).model_dump(mode="json"), version, expires_at=moment)


def now():
    return datetime.now(UTC)


def status(county, channel):
    return county.get(f"{channel}/v1/items/{CODE}").status_code


def name(county, channel):
    return county.get(f"{channel}/v1/items/{CODE}").json().get("name")


def changes_since(county, channel, cursor):
    return county.get(f"{channel}/v1/changes", since=cursor).json()["changes"]


def waiting(county, channel):
    ((count,),) = county.execute(channel, "SELECT count(*) FROM scheduled")
    return count


def turned_until(county, channel, condition):
    """Wait while the channel's own timer turns the pages."""

    def turned():
        county.channels[channel].turn_pages()
        return condition()

    wait_until(turned, "its time never came")

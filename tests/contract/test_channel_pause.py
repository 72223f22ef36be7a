"""An operator pauses a channel: it keeps what it shows and takes nothing more, until it is resumed where it stopped."""

from contextlib import suppress

import pytest

from services.channels.trust import anchor
from shared.errors import Unavailable
from tests.harness.pipeline import ADMIN, SERVICE, item

REASON = {"reason": "核对收费标准"}


@pytest.fixture
def channel():
    """All channels have the same core: one is enough."""
    return "web"


def post(county, channel, path, token=ADMIN, **body):
    headers = {"Authorization": f"Bearer {token}"}
    return county.http.post(f"/{channel}/v1/{path}", json=body or None, headers=headers)


def flow(county):
    """Let everything flow as far as it goes: a relay tries again what its channel does not take."""
    with suppress(Unavailable):
        county.flow()


def shown(county, channel):
    return county.get(f"{channel}/v1/items/{item(1).code}").json()["name"]


def lineage(county, channel):
    return county.get(f"{channel}/v1/lineage", SERVICE).json()


@pytest.fixture
def paused(county, channel):
    county.release(item(1))
    county.flow()
    assert post(county, channel, "pause", **REASON).status_code == 200
    return county


def test_a_paused_channel_keeps_what_it_shows_and_takes_nothing(paused, channel):
    paused.release(item(1, "新的名称"))
    flow(paused)
    paused.channels[channel].reconcile()

    assert paused.channels[channel].position() == 1
    assert shown(paused, channel) != "新的名称"
    told = lineage(paused, channel)
    assert told["paused"]["reason"] == REASON["reason"]
    assert told["halted"] is None


def test_a_resumed_channel_goes_on_where_it_stopped(paused, channel):
    paused.release(item(1, "新的名称"))
    flow(paused)
    answer = post(paused, channel, "resume")

    assert (answer.status_code, answer.json()["paused"]) == (200, None)
    paused.flow()
    assert shown(paused, channel) == "新的名称"
    assert lineage(paused, channel)["paused"] is None


def test_a_head_does_not_end_a_pause(paused, channel):
    for _ in range(3):
        flow(paused)
        paused.channels[channel].on_head(paused.ledger.head())

    assert lineage(paused, channel)["paused"] is not None


def test_a_worker_learns_from_the_store_that_another_process_has_paused_it(county, channel):
    county.release(item(1))
    county.flow()
    with county.dbs[channel].write() as session:
        anchor.pause(session, REASON["reason"])
    county.channels[channel].continuity.look_again()  # as it does by itself once a second
    county.release(item(2))
    flow(county)

    assert county.channels[channel].position() == 1


def test_a_worker_that_has_not_looked_yet_does_not_end_the_pause(county, channel):
    county.release(item(1))
    county.flow()
    with county.dbs[channel].write() as session:
        anchor.pause(session, REASON["reason"])
    county.release(item(2))
    flow(county)

    assert lineage(county, channel)["paused"] is not None


def test_a_channel_that_has_seen_no_head_can_be_paused_and_resumed(county, channel):
    post(county, channel, "pause", **REASON)
    county.release(item(1))
    flow(county)
    assert county.channels[channel].position() == 0

    post(county, channel, "resume")
    county.flow()
    assert county.channels[channel].position() == 1


def test_a_rebuild_is_refused_while_the_channel_is_paused(paused, channel):
    for wanted in ("rebuild", "rebuild?new_epoch=true"):
        answer = post(paused, channel, wanted)
        assert answer.status_code == 409, answer.text

    assert lineage(paused, channel)["paused"] is not None


def test_a_drill_of_a_paused_channel_finds_it_sound(paused, channel):
    assert b'"done":true' in post(paused, channel, "drill").content


def test_a_pause_needs_a_reason_and_the_right(county, channel):
    assert post(county, channel, "pause", reason="").status_code == 422
    assert post(county, channel, "pause", token=SERVICE, **REASON).status_code == 401
    assert post(county, channel, "resume", token=SERVICE).status_code == 401
    assert lineage(county, channel)["paused"] is None


def test_only_a_paused_channel_is_resumed(county, channel):
    assert post(county, channel, "resume").status_code == 409


def test_a_halted_channel_stays_halted(county, channel):
    county.release(item(1))
    county.flow()
    county.execute(channel, "UPDATE lineage SET halted_at = '2026-01-01', reason = 'r', refused = '{}'")

    assert post(county, channel, "pause", **REASON).status_code == 409
    assert post(county, channel, "resume").status_code == 409
    assert lineage(county, channel)["halted"] is not None

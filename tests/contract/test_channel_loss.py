"""A rebuild or repair that would take away what is shown, though no entry says so, is refused and changes nothing.

A ledger that was restored from an older backup: `unit/channels/test_backup_lineage.py`.
"""

import pytest

from services.channels.recovery.content_loss import WouldLose
from services.channels.recovery.repair import RepairRequest, repair
from services.ledger.scrub.rounds import Scrub
from shared.errors import Conflict
from tests.contract.test_channel_rebuild import KEY, visible
from tests.contract.test_channel_rebuild import stocked as _stocked
from tests.harness.pipeline import ADMIN, code_of, item

stocked = _stocked
OPERATOR = {"Authorization": f"Bearer {ADMIN}"}
CASE = "application"
DAMAGES = {
    "a flipped body": "UPDATE entry SET body = replace(body, '居民身份证', '居民身份征') WHERE key = :key",
    "a body that is gone": "UPDATE entry SET body = NULL WHERE key = :key",
    "a body that is no item": "UPDATE entry SET body = '{}' WHERE key = :key",
}
WAYS = {"every entry": {"full": True}, "a snapshot": {"pays_from": 1}}


@pytest.fixture(params=["web", "kiosk"])
def channel(request):
    """Rebuild and repair are the same for all; one shows every item, one only the hall's."""
    return request.param


@pytest.fixture(params=DAMAGES)
def damaged(stocked, request):
    """The body of an item that is shown is damaged in the ledger."""
    stocked.execute("ledger", DAMAGES[request.param], key=KEY)
    return stocked


def scrub(county):
    """A whole round of the ledger's reading itself again."""
    county.execute("ledger", "DELETE FROM scrub")
    made = Scrub(county.dbs["ledger"], county.readers, 86_400.0)
    while made.step():
        pass


@pytest.mark.parametrize("way", WAYS)
def test_a_rebuild_from_a_damaged_ledger_is_refused_and_the_screens_keep_the_item(damaged, channel, way):
    before = visible(damaged, channel)

    with pytest.raises(WouldLose, match=rf"1 documents .*{KEY}: version 1: ") as refused:
        damaged.rebuild(channel, **WAYS[way])

    assert refused.value.lost.keys() == {KEY}
    assert visible(damaged, channel) == before
    assert damaged.get(f"{channel}/v1/items/{code_of(2)}").status_code == 200


def test_the_ledger_mends_itself_and_then_the_rebuild_passes(damaged, channel):
    before = visible(damaged, channel)
    scrub(damaged)

    done = damaged.rebuild(channel)

    assert (done.done, done.differences, done.lost) == (True, [], [])
    assert visible(damaged, channel) == before


def test_an_operator_may_accept_the_loss_and_is_told_what_it_was(damaged, channel):
    answer = damaged.http.post(f"/{channel}/v1/rebuild?accept_loss=true", headers=OPERATOR)
    last = answer.text.splitlines()[-1]

    assert f'"lost":["{KEY}: version 1: ' in last
    assert damaged.get(f"{channel}/v1/items/{code_of(2)}").status_code in (404, 410)


def test_a_repair_leaves_a_key_alone_that_the_ledger_cannot_tell_of_and_repairs_the_others(damaged, channel):
    other = f"item:{code_of(5)}"
    before = visible(damaged, channel)
    damaged.execute(channel, "UPDATE document SET content = '{}' WHERE key = :key", key=other)

    with pytest.raises(Conflict, match=KEY):
        repair(damaged.channels[channel], RepairRequest(keys=[KEY, other]))

    assert visible(damaged, channel) == before


def test_an_older_version_does_not_take_the_place_of_the_one_that_is_damaged(stocked, channel):
    stocked.release(item(2, "第二版"))
    stocked.flow()
    stocked.flow()
    stocked.execute("ledger", f"{DAMAGES['a body that is gone']} AND version = 2", key=KEY)

    with pytest.raises(WouldLose, match="version 2"):
        stocked.rebuild(channel)
    with pytest.raises(WouldLose, match="version 2"):
        repair(stocked.channels[channel], RepairRequest(keys=[KEY]))

    assert stocked.get(f"{channel}/v1/items/{code_of(2)}").json()["name"] == "第二版"


def test_what_a_newer_version_made_up_for_is_no_loss(stocked, channel):
    stocked.release(item(2, "第二版"))
    stocked.flow()
    stocked.flow()
    stocked.execute("ledger", f"{DAMAGES['a flipped body']} AND version = 1", key=KEY)

    assert stocked.rebuild(channel).differences == []


@pytest.mark.parametrize("way", WAYS)
def test_a_case_whose_body_is_gone_without_an_erasure_stays(stocked, channel, way):
    before = visible(stocked, channel)
    stocked.execute("ledger", "UPDATE entry SET body = NULL WHERE kind = :kind", kind=CASE)

    with pytest.raises(WouldLose, match="its body is missing"):
        stocked.rebuild(channel, **WAYS[way])

    assert visible(stocked, channel) == before


def test_a_withdrawal_an_end_and_a_forged_document_are_no_loss(stocked, channel):
    inject = (
        "INSERT INTO document (key, kind, version, position, digest, released_at, change, content) "
        "VALUES ('item:FORGED', 'item', 1, 1, '', '', 99, '{\"code\":\"FORGED\"}')"
    )
    stocked.execute(channel, inject)
    stocked.execute(
        channel, "UPDATE document SET content = '{}', version = 1 WHERE key = :key", key=f"item:{code_of(1)}"
    )

    done = stocked.rebuild(channel)

    assert set(done.differences) == {"item:FORGED", f"item:{code_of(1)}"}
    assert done.lost == []

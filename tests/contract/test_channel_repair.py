"""Single keys are repaired as a rebuild would: byte for byte what the ledger gives, and nothing else is touched."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.channels.core.digests import bucket_of
from services.channels.recovery.repair import RepairRequest, repair
from shared.errors import Conflict, Unavailable
from tests.contract.test_channel_rebuild import INJECT, KEY, digests, visible
from tests.contract.test_channel_rebuild import stocked as _stocked
from tests.harness.pipeline import ADMIN, SERVICE, code_of, item

stocked = _stocked
SOON = f"item:{code_of(3)}"
KEYS = [f"{kind}:{code_of(number)}" for number in range(1, 6) for kind in ("item", "guide")]
DAMAGES = [
    "UPDATE document SET content = replace(content, '居民', '居氏') WHERE key = :key",
    "UPDATE document SET content = NULL, content_digest = NULL WHERE key = :key",
    "UPDATE document SET content = '{}' WHERE key = :key",
    "UPDATE document SET version = 99, position = 99 WHERE key = :key",
    "UPDATE document SET kind = 'guide' WHERE key = :key",
    "UPDATE document SET expires_at = '2020-01-01T00:00:00.000000Z' WHERE key = :key",
    "DELETE FROM document WHERE key = :key",
    "DELETE FROM scheduled WHERE key = :key",
]
PROPERTY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)


def mend(county, channel, *keys, buckets=()):
    answer = county.http.post(
        f"/{channel}/v1/repair", json={"keys": keys, "buckets": buckets}, headers={"Authorization": f"Bearer {ADMIN}"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["changed"]


@PROPERTY
@given(damaged=st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(DAMAGES)), max_size=5))
def test_whatever_was_damaged_a_rebuild_finds_nothing_more_to_change(stocked, channel, damaged):
    before = visible(stocked, channel)
    for key, damage in damaged:
        stocked.execute(channel, damage, key=key)
    changed = mend(stocked, channel, *{key for key, _ in damaged})

    assert set(changed) <= {key for key, _ in damaged}
    assert visible(stocked, channel) == before
    assert stocked.rebuild(channel).differences == []


def test_one_key_is_repaired_and_no_other_document_is_written(stocked, channel):
    stocked.execute(channel, DAMAGES[0], key=KEY)
    cursor = stocked.get(f"{channel}/v1/changes").json()["cursor"]

    assert mend(stocked, channel, KEY, f"guide:{code_of(2)}") == [KEY]
    (change,) = stocked.get(f"{channel}/v1/changes", since=cursor).json()["changes"]
    assert change["key"] == KEY
    assert mend(stocked, channel, KEY) == [], "the second time there is nothing to do, and nobody hears of it"


def test_what_the_ledger_has_never_heard_of_is_shown_no_more(stocked, channel):
    before = visible(stocked, channel)
    for key in ("item:FORGED", "item:伪造"):
        stocked.execute(channel, INJECT, key=key, content='{"code":"FORGED","name":"伪造的事项"}')

    assert mend(stocked, channel, "item:FORGED", "item:伪造", "item:NEVER") == ["item:FORGED", "item:伪造"]
    assert stocked.get(f"{channel}/v1/items/FORGED").status_code == 410
    assert visible(stocked, channel) == before


def test_a_bucket_brings_what_is_stored_in_it_too(stocked, channel):
    forged = "application:forged"
    before = digests(stocked, channel)
    stocked.execute(channel, INJECT.replace("'item'", "'application'"), key=forged, content='{"stage":"x"}')
    assert digests(stocked, channel) != before

    assert mend(stocked, channel, buckets=[f"application {bucket_of(forged)}"]) == [forged]
    assert digests(stocked, channel) == before


def test_what_waits_for_its_time_waits_again(stocked, channel):
    stocked.execute(channel, "DELETE FROM scheduled WHERE key = :key", key=SOON)

    assert mend(stocked, channel, SOON) == [SOON]
    assert stocked.execute(channel, "SELECT version FROM scheduled WHERE key = :key", key=SOON) == [(2,)]
    assert stocked.get(f"{channel}/v1/items/{code_of(3)}").json()["source"]["version"] == 1


def test_an_entry_that_cannot_be_shown_is_parked_and_the_version_before_it_stays(stocked, channel, monkeypatch):
    at = stocked.channels[channel]
    monkeypatch.setattr(at.store, "adapter", Picky(at.adapter))
    stocked.release(item(2, "不可展示"))
    stocked.flow()
    stocked.execute(channel, "DELETE FROM document WHERE key = :key", key=KEY)
    stocked.execute(channel, "DELETE FROM parked")

    assert repair(at, RepairRequest(keys=[KEY])) == [KEY]
    assert stocked.get(f"{channel}/v1/items/{code_of(2)}").json()["source"]["version"] == 1
    (parked,) = stocked.get(f"{channel}/v1/parked", SERVICE).json()["parked"]
    assert (parked["key"], parked["version"]) == (KEY, 2)


class Picky:
    """An adapter that cannot show one name."""

    def __init__(self, whole):
        self.name, self.title, self.summary, self._whole = whole.name, whole.title, whole.summary, whole

    def project(self, publication):
        if "不可展示" in str(publication.body):
            raise ValueError("not this")
        return self._whole.project(publication)


def test_what_is_published_meanwhile_is_not_undone(stocked, channel, monkeypatch):
    """Between reading the ledger and writing, the channel applies a newer version of the very key."""
    at = stocked.channels[channel]
    real, ran = at.ledger.history, []

    def slow(key):
        found = list(real(key))
        if not ran:
            ran.append(key)
            stocked.release(item(2, "刚刚发布的"))
            stocked.flow()
        return iter(found)

    stocked.execute(channel, DAMAGES[0], key=KEY)
    monkeypatch.setattr(at.ledger, "history", slow)
    repair(at, RepairRequest(keys=[KEY]))

    assert stocked.get(f"{channel}/v1/items/{code_of(2)}").json()["name"] == "刚刚发布的"
    monkeypatch.undo()
    assert stocked.rebuild(channel).differences == []


def test_a_halted_channel_is_not_repaired(stocked, channel):
    stocked.execute(
        channel,
        "INSERT INTO lineage (id, size, root, checkpoint, halted_at) VALUES (1, 1, '', '', :now) "
        "ON CONFLICT (id) DO UPDATE SET halted_at = excluded.halted_at",
        now=(datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    )
    with pytest.raises(Conflict, match="halted"):
        repair(stocked.channels[channel], RepairRequest(keys=[KEY]))


def test_without_the_ledger_nothing_is_changed(stocked, channel, monkeypatch):
    stocked.execute(channel, DAMAGES[0], key=KEY)
    damaged = visible(stocked, channel)

    def away(_key):
        raise Unavailable("the ledger is away")

    monkeypatch.setattr(stocked.channels[channel].ledger, "history", away)
    with pytest.raises(Unavailable):
        repair(stocked.channels[channel], RepairRequest(keys=[KEY]))
    assert visible(stocked, channel) == damaged


def test_only_operators_repair(stocked, channel):
    for headers in ({}, {"Authorization": f"Bearer {SERVICE}"}):
        assert stocked.http.post(f"/{channel}/v1/repair", json={"keys": [KEY]}, headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"keys": [""]}, "keys"),
        ({"keys": ["x"] * 1001}, "keys"),
        ({"buckets": ["item zz"]}, "buckets"),
        ({"keys": "item:1"}, "keys"),
        ({"all": True}, "all"),
    ],
)
def test_what_is_no_list_of_keys_is_refused_by_field(stocked, channel, body, field):
    answer = stocked.http.post(f"/{channel}/v1/repair", json=body, headers={"Authorization": f"Bearer {ADMIN}"})

    assert answer.status_code == 422
    assert field in answer.json()["errors"][0]["field"]

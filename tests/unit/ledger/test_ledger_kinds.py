"""The ledger records known kinds from the source that owns them; what it skips blocks nobody."""

import pytest

from contracts.kinds import KINDS, misplaced
from contracts.topology import SOURCES
from shared.feeds.outbox import SourceFeed, envelope
from shared.messaging.delivery import Message
from tests.harness.kinds import NOTICE, notice_entry, release_of
from tests.harness.pipeline import SERVICE, code_of, guide, item, pipeline

BODY = {"title": "通告"}
ITEM = f"item:{code_of(9)}"


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=["web"]) as made:
        yield made


def message(release) -> Message:
    document = release.model_dump_json()
    body = envelope(release.source, release.sequence, document, release.model_dump(mode="json"))
    return Message(body, "any", f"{release.key}/{release.version}", release.sequence)


def entries(county):
    return [entry["key"] for entry in county.get("ledger/v1/entries", SERVICE).json()["entries"]]


def passed_over(county):
    return {mark["source"]: mark["passed_over"] for mark in county.get("ledger/v1/sources").json()["sources"]}


@pytest.mark.parametrize(
    ("source", "key", "reason"),
    [
        ("catalog", NOTICE, "kind notice is not known to this version"),
        ("guides", ITEM, "keys of kind item belong to catalog, not to guides"),
        ("catalog", "application:abc", "keys of kind application belong to applications, not to catalog"),
        ("catalog", "act:guides-live-7", "keys of kind act belong to guides, not to catalog"),
        ("catalog", "act:catalog-live-0", "the key is not one of kind act"),
        ("catalog", "act:free-words", "the key is not one of kind act"),
    ],
)
def test_what_a_source_may_not_release_is_refused_with_the_reason(county, source, key, reason):
    (refusal,) = county.intake.take([message(release_of(key, BODY, source=source))])

    assert reason in refusal.reason
    assert entries(county) == []


def test_a_kind_and_its_key_must_agree():
    assert misplaced("catalog", ITEM, "guide", "release") is not None
    assert misplaced("catalog", ITEM, "item", "release") is None
    assert "op amend" in str(misplaced("catalog", ITEM, "item", "amend"))


def test_a_forged_message_does_not_take_the_place_of_the_true_release(county):
    forged = message(release_of(ITEM, BODY, source="guides"))
    refusals = county.intake.take([forged])
    county.release(guide(1))
    county.flow()

    assert len(refusals) == 1
    assert entries(county) == [f"guide:{code_of(1)}"]


def test_a_release_of_a_newer_source_is_passed_over_and_the_lane_goes_on(county):
    county.release(item(1))
    county.emit("catalog", NOTICE, BODY)
    county.release(item(2))
    county.flow()

    assert entries(county) == [f"item:{code_of(1)}", f"item:{code_of(2)}"]
    assert passed_over(county) == {"catalog": 1}


def test_a_release_that_only_the_feed_tells_of_is_passed_over_too(county):
    county.emit("catalog", NOTICE, BODY)
    county.release(item(1))
    county.intake.reconcile()

    assert entries(county) == [f"item:{code_of(1)}"]
    assert passed_over(county) == {"catalog": 1}


def test_what_was_passed_over_is_recorded_when_a_newer_version_knows_its_kind(county, monkeypatch):
    county.emit("catalog", NOTICE, BODY)
    county.emit("catalog", NOTICE, None, 2)
    county.emit("catalog", NOTICE, BODY, 3)
    county.release(item(1))
    county.intake.reconcile()
    monkeypatch.setitem(KINDS, "notice", notice_entry())

    assert county.intake.reconcile() == 3
    assert county.intake.reconcile() == 0
    assert entries(county) == [f"item:{code_of(1)}", NOTICE, NOTICE, NOTICE]
    assert passed_over(county) == {"catalog": 0}


def test_a_newer_version_of_a_key_that_was_passed_over_brings_the_older_ones_along(county, monkeypatch):
    county.emit("catalog", NOTICE, BODY)
    county.release(item(1))
    county.intake.reconcile()
    monkeypatch.setitem(KINDS, "notice", notice_entry())
    county.emit("catalog", NOTICE, None, 2)
    county.flow()
    county.intake.reconcile()

    assert entries(county) == [f"item:{code_of(1)}", NOTICE, NOTICE]
    assert passed_over(county) == {"catalog": 0}


def test_a_dead_letter_of_it_that_is_replayed_after_the_upgrade_is_no_stranger(county, monkeypatch):
    made = county.emit("catalog", NOTICE, BODY)
    with monkeypatch.context() as newer:
        newer.setitem(KINDS, "notice", notice_entry())
        (letter,) = SourceFeed("catalog", made.lane).messages(county.dbs["catalog"], 0, 10)
    first = county.intake.take([letter])
    county.intake.reconcile()
    monkeypatch.setitem(KINDS, "notice", notice_entry())

    assert ["not known" in refusal.reason for refusal in first] == [True]
    assert county.intake.take([letter]) == []
    assert county.intake.reconcile() == 1
    assert county.intake.take([letter]) == []


def test_every_source_may_release_acts_of_its_own_and_its_own_kind_alone():
    for source in SOURCES:
        may = {kind for kind in KINDS if misplaced(source, key_of(kind, source), kind, "release") is None}
        assert may == {"act", {"catalog": "item", "guides": "guide", "applications": "application"}[source]}


def key_of(kind, source):
    return f"act:{source}-live-1" if kind == "act" else f"{kind}:abc"

"""The ledger accepts a source's key or the source's own feed, and nothing else; a forger blocks nobody."""

import threading
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.envelope.publication import Head, Lane, Release
from contracts.envelope.statement import SourceKey
from services.channels.core.port import adapters
from services.ledger.log.intake import Intake
from services.ledger.signing.heads import sign_head
from services.ledger.signing.records import SourceKeyRow
from services.ledger.sources.keys import MOST_KEYS, SourceKeys
from services.ledger.sources.revocation import flagged, revoke
from services.operations.verification.verifier import Verification
from shared.errors import Conflict, NotFound, SettingsError, UpstreamDown
from shared.feeds.outbox import SourceFeed, sign_again
from shared.signing.ring import rotate
from shared.transparency.checkpoint import NoteKey
from shared.transparency.source_signature import key_name, signed_text
from tests.harness.kinds import release_of
from tests.harness.pipeline import code_of, guide, item, pipeline, progress
from tests.harness.release_signer import Ed25519ReleaseSigner
from tests.harness.signing import FORGER, Slow, forged, key_file, listed, message, recorded, sign_releases
from tests.unit.operations.test_verification import Stranger

ITEM = f"item:{code_of(9)}"
FORGED = {"task_name": "伪造的事项"}
NAMES = {"catalog": ITEM, "guides": f"guide:{code_of(9)}", "applications": "application:abc"}
NOW = datetime.now(UTC)


@pytest.fixture
def county(tmp_path):
    """Its sources sign, and the ledger knows their keys."""
    with pipeline(tmp_path, channels=["web"]) as made:
        sign_releases(made)
        made.intake.reconcile()
        yield made


def messages(county, source="catalog", lane=Lane.LIVE):
    return SourceFeed(source, lane).messages(county.dbs[source], 0, 1000)


def statement(county):
    sign_head(county.dbs["ledger"], county.signer)
    return county.get("ledger/v1/statement").json()["statement"]


def findings(county):
    sign_head(county.dbs["ledger"], county.signer)
    report = Verification(Stranger(county), 60, lambda _what, _count: None).run({"web": adapters()["web"]})
    return [(one.key, one.detail) for one in report.findings]


def intake(county, readers=None, **how):
    return Intake(county.dbs["ledger"], readers or county.readers, county.signer, county.standing.require, **how)


def test_the_first_keys_of_a_source_are_listed_and_from_then_on_it_must_sign(county):
    county.release(item(1))
    county.flow()
    (key,) = listed(county)

    assert (key.signs_from.position, key.compulsory_from.sequences) == (1, {"live": 1, "backfill": 1})
    assert [one["source"] for one in statement(county)["sources"]] == ["applications", "catalog", "guides"]
    assert [one["state"] for one in county.get("ledger/v1/keys").json()["source_keys"]] == ["signing"] * 3
    assert recorded(county) == [(f"item:{code_of(1)}", 1)]
    assert findings(county) == []


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda one: forged(one, None), "has not signed it but must"),
        (forged, "signature is invalid"),
        (lambda one: forged(one, source="guides"), "signature is invalid"),
        (lambda one: forged(one).model_copy(update={"source_signature": "no lines"}), "signature is invalid"),
    ],
    ids=["unsigned", "an unknown key", "another source's name", "no signature"],
)
@pytest.mark.parametrize("source", NAMES)
def test_a_release_that_its_source_has_not_signed_is_refused(county, source, made, reason):
    (refusal,) = county.intake.take([message(made(release_of(NAMES[source], FORGED, source=source)))])

    assert reason in refusal.reason
    assert recorded(county) == []


def test_a_signed_release_is_refused_when_anything_in_it_was_changed(county):
    county.release(item(1))
    (true,) = messages(county)
    data = orjson.loads(true.body)["data"]
    for change in (
        {"version": 2},
        {"sequence": 2},
        {"lane": "backfill"},
        {"released_at": "2020-01-01T00:00:00.000000Z"},
    ):
        other = Release.model_validate(data | change)
        (refusal,) = county.intake.take([message(release_of(other.key, other.body, **_fields(other)))])
        assert "signature is invalid" in refusal.reason


def _fields(one):
    return {name: getattr(one, name) for name in ("version", "sequence", "lane", "released_at", "source_signature")}


def test_the_account_of_guides_cannot_forge_an_item_and_the_catalogs_next_release_is_recorded(county):
    guides = county.dbs["guides"].release_signer
    one = release_of(ITEM, FORGED, source="catalog")
    lines = guides.sign("anything")
    refusals = county.intake.take([message(one.model_copy(update={"source_signature": lines}))])
    county.release(item(9))
    county.flow()

    assert len(refusals) == 1
    assert recorded(county) == [(ITEM, 1)]
    assert county.get(f"web/v1/items/{code_of(9)}").json()["name"] == "居民身份证办理"


@pytest.mark.parametrize("source", NAMES)
def test_a_number_that_the_sources_own_feed_does_not_confirm_is_refused_even_if_it_is_signed(county, source):
    one = release_of(NAMES[source], None, source=source, sequence=10**9)
    lines = county.dbs[source].release_signer.sign(signed_text(one))
    (refusal,) = county.intake.take([message(one.model_copy(update={"source_signature": lines}))])
    county.release(item(1))
    county.flow()

    assert "its feed ends at 0" in refusal.reason
    assert recorded(county) == [(f"item:{code_of(1)}", 1)]


def test_a_number_that_the_feed_does_confirm_brings_what_is_missing_along(county):
    county.release(item(1))
    county.release(item(2))
    county.release(item(3))

    assert county.intake.take([messages(county)[2]]) == []
    assert [key for key, _ in recorded(county)] == [f"item:{code_of(number)}" for number in (1, 2, 3)]


def test_a_source_that_is_down_blocks_no_other_and_nothing_of_it_is_lost(county):
    def down():
        raise UpstreamDown("catalog: connection refused")

    catalog = Slow(county.readers["catalog"])
    catalog.before = down
    taking = intake(county, {**county.readers, "catalog": catalog})
    county.release(item(1))
    county.release(item(2))
    county.release(guide(1))
    ahead, other = messages(county)[1], messages(county, "guides")[0]

    assert taking.take([ahead, other]) == []
    assert recorded(county) == [(f"guide:{code_of(1)}", 1)]
    assert taking.reconcile() == 0
    catalog.before = lambda: None
    assert taking.reconcile() == 2
    assert len(recorded(county)) == 3


def test_a_source_that_never_answers_blocks_no_other(county):
    """Evidence, not timing: everything below happens while the source still has not answered."""
    answers = threading.Event()
    catalog = Slow(county.readers["catalog"])
    catalog.before = answers.wait
    taking = intake(county, {**county.readers, "catalog": catalog}, patience=0.05)
    county.release(item(1))
    county.release(item(2))
    county.release(guide(1))
    county.release(guide(2))
    hint, guides = messages(county)[1], messages(county, "guides")
    try:
        assert taking.take([hint, guides[0]]) == []
        assert taking.take([hint, guides[1]]) == []
        taking.reconcile()
        seen = recorded(county)
    finally:
        answers.set()

    assert seen == [(f"guide:{code_of(1)}", 1), (f"guide:{code_of(2)}", 1)]
    while len(recorded(county)) < 4:
        taking.reconcile()


def test_before_a_sources_keys_are_known_nothing_is_believed_that_only_a_message_says(tmp_path):
    with pipeline(tmp_path, channels=["web"]) as county:
        sign_releases(county)
        catalog = Slow(county.readers["catalog"])
        taking = intake(county, {**county.readers, "catalog": catalog})

        def down():
            raise UpstreamDown("catalog: connection refused")

        catalog.before = down
        assert taking.take([message(forged(release_of(ITEM, FORGED), None))]) == []
        assert recorded(county) == []
        catalog.before = lambda: None
        (refusal,) = taking.take([message(forged(release_of(ITEM, FORGED), None))])
        assert "its feed ends at 0" in refusal.reason
        county.release(item(9))
        county.flow()
        assert recorded(county) == [(ITEM, 1)]


def test_what_was_released_before_there_were_keys_is_recorded_and_needs_no_signature(tmp_path):
    with pipeline(tmp_path, channels=["web"]) as county:
        county.release(item(1))
        county.flow()
        for number in (2, 3):
            county.release(item(number))
        waiting = messages(county)
        sign_releases(county)
        county.release(item(4))
        upgraded = intake(county)

        assert upgraded.take(waiting[1:2]) == []
        assert upgraded.take(messages(county)) == []
        assert listed(county)[0].compulsory_from is None or listed(county)[0].compulsory_from.sequences["live"] > 3
        upgraded.reconcile()
        assert listed(county)[0].compulsory_from.sequences == {"live": 5, "backfill": 1}
        assert len(recorded(county)) == 4
        assert upgraded.take(waiting) == []
        assert len(upgraded.take([message(forged(release_of(ITEM, FORGED, sequence=5), None))])) == 1
        county.flow()
        assert findings(county) == []


def test_signatures_are_not_compulsory_while_something_unsigned_waits_in_the_feed(tmp_path):
    with pipeline(tmp_path, channels=["web"]) as county:
        county.release(item(1))
        sign_releases(county)
        catalog = Slow(county.readers["catalog"])
        taking = intake(county, {"catalog": catalog})
        calls = []

        def only_the_keys():
            calls.append(1)
            if len(calls) > 1:
                raise UpstreamDown("catalog: connection refused")

        catalog.before = only_the_keys
        taking.reconcile()
        assert [key.compulsory_from for key in listed(county)] == [None]
        catalog.before = lambda: None
        taking.reconcile()
        assert recorded(county) == [(f"item:{code_of(1)}", 1)]
        assert listed(county)[0].compulsory_from.position == 2


def test_what_the_feed_holds_unsigned_waits_by_name_and_blocks_only_its_own_lane(county):
    county.release(item(1))
    county.flow()
    county.dbs["catalog"].release_signer = None
    county.release(item(2))
    sign_releases(county, ["catalog"])
    county.release(item(3))
    county.release(guide(1))
    county.intake.reconcile()
    before = recorded(county)
    with county.dbs["catalog"].write() as session:
        assert sign_again(session, Lane.LIVE, 2) == 2
    county.intake.reconcile()
    county.flow()

    assert before == [(f"item:{code_of(1)}", 1), (f"guide:{code_of(1)}", 1)]
    assert len(recorded(county)) == 4
    assert findings(county) == []


def test_a_new_key_is_listed_because_the_one_before_endorses_it_and_both_sign_meanwhile(county):
    county.release(item(1))
    county.flow()
    rotate(key_file(county, "catalog"), timedelta(days=7), NOW)
    county.release(item(2))
    county.flow()
    county.intake.reconcile()

    assert [key.signs_from.position for key in _by_start(county)] == [1, 3]
    assert len(recorded(county)) == 2
    assert findings(county) == []


def test_a_key_that_has_been_replaced_retires_and_counts_no_more(county):
    path = key_file(county, "catalog")
    old = path.read_bytes()
    rotate(path, timedelta(0), NOW - timedelta(hours=1))
    new = path.read_bytes()
    county.release(item(1))
    county.flow()
    county.intake.reconcile()
    retired, current = _by_start(county)
    path.write_bytes(old)
    county.release(item(2))
    county.flow()
    refused = recorded(county)
    path.write_bytes(new)

    assert (retired.revoked_from is None, current.revoked_from is None) == (False, True)
    assert [key for key, _ in refused] == [f"item:{code_of(1)}"]


def test_a_key_that_nobody_endorses_is_not_listed_until_the_settings_name_it(county):
    county.release(item(1))
    county.flow()
    stranger = Ed25519ReleaseSigner(key_name(county.signer.name, "catalog"), [FORGER])
    county.dbs["catalog"].release_signer = stranger
    county.release(item(2))
    county.flow()
    county.intake.reconcile()
    before = recorded(county)
    vkey = stranger.offer()[0].note_key().vkey
    intake(county, source_keys=vkey).reconcile()
    county.flow()

    assert (len(before), len(recorded(county)), len(listed(county))) == (1, 2, 2)
    assert findings(county) == []


def test_where_the_settings_name_keys_the_first_one_seen_is_not_listed(tmp_path):
    with pipeline(tmp_path, channels=["web"]) as county:
        sign_releases(county)
        vkey = NoteKey(key_name(county.signer.name, "catalog"), FORGER.public_key().public_bytes_raw()).vkey
        intake(county, source_keys=vkey).reconcile()

        assert [key.public_key for key in listed(county)] == [FORGER.public_key().public_bytes_raw().hex()]


@pytest.mark.parametrize("text", ["tongyuan/339922000000/catalog", "tongyuan/339921000000/web"])
def test_a_setting_that_names_a_key_of_somebody_else_stops_the_start(county, text):
    vkey = NoteKey(text, FORGER.public_key().public_bytes_raw()).vkey
    with pytest.raises(SettingsError, match="TONGYUAN_SOURCE_KEYS"):
        intake(county, source_keys=vkey)


def test_a_stolen_key_is_revoked_from_a_sequence_on_and_what_it_signed_from_there_is_named(county):
    for number in (1, 2, 3):
        county.release(item(number))
    county.flow()
    rotate(key_file(county, "catalog"), timedelta(0), NOW)
    county.intake.reconcile()
    stolen = _by_start(county)[0]
    before = statement(county)["sequence"]
    revoked = revoke(county.dbs["ledger"], stolen.key_id, {"live": 2})
    county.release(item(4))
    county.flow()
    after = statement(county)
    named = [(f"item:{code_of(number)}", "signed by a key of its source that was already revoked") for number in (2, 3)]

    assert after["sequence"] > before
    assert SourceKey.model_validate(next(one for one in after["sources"] if one["key_id"] == stolen.key_id)) == revoked
    assert findings(county) == named
    found = flagged(county.dbs["ledger"], "catalog", listed(county), county.signer.name)
    assert [(entry.key, problem) for entry, problem in found] == named
    assert len(recorded(county)) == 4
    assert county.get("ledger/v1/keys").json()["source_keys"][1]["state"] == "revoked"


def test_what_a_revoked_key_signs_is_refused_and_it_endorses_nobody(county):
    county.release(item(1))
    county.flow()
    (stolen,) = listed(county)
    revoke(county.dbs["ledger"], stolen.key_id, {"live": 2})
    county.release(item(2))
    (refusal,) = county.intake.take(messages(county)[1:])
    rotate(key_file(county, "catalog"), timedelta(days=7), NOW)
    county.intake.reconcile()

    assert "revoked" in refusal.reason
    assert len(listed(county)) == 1
    assert recorded(county) == [(f"item:{code_of(1)}", 1)]


def test_after_a_theft_the_source_goes_on_and_the_public_sees_its_word(county):
    """The thief used a number that the source uses too; the source's release under it is no longer lost."""
    one = release_of(ITEM, FORGED)
    stolen = county.dbs["catalog"].release_signer.sign(signed_text(one))
    assert county.intake.take([message(one.model_copy(update={"source_signature": stolen}))]) == []
    county.release(item(9))
    (refusal,) = county.intake.take(messages(county))
    rotate(key_file(county, "catalog"), timedelta(0), NOW)
    county.intake.reconcile()
    revoke(county.dbs["ledger"], _by_start(county)[0].key_id, {"live": 1})
    with county.dbs["catalog"].write() as session:
        sign_again(session, Lane.LIVE, 1)
    county.release(item(9, "更正后"))
    county.flow()

    assert "another release:" in refusal.reason
    assert recorded(county) == [(ITEM, 1), (ITEM, 2)]
    assert county.get(f"web/v1/items/{code_of(9)}").json()["name"] == "更正后"
    found = flagged(county.dbs["ledger"], "catalog", listed(county), county.signer.name)
    assert [entry.position for entry, _ in found] == [1]


def test_a_key_is_revoked_once_and_only_from_earlier_again(county):
    (key,) = listed(county)
    ledger = county.dbs["ledger"]
    revoke(ledger, key.key_id, {"live": 9})
    with pytest.raises(Conflict):
        revoke(ledger, key.key_id, {"live": 9})
    with pytest.raises(NotFound):
        revoke(ledger, "00000000", {"live": 9})

    assert revoke(ledger, key.key_id, {"live": 5}).revoked_from.sequences == {"live": 5}


def test_a_source_cannot_fill_the_statement_with_keys(county):
    ring = [Ed25519PrivateKey.generate() for _ in range(MOST_KEYS + 5)]
    name = key_name(county.signer.name, "guides")
    keys = SourceKeys(county.dbs["ledger"], county.signer.name, "guides")
    offered = Ed25519ReleaseSigner(name, ring).offer()
    assert not keys.learn(offered)

    with county.dbs["ledger"].write() as session:
        for number in range(3 * MOST_KEYS - 3):
            row = session.get_one(SourceKeyRow, listed(county, "guides")[0].key_id)
            values = {**row.model_dump(), "key_id": f"{number:08x}", "revoked_from": row.signs_from}
            session.add(SourceKeyRow(**{**values, "compulsory_from": None}))
    sign_head(county.dbs["ledger"], county.signer)
    Head.model_validate(county.get("ledger/v1/head").json())


def test_a_source_that_was_put_back_is_told_apart_from_a_forger(county):
    for number in (1, 2):
        county.release(item(number))
    county.flow()
    county.execute("catalog", "DELETE FROM release WHERE sequence = 2")
    county.execute("catalog", "UPDATE counter SET value = 1 WHERE lane = 'live'")
    county.release(item(3))
    (refusal,) = county.intake.take(messages(county)[1:])

    assert "restored to an earlier state" in refusal.reason
    assert len(recorded(county)) == 2


def test_a_process_that_dies_between_learning_a_key_and_signing_the_statement_loses_nothing(county):
    rotate(key_file(county, "catalog"), timedelta(0), NOW)
    SourceKeys(county.dbs["ledger"], county.signer.name, "catalog").learn(county.readers["catalog"].keys())
    county.release(item(1))
    restarted = intake(county)
    restarted.reconcile()

    assert recorded(county) == [(f"item:{code_of(1)}", 1)]
    assert len([one for one in statement(county)["sources"] if one["source"] == "catalog"]) == 2
    county.flow()
    assert findings(county) == []


def test_what_a_source_may_not_release_is_passed_over_signed_or_not(county):
    county.emit("guides", ITEM, FORGED)
    county.dbs["guides"].release_signer = None
    county.emit("guides", "notice:2026-1", FORGED)
    sign_releases(county, ["guides"])
    county.release(guide(1))
    county.intake.reconcile()

    assert recorded(county) == [(f"guide:{code_of(1)}", 1)]
    marks = county.get("ledger/v1/sources").json()["sources"]
    assert [(mark["source"], mark["passed_over"]) for mark in marks] == [("guides", 2)]


def test_cases_are_signed_too(county):
    county.release_case(progress())
    county.flow()

    assert len(recorded(county)) == 1
    assert findings(county) == []


def _by_start(county):
    return sorted(listed(county), key=lambda key: (key.signs_from.position, key.compulsory_from is None))

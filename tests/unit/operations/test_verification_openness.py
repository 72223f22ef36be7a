"""What `verify` and the auditor report of unknown content, withheld bodies, and sources' signatures."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.envelope.statement import Start
from services.channels.core.port import adapters
from services.ledger import queries
from services.ledger.signing.heads import sign_head
from services.ledger.signing.records import SourceKeyRow
from services.operations.verification import verifier
from services.operations.verification.verifier import Verification
from shared.transparency.checkpoint import NoteKey
from shared.transparency.source_signature import key_name
from tests.harness.kinds import NOTICE, recorded, release_of
from tests.harness.pipeline import code_of, item, pipeline
from tests.harness.release_signer import Ed25519ReleaseSigner
from tests.harness.wall_clock import WallClock
from tests.unit.operations.test_verification import CHANNEL_CLOCKS, HOUR, Stranger, its_time_comes

ITEM = f"item:{code_of(1)}"
OLD, NEW = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path) as made:
        yield made


def run(county, *, token=True):
    made = Verification(
        Stranger(county) if token else Stranger(county, None), 60, lambda _what, _count: None, patience=0
    )
    return made, made.run(adapters())


def found(county, **how):
    return {(one.where, one.verdict, one.key, one.detail) for one in run(county, **how)[1].findings}


def sign(county, key=OLD):
    name = key_name(county.signer.name, "catalog")
    county.dbs["catalog"].release_signer = Ed25519ReleaseSigner(name, [key])


def listed(county, key, position=1, **starts):
    """Let the ledger list a key of the catalog from now on."""
    public = key.public_key().public_bytes_raw()
    note_key = NoteKey(key_name(county.signer.name, "catalog"), public)
    row = SourceKeyRow(
        key_id=note_key.key_id.hex(),
        source="catalog",
        public_key=public.hex(),
        signs_from=Start(position=position).model_dump_json(),
        **{name: Start(position=at).model_dump_json() for name, at in starts.items()},
    )
    with county.dbs["ledger"].write() as session:
        session.merge(row)
    sign_head(county.dbs["ledger"], county.signer, timedelta(0))


def test_a_kind_that_is_not_known_stands_in_the_tree_and_is_named(county):
    county.release(item(1))
    recorded(county, release_of(NOTICE, {"title": "通告"}))
    county.flow()
    made, report = run(county)

    assert report.root == county.ledger.head().root
    assert not report.good
    assert {(one.where, one.verdict) for one in report.findings} == {
        ("ledger", "unknown"),
        ("catalog", "foreign"),
        *((name, "missing") for name in adapters()),
    }
    assert any("kind notice is not known to this version: 1 entries" in one.detail for one in report.findings)
    assert made.log.newest.keys() == {ITEM}


def test_without_a_token_what_is_scheduled_is_no_error_and_is_compared_when_its_time_has_come(county, monkeypatch):
    county.release(item(1, "现行"))
    county.release(item(1, "以后"), effective_at=datetime.now(UTC) + HOUR)
    county.flow()
    county.flow()
    early = found(county, token=False)
    come = its_time_comes(county, WallClock(monkeypatch, queries, verifier, *CHANNEL_CLOCKS))
    made = Verification(Stranger(county, None), 60, come, patience=0)
    report = made.run(adapters())

    assert early == set()
    assert report.findings == []
    assert made.log.newest[ITEM].body["task_name"] == "以后"


def test_a_document_that_is_wrong_after_its_time_came_is_found_without_a_token(county, monkeypatch):
    county.release(item(1, "以后"), effective_at=datetime.now(UTC) + HOUR)
    county.flow()
    county.flow()
    clock = WallClock(monkeypatch, queries, verifier, *CHANNEL_CLOCKS)
    clock.forward(HOUR)
    for channel in county.channels.values():
        channel.turn_pages()
    county.execute("web", "UPDATE document SET content = replace(content, '以后', '从前') WHERE key = :key", key=ITEM)

    assert {(where, verdict, key) for where, verdict, key, _ in found(county, token=False)} == {
        ("web", "different", ITEM)
    }


def test_a_body_that_is_withheld_beyond_its_time_is_told(county, monkeypatch):
    county.release(item(1, "以后"), effective_at=datetime.now(UTC) + HOUR)
    county.flow()
    county.flow()
    WallClock(monkeypatch, verifier, *CHANNEL_CLOCKS).forward(2 * HOUR)
    told = found(county, token=False)

    assert ("ledger", "broken", "position 1", "its body is withheld although its time has come") in told


def test_a_body_that_is_missing_without_a_reason_is_told(county):
    county.release(item(1))
    county.flow()
    county.flow()
    county.execute("ledger", "UPDATE entry SET body = NULL WHERE position = 1")

    assert any(
        (where, verdict) == ("ledger", "broken") and "without a reason" in detail
        for where, verdict, _, detail in found(county)
    )


def test_signatures_that_hold_are_no_news(county):
    sign(county)
    county.release(item(1))
    county.flow()
    listed(county, OLD, compulsory_from=1)
    county.flow()

    assert found(county) == set()


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (('"source_signature":"— ', '"source_signature":"—x '), "signature is invalid"),
        (('"sequence":1,', '"sequence":7,'), "signature is invalid"),
        (('"source":"catalog"', '"source":"guides"'), "signature is invalid"),
    ],
)
def test_a_signature_that_does_not_hold_is_said_aloud(county, damage, complaint):
    sign(county)
    county.release(item(1))
    county.flow()
    listed(county, OLD)
    county.flow()
    assert found(county) == set()
    county.execute("ledger", "UPDATE entry SET meta = replace(meta, :was, :now)", was=damage[0], now=damage[1])

    assert any(key == ITEM and complaint in detail for _, _, key, detail in found(county))


def test_a_release_that_must_be_signed_and_is_not_is_said_aloud(county):
    county.release(item(1))
    county.release(item(2))
    county.flow()
    listed(county, OLD, compulsory_from=2)
    county.flow()

    assert {(key, detail) for _, _, key, detail in found(county)} == {
        (f"item:{code_of(2)}", "its source has not signed it but must")
    }


def test_a_key_that_was_revoked_counts_no_more_and_the_next_one_does(county):
    sign(county, OLD)
    county.release(item(1))
    county.release(item(2))
    county.flow()
    listed(county, NEW, position=3)
    sign(county, NEW)
    county.release(item(3))
    county.flow()
    listed(county, OLD, revoked_from=2)
    county.flow()

    assert {(key, detail) for _, _, key, detail in found(county)} == {
        (f"item:{code_of(2)}", "signed by a key of its source that was already revoked")
    }


def test_signatures_of_a_source_without_listed_keys_are_not_judged(county):
    sign(county)
    county.release(item(1))
    county.flow()
    county.flow()

    assert found(county) == set()

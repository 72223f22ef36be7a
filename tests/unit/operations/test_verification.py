"""Verification detects every kind of damage from public data, and says which kind it is."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.base import format_time
from services.channels.api import queries as channel_queries
from services.channels.core import store
from services.channels.core.port import adapters
from services.cli.inspect.verify import verdict
from services.ledger import queries
from services.ledger.signing.heads import sign_head
from services.ledger.signing.signed_head_store import MEMORY_FILE, WouldFork
from services.ledger.signing.signer import Signer
from services.operations.verification import verifier
from services.operations.verification.verifier import Verification
from shared.errors import NotFound, Refused
from tests.harness.pipeline import ADMIN, code_of, guide, item, pipeline, progress
from tests.harness.wall_clock import WallClock

CHANNEL_CLOCKS = (store, channel_queries)
HOUR = timedelta(hours=1)
KEY = f"item:{code_of(2)}"


@pytest.fixture
def county(tmp_path):
    """Three items with guides, one of them withdrawn, and a case; differences are reported without delay."""
    with pipeline(tmp_path) as made:
        for number in (1, 2, 3):
            made.release(item(number))
            made.release(guide(number))
        made.withdraw(item(3))
        made.release_case(progress())
        made.flow()
        made.flow()
        yield made


class Stranger:
    """Reads what a county serves; with a token also the content of cases. Parked entries are always read with one,
    since only services may read them.
    """

    def __init__(self, county, token=ADMIN):
        self._county, self._token = county, token

    def get(self, service, path, **params):
        token = ADMIN if path == "parked" else self._token
        answer = self._county.get(f"{service}/v1/{path}", token, **params)
        if answer.status_code in (404, 410):
            raise NotFound(path)
        if answer.status_code == 401:
            raise Refused(path)
        assert answer.status_code == 200, answer.text
        return answer.json()


def test_a_sound_county_is_the_same_everywhere(county):
    report = verify(county)

    assert report.good
    assert report.findings == []
    assert report.entries == county.ledger.head().size
    assert report.root == county.ledger.head().root
    assert {name: facts["documents"] for name, facts in report.channels.items()} == dict.fromkeys(adapters(), 5)


def test_a_county_whose_signer_refuses_is_consistent_and_never_called_well(county):
    (county.settings.data_dir / MEMORY_FILE).unlink()
    with pytest.raises(WouldFork):
        county.standing.sign()
    report = verify(county)

    assert report.findings == []
    assert report.consistent
    assert not report.good
    assert "which records the last one, is missing" in str(report.unreleasable)
    said = verdict(report)
    assert "the same source everywhere" not in said
    assert "all channels are consistent, but nothing can be released" in said


@pytest.mark.parametrize("token", [ADMIN, None])
def test_a_county_that_signs_no_more_is_found_with_and_without_a_token(county, token):
    old = format_time(datetime.now(UTC) - timedelta(minutes=10))
    county.execute("ledger", "UPDATE head SET time = :old", old=old)
    report = Verification(Stranger(county, token), 60, lambda _what, _count: None, patience=0).run(adapters())

    assert not report.good
    assert report.unreleasable.since == old
    assert "nothing can be released" in verdict(report)


def test_differences_and_a_signer_that_refuses_are_both_said(county):
    county.execute("kiosk", "DELETE FROM document WHERE key = :key", key=KEY)
    (county.settings.data_dir / MEMORY_FILE).unlink()
    with pytest.raises(WouldFork):
        county.standing.sign()
    said = verdict(verify(county))

    assert "differences found" in said
    assert "nothing can be released" in said


@pytest.mark.parametrize("channel", list(adapters()))
def test_a_byte_that_was_changed_in_a_channel_is_a_difference_by_field(county, channel):
    forge = "UPDATE document SET content = replace(content, '居民身份证办理', '居民身份证办里') WHERE key = :key"
    county.execute(channel, forge, key=KEY)
    findings = verify(county).findings

    assert {(one.where, one.verdict, one.key) for one in findings} == {(channel, "different", KEY)}
    assert all("name" in one.detail for one in findings)


def test_a_document_that_was_deleted_is_missing(county):
    county.execute("kiosk", "DELETE FROM document WHERE key = :key", key=KEY)

    assert found(county) == {("kiosk", "missing", KEY)}


def test_a_document_that_was_injected_is_an_orphan(county):
    county.execute("web", INJECT, content='{"code":"FORGED","name":"伪造的事项"}')

    assert found(county) == {("web", "orphan", "item:FORGED")}


def test_a_withdrawn_item_that_is_shown_again_is_an_orphan(county):
    county.execute("portal", "UPDATE document SET content = '{}' WHERE key = :key", key=f"item:{code_of(3)}")

    assert found(county) == {("portal", "orphan", f"item:{code_of(3)}")}


def test_a_case_that_was_changed_is_found_by_its_bucket(county):
    forge = "UPDATE document SET content = replace(content, '正在办理', '已经办结') WHERE kind = 'application'"
    county.execute("mobile", forge)
    ((where, verdict, key),) = found(county)

    assert (where, verdict) == ("mobile", "different")
    assert key.startswith("application:* bucket ")


def test_without_a_token_cases_are_not_compared_and_all_else_is(county):
    run = Verification(Stranger(county, token=None), 60, lambda _what, _count: None, patience=0)
    county.execute("kiosk", "DELETE FROM document WHERE key = :key", key=KEY)
    report = run.run(adapters())

    assert run.log.withheld
    assert {(one.where, one.verdict, one.key) for one in report.findings} == {("kiosk", "missing", KEY)}


def test_a_body_that_was_changed_in_the_ledger_does_not_fit_its_digest(county):
    county.execute("ledger", "UPDATE entry SET body = replace(body, '居民', '公民') WHERE key = :key", key=KEY)
    findings = verify(county).findings

    assert ("ledger", "broken", KEY) in {(one.where, one.verdict, one.key) for one in findings}
    assert any("digest" in one.detail for one in findings if one.where == "ledger")


def test_an_entry_that_was_rewritten_with_its_digest_does_not_fit_the_signed_root(county):
    forge = "UPDATE entry SET meta = replace(meta, :truth, :lie) WHERE position = 1"
    county.execute("ledger", forge, truth='"recorded_at":"20', lie='"recorded_at":"19')

    assert ("ledger", "broken", "head") in found(county)


def test_an_entry_that_was_deleted_leaves_a_hole(county):
    county.execute("ledger", "DELETE FROM entry WHERE position = 2")
    findings = verify(county).findings

    assert any(one.where == "ledger" and "position 3 follows 1" in one.detail for one in findings)


def test_a_version_that_was_taken_out_of_a_key_is_seen(county):
    county.release(item(2, "第二版"))
    county.flow()
    forge = "UPDATE entry SET meta = replace(meta, :two, :three) WHERE key = :key"
    county.execute("ledger", forge, key=KEY, two='"version":2', three='"version":3')
    findings = verify(county).findings

    assert any(one.key == KEY and "version 3 after 1" in one.detail for one in findings)


def test_a_head_by_another_key_is_no_head(county):
    forger = Signer(county.signer.name, Ed25519PrivateKey.generate())
    head = county.ledger.head()
    note = forger.checkpoint(head.size, bytes.fromhex(head.root))
    county.execute("ledger", "UPDATE head SET checkpoint = :note", note=note)

    assert found(county) == {("ledger", "broken", "head")}


@pytest.mark.parametrize("note", ["", "nonsense", "tongyuan/339921000000\n1\n#\n\n— tongyuan/339921000000 #\n"])
def test_a_head_that_is_no_note_is_no_head(county, note):
    county.execute("ledger", "UPDATE head SET checkpoint = :note", note=note)

    assert found(county) == {("ledger", "broken", "head")}


def test_a_head_that_says_more_than_was_signed_is_no_head(county):
    county.execute("ledger", "UPDATE head SET root = :root", root="ab" * 32)

    assert found(county) == {("ledger", "broken", "head")}


def test_a_head_that_was_signed_over_another_history_is_no_head(county):
    """The ledger's own key over a wrong root, as of a forked ledger."""
    size, root = county.ledger.head().size, b"\xab" * 32
    forge = "UPDATE head SET root = :root, checkpoint = :note"
    county.execute("ledger", forge, root=root.hex(), note=county.signer.checkpoint(size, root))

    assert found(county) == {("ledger", "broken", "head")}


def test_a_release_that_never_reached_the_ledger_is_missing(county):
    county.release(item(4))

    assert found(county) == {("catalog", "missing", "catalog/live")}


def test_poison_is_missing_with_its_reason(county):
    county.emit("catalog", "item:bad", {"task_name": 7})
    county.flow()
    findings = verify(county).findings

    assert {(one.where, one.verdict, one.key) for one in findings} == {
        (name, "missing", "item:bad") for name in adapters()
    }
    assert all("task_name" in one.detail for one in findings)


def test_a_channel_that_is_late_is_stale_while_the_delay_is_allowed(county):
    county.release(item(4))
    county.intake.reconcile()
    sign_head(county.dbs["ledger"], county.signer)

    assert {(one.verdict, one.key) for one in verify(county, 60).findings} == {("stale", f"item:{code_of(4)}")}
    assert verify(county, 60).good
    assert {(one.verdict, one.key) for one in verify(county, 0).findings} == {("missing", f"item:{code_of(4)}")}
    assert not verify(county, 0).good


def test_what_comes_into_effect_while_it_is_verified_is_no_difference(county, monkeypatch):
    county.release(item(1, "新名"), effective_at=datetime.now(UTC) + HOUR)
    county.flow()
    come = its_time_comes(county, WallClock(monkeypatch, queries, verifier, *CHANNEL_CLOCKS))
    report = Verification(Stranger(county), 60, come, patience=0).run(adapters())

    assert report.findings == []
    assert {county.get(f"{name}/v1/items/{code_of(1)}").json()["name"] for name in county.channels} == {"新名"}


def its_time_comes(county, clock):
    """Return what `Verification` is to tell: when it has read the ledger, an hour passes and all channels follow."""
    left = [HOUR]

    def tell(what, _count):
        if what == "ledger" and left:
            clock.forward(left.pop())
            for channel in county.channels.values():
                channel.turn_pages()

    return tell


def test_a_rebuild_repairs_what_was_found(county):
    county.execute("kiosk", "DELETE FROM document WHERE key = :key", key=KEY)
    county.execute("kiosk", INJECT, content="{}")
    county.rebuild("kiosk")

    assert verify(county).findings == []


def test_the_report_is_plain_json(county):
    county.execute("kiosk", "DELETE FROM document WHERE key = :key", key=KEY)
    report = orjson.loads(orjson.dumps(verify(county).as_json()))

    assert report["good"] is False
    assert report["findings"][0] | {"detail": ""} == {"where": "kiosk", "verdict": "missing", "key": KEY, "detail": ""}


INJECT = """
INSERT INTO document (key, kind, version, position, digest, content_digest, released_at, change, content)
SELECT 'item:FORGED', 'item', 1, 1, '', '', '2026-01-01T00:00:00.000000Z', change, :content FROM state
"""


def verify(county, allowed_delay=60):
    return Verification(Stranger(county), allowed_delay, lambda _what, _count: None, patience=0).run(adapters())


def found(county):
    return {(one.where, one.verdict, one.key) for one in verify(county).findings}

"""A channel takes no head unless a key that it trusts has signed it, and raises an alarm otherwise."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import REGISTRY

from contracts.envelope.publication import Head
from services.channels.trust.ledger_keys import Witness, facts
from services.ledger.signing.heads import sign_head
from services.ledger.signing.keyring import rotate
from services.ledger.signing.signer import Signer
from shared.errors import Broken, UpstreamDown
from shared.feeds.upstream import LedgerKey
from shared.signing.offer import endorsement
from shared.signing.ring import RingKey
from shared.transparency.checkpoint import NoteKey
from tests.harness.pipeline import SERVICE, item, pipeline

WEB = ["web"]
AT_ONCE = timedelta(0)


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=WEB) as made:
        # Recorded and signed, but not yet sent to the channel: its witness must not have asked for keys.
        made.release(item(1))
        made.intake.reconcile()
        signed(made)
        yield made


class Lying:
    """A ledger whose address an attacker has taken over: it lists the attacker's keys."""

    def __init__(self, *keys):
        self.listed = keys

    def keys(self):
        return self.listed


class Unreachable:
    def keys(self):
        raise UpstreamDown("the ledger does not answer")


def witness(county, ledger=None, configured=()):
    return Witness(county.dbs["web"], ledger or county.ledger, configured)


def told(county):
    with county.dbs["web"].read() as session:
        return facts(session)


def signed(county):
    return sign_head(county.dbs["ledger"], county.signer)


def forged(county, key=None, **fields):
    """Return a valid head signed by somebody else under the log's name."""
    head = county.ledger.head()
    signer = Signer(county.signer.name, key or Ed25519PrivateKey.generate())
    values = {"size": head.size, "root": head.root, "time": head.time} | fields
    return Head(**values, checkpoint=signer.checkpoint(values["size"], bytes.fromhex(values["root"])))


def listed(signer, one, note=None):
    key = signer.note_key(one)
    return LedgerKey(key_id=key.key_id.hex(), name=key.name, public_key=key.public_key.hex(), endorsement=note)


def refusals(reason="signature"):
    return REGISTRY.get_sample_value("tongyuan_head_refused_total", {"channel": "web", "reason": reason}) or 0


def test_the_ledgers_own_head_is_taken_and_its_key_remembered(county):
    assert witness(county).accepts(county.ledger.head())
    assert witness(county, Unreachable()).accepts(signed(county))
    assert [key["reason"] for key in told(county)["keys"]] == ["first use"]
    assert told(county)["refused"] is None


def test_a_head_signed_by_somebody_else_is_refused_counted_and_kept_as_evidence(county):
    one, before = witness(county), refusals()
    assert one.accepts(county.ledger.head())

    assert not one.accepts(forged(county, size=99))
    assert not one.accepts(forged(county))
    assert refusals() == before + 2
    told_now = county.get("web/v1/witness", SERVICE).json()["refused"]
    assert told_now["count"] == 2
    assert "known key" in told_now["reason"]
    assert one.accepts(county.ledger.head())


@pytest.mark.parametrize("change", [{"size": 7}, {"root": "00" * 32}, {"checkpoint": "nonsense"}, {"checkpoint": ""}])
def test_a_head_that_says_something_else_than_its_note_is_refused(county, change):
    head = county.ledger.head().model_copy(update=change)

    assert not witness(county).accepts(head)
    assert told(county)["refused"]["count"] == 1


def test_whoever_takes_over_the_ledgers_address_later_is_not_believed(county):
    assert witness(county).accepts(county.ledger.head())
    mine = Ed25519PrivateKey.generate()
    signer = Signer(county.signer.name, mine)

    assert not witness(county, Lying(listed(signer, signer.ring()[0]))).accepts(forged(county, mine))
    own_word = endorsement(signer.name, RingKey(mine), RingKey(mine), county.ledger.head().time)
    assert not witness(county, Lying(listed(signer, signer.ring()[0], own_word))).accepts(forged(county, mine))
    assert len(told(county)["keys"]) == 1


def test_a_configured_key_leaves_nothing_to_the_first_use(county):
    mine = Ed25519PrivateKey.generate()
    signer = Signer(county.signer.name, mine)
    vkey = NoteKey(county.signer.name, county.signer.public_key).vkey
    lying = Lying(listed(signer, signer.ring()[0]))

    assert not witness(county, lying, [vkey]).accepts(forged(county, mine))
    assert witness(county, lying, [vkey]).accepts(county.ledger.head())
    assert [key["reason"] for key in told(county)["keys"]] == ["configured"]


@pytest.mark.parametrize("text", ["", "x", "a+00000000+AQ==", "tongyuan/1+00000000+" + "A" * 44])
def test_a_configured_key_that_is_none_stops_the_start(county, text):
    with pytest.raises(Broken):
        witness(county, None, [text])


def test_an_endorsed_key_is_trusted_even_by_a_channel_that_was_away_for_the_whole_overlap(county, tmp_path):
    away = witness(county)
    assert away.accepts(county.ledger.head())
    for _ in range(2):
        rotate(tmp_path, AT_ONCE, county.ledger.head().time)
        signed(county)

    assert away.accepts(county.ledger.head())
    reasons = [key["reason"].split(" ")[0] for key in told(county)["keys"]]
    assert sorted(reasons) == ["endorsed", "endorsed", "first"]


def test_a_retired_key_is_good_for_the_heads_of_its_time_only(county, tmp_path):
    one, old = witness(county), county.ledger.head()
    stolen = county.signer.ring()[0].key
    assert one.accepts(old)
    rotate(tmp_path, AT_ONCE, county.ledger.head().time + timedelta(milliseconds=1))
    assert one.accepts(signed(county))

    assert one.accepts(old)
    assert not one.accepts(forged(county, stolen))
    assert "retired" in told(county)["refused"]["reason"]


def test_during_the_overlap_either_key_will_do(county, tmp_path):
    one = witness(county)
    assert one.accepts(county.ledger.head())
    rotate(tmp_path, timedelta(days=7), county.ledger.head().time)
    head = signed(county)

    assert witness(county, Unreachable()).accepts(head)
    assert one.accepts(head)
    assert len(told(county)["keys"]) == 2


def test_while_nobody_can_be_asked_nothing_is_taken_and_nobody_is_accused(county):
    assert not witness(county, Unreachable()).accepts(county.ledger.head())
    assert told(county) == {"keys": [], "refused": None}

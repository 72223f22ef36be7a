"""Nothing is applied that is not proven to be in the signed ledger: the ledger's broker account alone is no use."""

import base64
from datetime import timedelta

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from services.channels.core.documents import document_row
from services.channels.core.port import adapters
from services.channels.recovery.repair import RepairRequest, repair
from services.ledger.signing.heads import sign_head
from services.ledger.signing.keyring import rotate
from services.ledger.signing.signer import Signer
from shared.errors import Broken, Unavailable, UpstreamDown
from shared.messaging.delivery import Message
from shared.transparency.canonical import canonical
from shared.transparency.checkpoint import NoteKey, opened_checkpoint
from shared.transparency.merkle import (
    EMPTY_ROOT,
    GrowingTiles,
    NoTiles,
    inclusion_proof,
    inclusion_proofs,
    leaf_hash,
    roots_along,
    tree_root,
)
from shared.transparency.proof import LedgerEntry, Prover, Unproven, read, written
from tests.harness.forging import forged_next, leaf_of, message_of
from tests.harness.pipeline import SERVICE, code_of, item, pipeline

WEB = ["web"]
FORGED = "从未发布"
AT_ONCE = timedelta(0)
COVERED = (
    "position", "key", "version", "op", "region", "effective_at", "expires_at", "released_at", "recorded_at", "digest",
)  # fmt: skip


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=WEB) as made:
        for number in (1, 2, 3):
            made.release(item(number))
        made.flow()
        yield made


def status(county, number):
    return county.get(f"web/v1/items/{code_of(number)}").status_code


def take(county, *messages):
    """Return the reasons for which web refuses the messages."""
    return [refusal.reason for refusal in county.channels["web"].take(messages)]


def refused():
    return REGISTRY.get_sample_value("tongyuan_refused_messages_total", {"service": "web", "reason": "Unproven"}) or 0


def proof_by(signer, data):
    """A proof that is right except for the key: a ledger of this one entry, after the empty ones before it."""
    tiles = GrowingTiles(NoTiles(), 0)
    for _ in range(data["position"] - 1):
        tiles.append(bytes(32))
    tiles.append(leaf_of(data))
    index = tiles.size - 1
    return written(index, inclusion_proof(tiles, index, tiles.size), signer.checkpoint(tiles.size, tiles.root()))


def with_proof_by(signer, message):
    event = orjson.loads(message.body)
    event["data"]["proof"] = proof_by(signer, event["data"])
    return Message(orjson.dumps(event), message.routing_key, message.message_id, message.sequence)


# ---- what somebody with the ledger's account may try --------------------------------------------------------------


def test_a_forged_next_entry_is_never_shown_but_dead_and_counted(county):
    before = refused()
    (reason,) = take(county, forged_next(county, item(9, FORGED)))

    assert "comes with the proof of entry 3" in reason
    assert refused() == before + 1
    assert status(county, 9) == 404
    assert county.channels["web"].position() == 3


@pytest.mark.parametrize("proof", [None, "", "c2sp.org/tlog-proof@v1", "x" * 16_000])
def test_an_entry_without_a_proof_is_not_taken_from_the_queue(county, proof):
    (reason,) = take(county, forged_next(county, item(9, FORGED), proof=proof))

    assert "proof" in reason
    assert status(county, 9) == 404


def test_the_proof_of_another_entry_proves_nothing(county):
    true = county.ledger_messages()[2]
    same_place = message_of(true, f"item:{code_of(9)}", item(9, FORGED).model_dump(mode="json"))
    county.execute("web", "UPDATE state SET position = 2, root = NULL")
    county.channels["web"].follower.is_at(None)
    (reason,) = take(county, same_place)

    assert "not in the signed ledger" in reason
    assert status(county, 9) == 404


def test_a_signature_of_somebody_else_under_the_logs_name_proves_nothing(county):
    stranger = Signer(county.signer.name, Ed25519PrivateKey.generate())
    (reason,) = take(county, with_proof_by(stranger, forged_next(county, item(9, FORGED))))

    assert "known key" in reason
    assert status(county, 9) == 404


def test_a_retired_key_proves_nothing_any_more(county, tmp_path):
    stolen = Signer(county.signer.name, county.signer.ring()[0].key)
    rotate(tmp_path, AT_ONCE, county.ledger.head().time)
    county.release(item(4))
    county.flow()
    (reason,) = take(county, with_proof_by(stolen, forged_next(county, item(9, FORGED))))

    assert "retired" in reason
    assert (status(county, 4), status(county, 9)) == (200, 404)


def test_what_the_ledgers_key_has_signed_of_another_history_is_refused_and_the_channel_goes_on(county):
    """Proven entries that do not continue this channel, as a restored ledger leaves them in the queues."""
    (reason,) = take(county, with_proof_by(county.signer, forged_next(county, item(9, FORGED))))

    assert "does not continue" in reason
    county.release(item(4))
    county.flow()
    assert (status(county, 4), status(county, 9)) == (200, 404)
    assert county.get("web/v1/lineage", SERVICE).json()["halted"] is None


def test_a_forged_entry_far_ahead_holds_nothing_up(county):
    county.release(item(4))
    county.intake.reconcile()
    true = county.ledger_messages()[-1]
    assert len(take(county, forged_next(county, item(9, FORGED), position=900), true)) == 1
    assert status(county, 4) == 200


def test_a_forged_head_far_ahead_is_dead_and_holds_nothing_up(county):
    stranger = Signer(county.signer.name, Ed25519PrivateKey.generate())
    head = county.relays[-1].feed.head_message(county.dbs["ledger"], 3)
    event = orjson.loads(head.body)
    event["data"] |= {"size": 900, "root": "00" * 32, "checkpoint": stranger.checkpoint(900, bytes(32))}
    (reason,) = take(county, head, Message(orjson.dumps(event), head.routing_key, "forged"))

    assert "known key" in reason


def test_a_true_entry_beside_its_forgery_is_shown(county):
    county.release(item(4))
    county.intake.reconcile()
    true = county.ledger_messages()[-1]
    forged = message_of(true, f"item:{code_of(9)}", item(9, FORGED).model_dump(mode="json"))
    assert len(take(county, true, forged)) == 1
    assert (status(county, 4), status(county, 9)) == (200, 404)


def test_a_forged_withdrawal_hides_no_guide(county):
    message = message_of(county.ledger_messages()[-1], f"item:{code_of(1)}", None, position=4, version=2)
    (refusal,) = county.watch.take([message])

    assert "proof" in refusal.reason
    assert county.watch.take(county.ledger_messages()) == []


def test_what_the_ledger_itself_cannot_prove_is_not_shown_either(county):
    county.release(item(4))
    county.intake.reconcile()
    sign_head(county.dbs["ledger"], county.signer)
    county.execute(
        "ledger",
        "UPDATE entry SET meta = replace(meta, :true, :false) WHERE position = 4",
        true='"version":1',
        false='"version":2',
    )
    with pytest.raises(UpstreamDown, match="cannot prove 4"):
        county.channels["web"].catch_up()
    with pytest.raises(UpstreamDown, match="cannot prove 4"):
        county.rebuild("web")
    county.execute("web", "UPDATE state SET position = 4")
    with pytest.raises(UpstreamDown, match="cannot prove 4"):
        repair(county.channels["web"], RepairRequest(keys=[f"item:{code_of(4)}"]))
    assert status(county, 4) == 404


# ---- what must go on working ----------------------------------------------------------------------------------------


def test_entries_recorded_before_there_were_proofs_are_proven_to_a_head(county):
    county.execute("ledger", "UPDATE entry SET proof = NULL")
    county.execute("web", "DELETE FROM document")
    county.execute("web", "UPDATE state SET position = 0, root = NULL")
    county.channels["web"].follower.is_at(None)
    assert take(county, *county.ledger_messages()) == []
    assert county.rebuild("web").differences == []


def test_a_channel_of_the_time_before_roots_goes_on(county, tmp_path):
    county.execute("web", "UPDATE state SET root = NULL")
    with pipeline(tmp_path, channels=WEB) as upgraded:
        upgraded.release(item(4))
        upgraded.flow()

        assert status(upgraded, 4) == 200
        ((root,),) = upgraded.execute("web", "SELECT root FROM state")
        assert root == upgraded.ledger.head().root


def test_whoever_has_a_proof_checks_it_with_the_public_key_and_nothing_else(county):
    key = NoteKey(county.signer.name, county.signer.public_key)
    entries = county.get("ledger/v1/entries", proofs=True).json()["entries"]
    prover = Prover(lambda note: opened_checkpoint(note, [key]))

    assert [prover.proven(LedgerEntry.model_validate(entry)).position for entry in entries] == [1, 2, 3]
    assert "proof" not in county.get("ledger/v1/entries").json()["entries"][0]


def test_the_new_key_signs_a_batch_before_any_head_and_is_believed(county, tmp_path):
    rotate(tmp_path, timedelta(days=7), county.ledger.head().time)
    county.release(item(4))
    while sum(relay.step() for relay in county.relays):
        pass
    assert status(county, 4) == 200


def test_while_nobody_can_tell_whose_key_it_is_the_message_waits(county, tmp_path):
    rotate(tmp_path, AT_ONCE, county.ledger.head().time)
    county.release(item(4))
    county.intake.reconcile()
    web = county.channels["web"]
    keys, web.ledger.keys = web.ledger.keys, unreachable
    with pytest.raises(Unavailable):
        take(county, county.ledger_messages()[-1])
    web.ledger.keys = keys
    assert take(county, county.ledger_messages()[-1]) == []
    assert status(county, 4) == 200


def unreachable():
    raise UpstreamDown("the ledger does not answer")


# ---- proofs ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def proven(tmp_path_factory):
    """An entry's data with its proof, and the prover that accepts it."""
    with pipeline(tmp_path_factory.mktemp("proven"), channels=()) as made:
        for number in range(7):
            made.release(item(number))
        made.intake.reconcile()
        key = NoteKey(made.signer.name, made.signer.public_key)
        (message,) = made.ledger_messages()[4:5]
        yield orjson.loads(message.body)["data"], Prover(lambda note: opened_checkpoint(note, [key]))


@given(data=st.data())
def test_any_altered_byte_of_a_proof_is_refused(proven, data):
    entry, prover = proven
    raw = bytearray(entry["proof"].encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        altered = raw.decode()
    except UnicodeDecodeError:
        return
    with pytest.raises(Broken):
        prover.proven(LedgerEntry.model_validate({**entry, "proof": altered}))


@given(data=st.data())
def test_any_altered_field_of_an_entry_is_refused_or_changes_nothing_that_is_shown(proven, data):
    entry, prover = proven
    field = data.draw(st.sampled_from(sorted(entry.keys() - {"proof", "body", "kind"})))
    other = data.draw(st.sampled_from([7, 10**6, "release", "withdraw", "item:x", "a" * 64, "339922000000", None]) | (
        st.datetimes().map(lambda moment: moment.isoformat() + "Z")
    ))  # fmt: skip
    try:
        altered = LedgerEntry.model_validate({**entry, field: other})
    except ValueError:
        return
    true = LedgerEntry.model_validate(entry)
    if field in COVERED and altered.leaf() != true.leaf():
        with pytest.raises(Unproven):
            prover.proven(altered)
    else:
        adapter = adapters()["web"]
        assert document_row(adapter, prover.proven(altered)) == document_row(adapter, true)


@given(cut=st.integers(1, 3))
def test_a_shortened_or_lengthened_path_is_refused(proven, cut):
    entry, prover = proven
    proof = read(entry["proof"])
    for path in (proof.path[:-cut], proof.path[cut:], [*proof.path, *proof.path[:cut]]):
        with pytest.raises(Unproven):
            prover.proven(LedgerEntry.model_validate({**entry, "proof": written(proof.index, path, proof.checkpoint)}))


@pytest.mark.parametrize("text", [
    "",
    "\n\n",
    "c2sp.org/tlog-proof@v2\nindex 0\n\n",
    "c2sp.org/tlog-proof@v1\nindex 00\n\n",
    "c2sp.org/tlog-proof@v1\nindex -1\n\n",
    "c2sp.org/tlog-proof@v1\nextra AAAA\nindex 0\n\n",
    "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\n",
    "c2sp.org/tlog-proof@v1\nindex 0\n" + "A" * 42 + "B=\n\n",
    "c2sp.org/tlog-proof@v1\nindex 0\n" + ("A" * 43 + "=\n") * 64 + "\n",
])  # fmt: skip
def test_what_is_no_proof_is_refused(text):
    with pytest.raises(Unproven):
        read(text)


@given(index=st.integers(0, 10**18 - 1), path=st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_a_written_proof_is_read_again(index, path):
    proof = read(written(index, path, "note\n"))

    assert (proof.index, proof.path, proof.checkpoint) == (index, path, "note\n")


# ---- the tree -------------------------------------------------------------------------------------------------------


def tree(size):
    tiles = GrowingTiles(NoTiles(), 0)
    for number in range(size):
        tiles.append(leaf_hash(b"%d" % number))
    return tiles


BIG = tree(700)


@settings(max_examples=200)
@given(size=st.integers(1, 700), data=st.data())
def test_a_path_tells_the_roots_before_its_leaf_with_it_and_of_all(size, data):
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_proof(BIG, index, size)
    roots = roots_along(index, size, leaf_hash(b"%d" % index), path)

    assert roots.before == (tree_root(BIG, index) if index else EMPTY_ROOT)
    assert roots.upto == tree_root(BIG, index + 1)
    assert roots.whole == tree_root(BIG, size)


@settings(max_examples=60)
@given(size=st.integers(1, 700), data=st.data())
def test_many_paths_at_once_are_those_of_each(size, data):
    first = data.draw(st.integers(0, size - 1))
    last = data.draw(st.integers(first + 1, size))
    root, paths = inclusion_proofs(BIG, first, last, size)

    assert root == tree_root(BIG, size)
    assert paths == [inclusion_proof(BIG, index, size) for index in range(first, last)]


def test_the_leaf_hash_is_that_of_rfc_6962(proven):
    entry, _ = proven
    leaf = {name: value for name, value in entry.items() if name in (*COVERED, "kind")}

    assert leaf_of(entry) == leaf_hash(canonical(leaf))
    assert len(base64.b64encode(leaf_of(entry))) == 44

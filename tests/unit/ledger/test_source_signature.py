"""A source signs what it releases: the signed text is fixed, every field counts, and it arrives unchanged."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.envelope.messages import MESSAGES
from contracts.envelope.publication import Publication, Release
from contracts.envelope.statement import HeadStatement, SourceKey, Start
from services.ledger.erasure.retention import erase
from services.ledger.signing.heads import sign_head
from services.ledger.signing.records import SourceKeyRow
from shared.errors import Broken, Unavailable
from shared.transparency.canonical import canonical
from shared.transparency.checkpoint import NoteKey
from shared.transparency.source_signature import key_name, signature_problem, signed_text, signers
from tests.harness.actors import TESTER
from tests.harness.contract_examples import source_key
from tests.harness.documents import example
from tests.harness.kinds import release_of
from tests.harness.pipeline import SERVICE, code_of, item, pipeline, progress
from tests.harness.release_signer import Ed25519ReleaseSigner

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
NAME = "tongyuan/339921000000/catalog"
RELEASE = Release.model_validate(
    {
        "source": "catalog",
        "lane": "live",
        "sequence": 7,
        "key": "item:11339921003991014U400070990100002",
        "kind": "item",
        "version": 3,
        "op": "release",
        "region": "339921000000",
        "effective_at": "2026-03-03T09:00:00+08:00",
        "released_at": "2026-03-01T01:02:03.000004Z",
        "body": {"task_name": "居民身份证办理"},
        "digest": "00112233445566778899aabbccddeeff" * 2,
    }
)
TEXT = (
    '{"digest":"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",'
    '"effective_at":"2026-03-03T01:00:00.000000Z","expires_at":null,'
    '"key":"item:11339921003991014U400070990100002","kind":"item","lane":"live","op":"release",'
    '"region":"339921000000","released_at":"2026-03-01T01:02:03.000004Z","sequence":7,"source":"catalog",'
    '"type":"tongyuan-release/1","version":3}\n'
)
LINES = (
    "— tongyuan/339921000000/catalog "
    "2XRogFKMkYRGBYoYeLvfNIia25LW25t81Qv++yqUHrCkFHInfd+lLq97I92P3iyGMp2N0LYtPWUoozo1XJgsakqh8Aw=\n"
)
STARTS = ("signs_from", "revoked_from", "compulsory_from")


def note_key(key, name=NAME):
    return NoteKey(name, key.public_key().public_bytes_raw())


def signed(release=RELEASE, *keys):
    lines = Ed25519ReleaseSigner(NAME, keys or [KEY]).sign(signed_text(release))
    return release.model_copy(update={"source_signature": lines})


def test_the_text_that_is_signed_is_fixed_to_the_byte():
    assert signed_text(RELEASE) == TEXT


def test_the_signature_lines_are_fixed_to_the_byte():
    assert signed().source_signature == LINES


def test_a_signature_holds_for_the_key_that_made_it_and_for_no_other():
    assert signers(signed(), [note_key(KEY), note_key(OTHER)]) == {note_key(KEY).key_id.hex()}
    with pytest.raises(Broken, match="no"):
        signers(signed(), [note_key(OTHER)])
    with pytest.raises(Broken, match="not signed"):
        signers(RELEASE, [note_key(KEY)])


def test_two_keys_sign_while_one_takes_the_place_of_the_other():
    both = {note_key(KEY).key_id.hex(), note_key(OTHER).key_id.hex()}

    assert signers(signed(RELEASE, KEY, OTHER), [note_key(KEY), note_key(OTHER)]) == both


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("source", "guides"),
        ("lane", "backfill"),
        ("sequence", 8),
        ("key", "item:11339921003991014U400070990100003"),
        ("kind", "guide"),
        ("version", 4),
        ("op", "withdraw"),
        ("region", "339922000000"),
        ("effective_at", None),
        ("expires_at", datetime(2027, 1, 1, tzinfo=UTC)),
        ("released_at", datetime(2026, 3, 1, tzinfo=UTC)),
        ("digest", "f" * 64),
    ],
)
def test_every_field_but_the_body_is_signed(field, value):
    with pytest.raises(Broken, match="invalid signature"):
        signers(signed().model_copy(update={field: value}), [note_key(KEY)])


def test_the_body_may_be_erased():
    assert signers(signed().model_copy(update={"body": None}), [note_key(KEY)])


def test_every_example_of_a_source_is_signed_by_its_source():
    for name in ("item.released", "guide.released", "application.advanced", "act.released", "item.withdrawn"):
        data = load_example(name)
        release = Release.model_validate(data)
        public = source_key(release.source).public_key().public_bytes_raw()

        assert signers(release, [NoteKey(key_name("tongyuan/339921000000", release.source), public)])


def load_example(name):
    (message,) = (one for one in MESSAGES if one.name == f"sources/tongyuan.{name}")
    return example(message)["data"]


def entry(position, **fields) -> Publication:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    values = vars(signed(release_of("item:abc", {"a": "b"}, sequence=position)))
    return Publication.model_construct(**{**values, "position": position, "recorded_at": moment} | fields)


def listing(key=KEY, **starts):
    made = {name: Start.model_validate(start) for name, start in starts.items()}
    public = key.public_key().public_bytes_raw().hex()
    made = {"signs_from": Start(position=1), **made}
    return SourceKey(source="catalog", key_id=note_key(key).key_id.hex(), public_key=public, **made)


@pytest.mark.parametrize(
    ("one", "starts", "problem"),
    [
        (entry(5), {}, None),
        (entry(5), {"compulsory_from": {"position": 1}}, None),
        (entry(5, source_signature=None), {}, None),
        (entry(5, source_signature=None), {"compulsory_from": {"position": 6}}, None),
        (entry(5, source_signature=None), {"compulsory_from": {"position": 5}}, "must"),
        (entry(5, source_signature=None), {"compulsory_from": {"position": 9, "sequences": {"live": 5}}}, "must"),
        (entry(5, source_signature=None), {"compulsory_from": {"position": 9, "sequences": {"backfill": 1}}}, None),
        (entry(5), {"signs_from": {"position": 6}}, "is not valid yet"),
        (entry(5), {"revoked_from": {"position": 6}}, None),
        (entry(5), {"revoked_from": {"position": 5}}, "revoked"),
        (entry(5), {"revoked_from": {"position": 9, "sequences": {"live": 4}}}, "revoked"),
        (entry(5, sequence=4), {}, "signature is invalid"),
    ],
)
def test_what_a_listed_key_says_of_an_entry(one, starts, problem):
    found = signature_problem(one, [listing(**starts)], "tongyuan/339921000000")

    assert (found is None) if problem is None else (problem in str(found))


def test_a_claim_to_be_another_sources_does_not_get_round_what_is_compulsory():
    """The leaf does not contain the source: the key's kind says whose release it must be."""
    claimed = entry(5, source_signature=None, source="guides")

    assert signature_problem(claimed, [listing(compulsory_from={"position": 1})], "tongyuan/339921000000")


def test_a_source_without_a_signer_signs_nothing(tmp_path):
    with pipeline(tmp_path, channels=["web"]) as county:
        assert county.release(item(1)).source_signature is None


def test_what_a_source_signed_arrives_everywhere_as_it_was_signed(tmp_path):
    with pipeline(tmp_path, channels=["web"]) as county:
        county.dbs["catalog"].release_signer = Ed25519ReleaseSigner(NAME, [KEY])
        made = county.release(item(1))
        county.flow()
        sign_head(county.dbs["ledger"], county.signer, timedelta(0))
        (message,) = county.ledger_messages()
        found = [
            county.get("catalog/v1/releases", SERVICE, lane="live").json()["releases"][0],
            orjson.loads(message.body)["data"],
            county.get("ledger/v1/entries/1").json(),
            county.get("ledger/v1/entries", proofs=True).json()["entries"][0],
            county.get("ledger/v1/snapshot/entries", size=1).json()["entries"][0],
            county.ledger.entries(0, 1)[0].model_dump(mode="json"),
        ]

        assert made.source_signature is not None
        place = {"position": 1, "recorded_at": made.released_at}
        for document in found:
            assert signers(
                Publication.model_validate({**place, **document}),
                [note_key(KEY)],
            )


def test_the_signature_is_in_neither_digest_nor_leaf():
    plain = Publication.model_validate({**RELEASE.model_dump(), "position": 1, "recorded_at": RELEASE.released_at})
    with_it = plain.model_copy(update={"source_signature": signed().source_signature})

    assert canonical(with_it.content()) == canonical(plain.content())
    assert canonical(with_it.leaf()) == canonical(plain.leaf())


def test_a_signature_holds_after_the_body_was_erased_by_law(tmp_path):
    name = key_name("tongyuan/339921000000", "applications")
    with pipeline(tmp_path, channels=["web"]) as county:
        county.dbs["applications"].release_signer = Ed25519ReleaseSigner(name, [KEY])
        key = county.release_case(progress())
        county.release_case(None, 2)
        county.flow()
        erase(county.dbs["ledger"], key, "个人信息保护法第四十七条", "operator", TESTER)
        read = county.get("ledger/v1/entries/1", SERVICE).json()

        assert (read["body"], read["no_body"]) == (None, "erased")
        assert signers(Publication.model_validate(read), [note_key(KEY, name)])


def test_a_signer_that_cannot_sign_releases_nothing(tmp_path):
    class Away:
        def sign(self, _text):
            raise Unavailable("the signing server does not answer")

    with pipeline(tmp_path, channels=["web"]) as county:
        county.dbs["catalog"].release_signer = Away()
        with pytest.raises(Unavailable):
            county.release(item(1))
        county.dbs["catalog"].release_signer = None

        assert county.release(item(1)).sequence == 1
        county.flow()
        assert county.get(f"web/v1/items/{code_of(1)}").status_code == 200


def test_the_statement_lists_the_keys_of_sources(tmp_path):
    with pipeline(tmp_path, channels=["web"]) as county:
        county.release(item(1))
        county.flow()
        before = county.get("ledger/v1/statement").json()["statement"]
        listed = listing(compulsory_from={"position": 4, "sequences": {"live": 2}})
        starts = {name: start.model_dump_json() for name in STARTS if (start := getattr(listed, name))}
        with county.dbs["ledger"].write() as session:
            session.add(SourceKeyRow(**{**listed.model_dump(exclude={*STARTS}), **starts}))
        sign_head(county.dbs["ledger"], county.signer, timedelta(0))
        after = HeadStatement.model_validate(county.get("ledger/v1/statement").json()["statement"])

        assert (before["sources"], before["state_kinds"]) == ([], ["act", "guide", "item"])
        assert after.sources == [listed]


def test_a_statement_of_before_is_read_as_it_was_meant():
    said = {
        "type": "tongyuan-head-statement/1",
        "origin": "tongyuan/x",
        "sequence": 1,
        "size": 0,
        "root": "0" * 64,
        "state_root": "0" * 64,
        "snapshot_root": "0" * 64,
        "issued_at": "2026-03-01T00:00:00Z",
        "expires_at": "2026-03-02T00:00:00Z",
    }
    old = HeadStatement.model_validate(said)
    new = HeadStatement.model_validate({**said, "state_kinds": ["item"], "sources": [], "added_later": 1})

    assert (old.sources, [old.has_in_state(kind) for kind in ("item", "application")]) == ([], [True, False])
    assert [new.has_in_state(kind) for kind in ("item", "guide")] == [True, False]

"""The ledger gives every release one position, however often, late or by which lane it arrives, and never loses one."""

import stat

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from contracts.envelope.publication import Lane, Op
from contracts.topology import SOURCES
from services.catalog.commands import ItemImport
from services.ledger.log.intake import Intake
from services.ledger.model import EntryRow
from services.ledger.signing.keyring import KEY_FILE
from services.ledger.signing.signer import Signer
from services.runtime.local_readers import LocalSource
from shared.database.engine import Database
from shared.errors import Broken
from shared.feeds.outbox import Draft, SourceFeed, emit
from shared.messaging.delivery import Message
from tests.harness.actors import TESTER
from tests.harness.pipeline import REGION, code_of, item, pipeline, source

SIGNER = Signer("tongyuan/test", Ed25519PrivateKey.generate())


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path) as made:
        yield made


def test_positions_are_contiguous_over_all_sources(county):
    county.release(item(1))
    county.release_case(None)
    county.release(item(2))
    county.flow()

    assert [row.position for row in entries(county.dbs["ledger"])] == [1, 2, 3]
    assert {row.key.partition(":")[0] for row in entries(county.dbs["ledger"])} == {"item", "application"}


def test_what_comes_again_is_recorded_once(county):
    county.release(item(1))
    county.release(item(1, "第二版"))
    messages = sent(county, "catalog", Lane.LIVE)
    for batch in (messages, messages, messages[:1], messages[::-1]):
        county.intake.take(batch)

    assert [(row.position, row.version) for row in entries(county.dbs["ledger"])] == [(1, 1), (2, 2)]


def test_what_the_queue_lost_is_fetched_from_the_source(county):
    for number in range(5):
        county.release(item(number))
    county.intake.take(sent(county, "catalog", Lane.LIVE)[-1:])

    assert [row.position for row in entries(county.dbs["ledger"])] == [1, 2, 3, 4, 5]


def test_what_no_message_told_of_is_found_by_comparing(county):
    county.release(item(1))
    county.release_case(None)

    assert county.intake.reconcile() == 2
    assert county.intake.reconcile() == 0


def test_a_version_that_overtook_its_predecessor_on_the_other_lane_waits_for_it(county):
    bring(county, [item(1, "经导入"), item(2)])
    county.release(item(1, "经编辑"))
    county.intake.take(sent(county, "catalog", Lane.LIVE))
    county.intake.take(sent(county, "catalog", Lane.BACKFILL))

    key = f"item:{code_of(1)}"
    assert [(row.key == key, row.version) for row in entries(county.dbs["ledger"])] == [
        (True, 1),
        (True, 2),
        (False, 1),
    ]


def test_a_release_of_a_stranger_is_refused(county):
    county.release(item(1))
    (message,) = sent(county, "catalog", Lane.LIVE)
    event = orjson.loads(message.body)
    event["data"]["source"] = "tongyuan"
    refusals = county.intake.take([Message(orjson.dumps(event), "k", "m"), message])

    assert [(refusal.index, "tongyuan" in refusal.reason) for refusal in refusals] == [(0, True)]
    assert len(entries(county.dbs["ledger"])) == 1


def test_a_release_whose_body_is_missing_is_refused(county):
    county.release(item(1))
    (message,) = sent(county, "catalog", Lane.LIVE)
    event = orjson.loads(message.body)
    event["data"]["body"] = None
    (refusal,) = county.intake.take([Message(orjson.dumps(event), "k", "m")])

    assert "body" in refusal.reason
    assert entries(county.dbs["ledger"]) == []
    assert county.intake.reconcile() == 1


def test_a_source_whose_history_was_changed_is_not_recorded(county):
    county.release(item(1))
    changed = "UPDATE release SET document = replace(document, '居民身份证办理', '别的事项')"
    county.execute("catalog", changed)

    assert county.intake.reconcile() == 0
    assert entries(county.dbs["ledger"]) == []


def test_a_source_that_is_broken_does_not_hold_up_the_others(county):
    county.release(item(1))
    county.release_case(None)
    county.execute("catalog", "DROP TABLE release")
    county.intake.reconcile()

    assert [row.kind for row in entries(county.dbs["ledger"])] == ["application"]


def test_a_restart_continues_the_same_tree(county, tmp_path):
    county.release(item(1))
    county.flow()
    first = county.get("ledger/v1/head").json()
    county.close()

    with pipeline(tmp_path) as again:
        again.release(item(2))
        again.flow()
        proof = again.get("ledger/v1/proof/consistency", first=1, second=2).json()

        assert again.get("ledger/v1/keys").json()["keys"][0]["public_key"] == county.signer.public_key.hex()
        assert (proof["first_root"], proof["second_root"]) == (
            first["root"],
            again.get("ledger/v1/head").json()["root"],
        )


def test_the_key_is_ours_alone(tmp_path):
    signer = Signer.of_folder(tmp_path, "tongyuan/test")

    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert Signer.of_folder(tmp_path, "tongyuan/test").public_key == signer.public_key
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_refused(tmp_path, mode):
    Signer.of_folder(tmp_path, "tongyuan/test")
    (tmp_path / KEY_FILE).chmod(mode)

    with pytest.raises(Broken, match="readable by others"):
        Signer.of_folder(tmp_path, "tongyuan/test")


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_file_that_is_no_key_is_refused_and_kept(tmp_path, content):
    (tmp_path / KEY_FILE).touch(mode=0o600)
    (tmp_path / KEY_FILE).write_bytes(content)

    with pytest.raises(Broken, match="not a PEM private key"):
        Signer.of_folder(tmp_path, "tongyuan/test")
    assert (tmp_path / KEY_FILE).read_bytes() == content


moves = st.lists(
    st.tuples(st.sampled_from(["emit", "deliver", "reconcile"]), st.sampled_from(SOURCES), st.sampled_from(list(Lane))),
    max_size=25,
)


@settings(max_examples=40)
@given(moves=moves, data=st.data())
def test_any_interleaving_of_lanes_and_sources_gives_one_history(tmp_path_factory, moves, data):
    folder = tmp_path_factory.mktemp("ledger")
    dbs = {name: source(folder, name) for name in SOURCES}
    ledger = source(folder, "ledger")
    intake = Intake(ledger, {name: LocalSource(db, name) for name, db in dbs.items()}, SIGNER)
    versions: dict[str, int] = {}
    for move, name, lane in moves:
        if move == "emit":
            release_some(dbs[name], name, lane, versions, data)
        elif move == "deliver":
            waiting = messages(dbs[name], name, lane)
            intake.take(data.draw(st.lists(st.sampled_from(waiting), max_size=6)) if waiting else [])
        else:
            intake.reconcile()
    intake.reconcile()

    rows = entries(ledger)
    assert [row.position for row in rows] == list(range(1, sum(versions.values()) + 1))
    for key, newest in versions.items():
        assert [row.version for row in rows if row.key == key] == list(range(1, newest + 1))
    for db in (*dbs.values(), ledger):
        db.close()


def release_some(db: Database, name, lane, versions, data):
    kind = {"catalog": "item", "guides": "guide", "applications": "application"}[name]
    keys = data.draw(st.lists(st.sampled_from([f"{kind}:a", f"{kind}:b"]), min_size=1, max_size=3))
    drafts = []
    for key in keys:
        versions[key] = versions.get(key, 0) + 1
        drafts.append(Draft(key, versions[key], Op.RELEASE, REGION, {"n": versions[key]}))
    with db.write() as session:
        emit(session, name, drafts, lane)


def bring(county, rows):
    county.catalog.import_items(TESTER, ItemImport(rows=[one.model_dump(mode="json") for one in rows]))


def sent(county, name, lane):
    return messages(county.dbs[name], name, lane)


def messages(db, name, lane):
    return SourceFeed(name, lane).messages(db, 0, 1000)


def entries(db):
    with db.read() as session:
        return list(session.exec(select(EntryRow).order_by(EntryRow.position)))

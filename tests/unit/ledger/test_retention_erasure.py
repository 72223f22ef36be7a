"""A case is erased by law: its bodies are gone everywhere, and everything that could be proven can still be."""

from contextlib import closing

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope.publication import Publication
from services.applications.privacy.retention import erase_case
from services.channels.core.port import adapters
from services.ledger.signing.heads import sign_head
from services.operations.verification.verifier import Verification
from shared.errors import Conflict, NotFound
from shared.publishing.retention import Erasure
from shared.transparency.canonical import canonical
from shared.transparency.merkle import GrowingTiles, NoTiles, leaf_hash, verify_inclusion
from tests.harness.actors import TESTER
from tests.harness.county_cases import KEY, PROJECT_NO, County
from tests.harness.pipeline import ADMIN, SERVICE, Pipeline, code_of, item, pipeline, progress

REASON = "个人信息保护法第四十七条"
WEB = ["web"]
SALT = "5a17" * 8


@pytest.fixture
def county(tmp_path):
    """An item, a case of three versions, and another case."""
    with pipeline(tmp_path, channels=WEB) as made:
        made.release(item(1))
        for version in (1, 2, 3):
            made.release_case(progress(salt=SALT), version)
        made.release_case(progress(), project_no="37-2020-2")
        made.flow()
        yield made


def key_of(county):
    ((key,),) = county.execute("ledger", "SELECT key FROM entry WHERE kind = 'application' AND version = 2")
    return key


def post(county, path, token=ADMIN, **content):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return county.http.post(f"/{path}", json=content, headers=headers)


def erase(county, key=None):
    """Erase at the source, then in the ledger, as the command does."""
    wanted = {"key": key or key_of(county), "reason": REASON, "by": "档案室"}
    first = post(county, "applications/v1/erasures", **wanted)
    assert first.status_code == 200, first.text
    county.flow()
    second = post(county, "ledger/v1/erasures", **wanted)
    assert second.status_code == 200, second.text
    return first.json(), second.json()


def entries(county, token=None):
    return county.get("ledger/v1/entries", token, limit=1000).json()["entries"]


def root_of(county):
    """Compute the root as an outsider does, from public data."""
    tiles = GrowingTiles(NoTiles(), 0)
    for entry in entries(county):
        tiles.append(leaf_hash(canonical(Publication.model_validate(entry).leaf())))
    return tiles.root().hex()


def dump(county, service="web"):
    return county.execute(service, "SELECT key, version, position, digest, content FROM document ORDER BY key")


def test_every_body_goes_at_the_source_and_in_the_ledger_and_the_case_from_every_channel(county):
    key = key_of(county)
    assert erase(county) == ({"erased": 3, "version": 4}, {"erased": 3})

    assert {body for (body,) in county.execute("ledger", "SELECT body FROM entry WHERE key = :key", key=key)} == {None}
    documents = county.execute("applications", "SELECT document FROM release WHERE key = :key", key=key)
    assert {orjson.loads(document)["body"] for (document,) in documents} == {None}
    assert county.execute("web", "SELECT content FROM document WHERE key = :key", key=key) == [(None,)]
    assert erase(county) == ({"erased": 0, "version": 4}, {"erased": 0})


def test_nothing_of_it_is_left_in_any_file(county, tmp_path):
    stores = ("ledger", "applications", "web")
    assert all(SALT.encode() in whole(tmp_path, name) for name in ("ledger", "applications"))
    erase(county)
    county.close()

    assert [name for name in stores if SALT.encode() in whole(tmp_path, name)] == []


def whole(folder, name):
    return b"".join(path.read_bytes() for path in sorted(folder.glob(f"{name}.db*")))


def test_why_and_when_is_told_to_everybody_and_by_whom_to_services(county):
    digests = [entry["digest"] for entry in entries(county)]
    erase(county)
    public, trusted = entries(county), entries(county, SERVICE)

    assert [entry["digest"] for entry in public][:5] == digests
    told = [entry["erased"] for entry in public if "erased" in entry]
    assert [sorted(one) for one in told] == [["at", "reason"]] * 3
    assert {one["reason"] for one in told} == {REASON}
    assert {entry["erased"]["by"] for entry in trusted if "erased" in entry} == {"档案室"}
    position = next(entry["position"] for entry in public if "erased" in entry)
    assert county.get(f"ledger/v1/entries/{position}").json()["erased"]["reason"] == REASON
    listed = county.get("ledger/v1/erasures", SERVICE).json()["erasures"]
    assert [one["position"] for one in listed] == [entry["position"] for entry in public if "erased" in entry]
    assert county.get("ledger/v1/erasures").status_code == 401


def test_every_proof_of_before_and_after_still_holds(county):
    before = county.ledger.head()
    erase(county)
    after = county.ledger.head()

    assert root_of(county) == after.root
    for entry in entries(county):
        proof = county.get("ledger/v1/proof/inclusion", position=entry["position"], size=after.size).json()
        path = [bytes.fromhex(step) for step in proof["path"]]
        leaf = leaf_hash(canonical(Publication.model_validate(entry).leaf()))
        assert verify_inclusion(entry["position"] - 1, after.size, leaf, path, bytes.fromhex(after.root))
    proof = county.get("ledger/v1/proof/consistency", first=before.size, second=after.size).json()
    assert (proof["first_root"], proof["second_root"]) == (before.root, after.root)


class Stranger:
    def __init__(self, county, token):
        self._county, self._token = county, token

    def get(self, service, path, **params):
        answer = self._county.get(f"{service}/v1/{path}", self._token, **params)
        if answer.status_code in (404, 410):
            raise NotFound(path)
        assert answer.status_code == 200, answer.text
        return answer.json()


def test_verify_still_compares_every_other_case(county):
    erase(county)
    run = Verification(Stranger(county, ADMIN), 60.0, lambda _what, _number: None, patience=0)
    report = run.run({"web": adapters()["web"]})

    assert (report.findings, run.log.withheld) == ([], False)
    county.execute(
        "web", "UPDATE document SET content = replace(content, '正在办理', '已经办结') WHERE kind = 'application'"
    )
    run = Verification(Stranger(county, ADMIN), 60.0, lambda _what, _number: None, patience=0)
    assert [finding.verdict for finding in run.run({"web": adapters()["web"]}).findings] != []


def test_a_rebuilt_channel_and_a_new_one_are_the_same_as_the_one_that_saw_it_all(county, tmp_path):
    erase(county)
    assert county.rebuild("web").differences == []
    before = dump(county)
    county.close()
    for file in tmp_path.glob("web.db*"):
        file.unlink()

    with closing(Pipeline(tmp_path, channels=WEB)) as again:
        again.channels["web"].reconcile()
        assert dump(again) == before
        assert again.get("web/v1/parked", SERVICE).json()["parked"] == []


def test_a_ledger_that_lost_all_reads_the_erased_releases_again_without_bodies(county, tmp_path):
    erase(county)
    digests = {(entry["key"], entry["version"]): entry["digest"] for entry in entries(county)}
    county.close()
    for name in ("ledger", "web"):
        for file in tmp_path.glob(f"{name}.db*"):
            file.unlink()

    with closing(Pipeline(tmp_path, channels=WEB)) as again:
        again.accept_ledger()
        again.intake.reconcile()
        sign_head(again.dbs["ledger"], again.signer)
        again.flow()
        assert {(entry["key"], entry["version"]): entry["digest"] for entry in entries(again)} == digests
        assert root_of(again) == again.ledger.head().root
        assert again.get(f"web/v1/items/{code_of(1)}").status_code == 200
        assert again.get("web/v1/parked", SERVICE).json()["parked"] == []
        assert len([row for row in dump(again) if row.content]) == 2


@pytest.mark.parametrize(("content", "status", "reason"), [
    ({"key": f"item:{code_of(1)}"}, 422, "pattern"),
    ({"key": "application:nobody"}, 404, "no entry|no release"),
    ({"key": "application:nobody", "reason": ""}, 422, "reason"),
    ({"key": "application:nobody", "reason": "应11010519491231002X本人要求"}, 422, "personal numbers"),
    ({"key": "application:nobody", "reason": "两\n行"}, 422, "one line"),
    ({"key": "application:nobody", "by": ""}, 422, "by"),
])  # fmt: skip
@pytest.mark.parametrize("service", ["applications", "ledger"])
def test_what_cannot_be_erased_is_refused_by_name_and_changes_nothing(county, service, content, status, reason):
    answer = post(county, f"{service}/v1/erasures", **({"reason": REASON, "by": "档案室"} | content))

    assert answer.status_code == status
    assert any(word in answer.text for word in reason.split("|")), answer.text
    assert "11010519491231002X" not in answer.text
    assert county.execute("ledger", "SELECT count(*) FROM entry WHERE body IS NOT NULL") == [(5,)]


def test_a_case_that_is_still_shown_is_not_erased_from_the_ledger(county):
    answer = post(county, "ledger/v1/erasures", key=key_of(county), reason=REASON, by="档案室")
    assert (answer.status_code, "withdraw it first" in answer.text) == (409, True)


def test_a_release_that_the_ledger_has_not_taken_yet_keeps_its_body_until_it_has(county):
    county.release_case(progress(), 4)
    answer = post(county, "applications/v1/erasures", key=key_of(county), reason=REASON, by="档案室")
    assert (answer.status_code, "has not recorded the newest release of this case yet" in answer.text) == (409, True)

    county.flow()
    assert erase(county)[0] == {"erased": 4, "version": 5}


@pytest.mark.parametrize("service", ["applications", "ledger"])
@pytest.mark.parametrize("path", ["erasures", "compactions"])
def test_only_operators_erase(county, service, path):
    content = {"key": key_of(county), "reason": REASON, "by": "x"} if path == "erasures" else {}
    for token in (None, SERVICE):
        assert post(county, f"{service}/v1/{path}", token, **content).status_code == 401


def test_a_real_case_is_withdrawn_forgotten_and_never_opened_again(tmp_path):
    with closing(County.embedded(tmp_path)) as county:
        county.open()
        with county.db.write() as session:
            session.connection().exec_driver_sql("INSERT INTO relayed (lane, sequence) VALUES ('live', 99)")
        done = erase_case(county.db, county.cases.region, TESTER, Erasure(key=KEY, reason=REASON, by="x"))

        newest = max(county.releases(KEY), key=lambda row: row["version"])
        assert (newest["op"], newest["version"]) == ("withdraw", done["version"])
        assert {row["body"] and 1 for row in county.releases(KEY)} == {None}
        assert county.count("application", "erased AND withdrawn") == 1
        assert county.opened("application") == ["{}"]
        with pytest.raises(Conflict, match="erased"):
            county.cases.release(TESTER, PROJECT_NO)


def test_superseded_versions_are_compacted_and_the_history_stays(county):
    key = key_of(county)
    before = dump(county)
    for service in ("applications", "ledger"):
        assert post(county, f"{service}/v1/compactions", older_than_days=1, by="cron").json() == {"erased": 0}
        assert post(county, f"{service}/v1/compactions", older_than_days=0, by="cron").json() == {"erased": 2}
        assert post(county, f"{service}/v1/compactions", older_than_days=0, by="cron").json() == {"erased": 0}

    bodies = county.execute("ledger", "SELECT version FROM entry WHERE key = :key AND body IS NOT NULL", key=key)
    assert bodies == [(3,)]
    assert [one["version"] for one in county.get(f"ledger/v1/versions/{key}").json()["versions"]] == [1, 2, 3]
    assert root_of(county) == county.ledger.head().root
    assert (county.rebuild("web").differences, dump(county)) == ([], before)


@settings(max_examples=5)
@given(versions=st.lists(st.integers(1, 4), min_size=1, max_size=3), data=st.data())
def test_whatever_is_erased_root_and_channels_come_out_the_same(tmp_path_factory, versions, data):
    chosen = data.draw(st.sets(st.integers(0, len(versions) - 1)))
    with pipeline(tmp_path_factory.mktemp("county"), channels=WEB) as county:
        for number, count in enumerate(versions):
            for version in range(1, count + 1):
                county.emit("applications", f"application:case{number}", progress().model_dump(mode="json"), version)
        county.flow()
        for number in chosen:
            erase(county, f"application:case{number}")
        post(county, "ledger/v1/compactions", older_than_days=0, by="cron")

        assert root_of(county) == county.ledger.head().root
        assert county.rebuild("web").differences == []
        shown = {row.key for row in dump(county) if row.content}
        assert shown == {f"application:case{number}" for number in range(len(versions)) if number not in chosen}

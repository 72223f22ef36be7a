"""The signed head statement: the newest head with issue and expiry time, and the root of what is in force."""

from datetime import timedelta

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope.statement import HeadStatement
from services.ledger.log.append import record
from services.ledger.signing.heads import STATEMENT_LIFE, sign_head
from services.ledger.snapshots.state_tree import StateTree
from shared.transparency.checkpoint import NoteKey, opened
from shared.transparency.merkle import leaf_hash, verify_inclusion
from tests.harness.pipeline import code_of, guide, item, pipeline, progress

AT_ONCE = timedelta(0)


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    with pipeline(tmp_path_factory.mktemp("statement"), channels=()) as made:
        for number in (1, 3, 5):
            made.release(item(number))
            made.release(guide(number))
        made.withdraw(item(3))
        made.release(item(1, "又一版"))
        made.release_case(progress())
        made.flow()
        sign_head(made.dbs["ledger"], made.signer, AT_ONCE)
        yield made


def said(county):
    answer = county.get("ledger/v1/statement").json()
    text, _ = opened(answer["note"], [NoteKey(county.signer.name, county.signer.public_key)])
    assert rfc8785.dumps(answer["statement"]) + b"\n" == text.encode()
    return HeadStatement.model_validate_json(text)


def proofs(county, key):
    answer = county.get(f"ledger/v1/state/{key}").json()
    root = bytes.fromhex(said(county).state_root)
    for leaf in answer["leaves"]:
        path = [bytes.fromhex(step) for step in leaf["path"]]
        hashed = leaf_hash(rfc8785.dumps(leaf["state"]))
        assert verify_inclusion(leaf["index"], answer["count"], hashed, path, root)
    return answer


def test_it_says_the_newest_head_and_when_it_is_too_old(county):
    head, statement = county.get("ledger/v1/head").json(), said(county)

    assert (statement.size, statement.root) == (head["size"], head["root"])
    assert statement.expires_at - statement.issued_at == STATEMENT_LIFE
    assert statement.origin == county.signer.name


def test_statements_are_numbered_and_not_made_for_every_head(county):
    before = said(county).sequence
    sign_head(county.dbs["ledger"], county.signer, timedelta(hours=1))
    assert said(county).sequence == before

    sign_head(county.dbs["ledger"], county.signer, AT_ONCE)
    assert said(county).sequence == before + 1


def test_the_newest_version_of_a_key_is_provable(county):
    (leaf,) = proofs(county, f"item:{code_of(1)}")["leaves"]

    assert (leaf["state"]["version"], leaf["state"]["op"]) == (2, "release")


def test_a_withdrawal_is_provable(county):
    (leaf,) = proofs(county, f"item:{code_of(3)}")["leaves"]

    assert (leaf["state"]["version"], leaf["state"]["op"]) == (2, "withdraw")


@pytest.mark.parametrize("key", ["guide:0", "guide:zzz", "item:0", "item:zzz", f"item:{code_of(2)}"])
def test_what_was_never_released_is_provably_missing(county, key):
    answer = proofs(county, key)
    neighbours = [(leaf["index"], leaf["state"]["key"]) for leaf in answer["leaves"]]

    assert all(known != key for _, known in neighbours)
    if len(neighbours) == 2:
        (left, before), (right, after) = neighbours
        assert right == left + 1
        assert before < key < after
    else:
        ((index, only),) = neighbours
        assert index == (answer["count"] - 1 if only < key else 0)


def test_nobody_learns_here_whether_a_case_exists(county):
    answer = county.get("ledger/v1/state/application:anything")

    assert answer.status_code == 422
    assert proofs(county, "item:0")["count"] == 6


def test_before_the_first_head_there_is_no_statement(tmp_path):
    with pipeline(tmp_path, channels=()) as fresh:
        assert fresh.get("ledger/v1/statement").status_code == 503
        assert fresh.get("ledger/v1/state/item:1").status_code == 503
        sign_head(fresh.dbs["ledger"], fresh.signer)
        assert fresh.get("ledger/v1/state/item:1").json()["leaves"] == []


@settings(max_examples=20)
@given(keys=st.lists(st.integers(0, 9), min_size=1, max_size=25), stops=st.lists(st.integers(0, 25), max_size=4))
def test_a_state_brought_forward_is_the_state_built_anew(tmp_path_factory, keys, stops):
    with pipeline(tmp_path_factory.mktemp("state"), channels=()) as made:
        versions = dict.fromkeys(keys, 0)
        releases = []
        for key in keys:
            versions[key] += 1
            releases.append(made.emit("catalog", f"item:{key}", {"n": versions[key]}, versions[key]))
        with made.dbs["ledger"].write() as session:
            record(session, releases, made.signer)
        with made.dbs["ledger"].read() as session:
            forward = StateTree()
            for stop in [*stops, len(keys)]:
                forward.advance(session, min(stop, len(keys)))
            anew = StateTree()
            anew.advance(session, len(keys))

    assert forward.root() == anew.root()
    assert len(anew) == len(versions)
    assert {leaf.state["key"]: leaf.state["version"] for leaf in map(anew.leaf, range(len(anew)))} == {
        f"item:{key}": version for key, version in versions.items()
    }

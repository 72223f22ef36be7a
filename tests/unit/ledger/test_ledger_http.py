"""What a stranger can verify of the ledger with HTTP, SHA-256, RFC 8785 and the public key."""

import hashlib
from itertools import pairwise

import pytest
import rfc8785

from services.ledger.signing.heads import sign_head
from shared.errors import Broken
from shared.transparency.checkpoint import verify_checkpoint
from shared.transparency.merkle import verify_consistency, verify_inclusion
from tests.harness.pipeline import SERVICE, guide, item, pipeline, progress

CONTENT = ("key", "kind", "version", "op", "region", "effective_at", "expires_at", "body")
LEAF = (
    *("position", "key", "kind", "version", "op", "region"),
    *("effective_at", "expires_at", "released_at", "recorded_at", "digest"),
)
SIZE = 11


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    """Eleven entries of all kinds, with a head after each; tests do not change them."""
    with pipeline(tmp_path_factory.mktemp("ledger")) as made:
        for number in range(1, 5):
            made.release(item(number))
            made.release(guide(number))
        made.release_case(progress())
        made.withdraw(item(1))
        made.release(item(1, "又来了"))
        made.flow()
        yield made


def test_the_heads_root_is_that_of_the_served_entries(county):
    head = county.get("ledger/v1/head").json()

    assert head["size"] == SIZE
    assert head["root"] == plain_root([leaf(one) for one in entries(county)]).hex()


def test_the_checkpoint_says_the_same_and_is_signed(county):
    head = county.get("ledger/v1/head").json()
    (key,) = county.get("ledger/v1/keys").json()["keys"]
    size, root = verify_checkpoint(head["checkpoint"], key["name"], bytes.fromhex(key["public_key"]))

    assert (size, root.hex()) == (head["size"], head["root"])
    assert key["vkey"].startswith(f"{key['name']}+{key['key_id']}+")


@pytest.mark.parametrize("forge", [
    lambda note: note.replace("\n11\n", "\n12\n"),
    lambda note: note.replace("tongyuan/", "tongyuan2/", 1),
    lambda note: note[:-5] + "AAA=\n",
    lambda note: note[:-9] + "#" + note[-8:],
    lambda note: note.split("\n\n")[0],
    lambda note: "",
])  # fmt: skip
def test_a_forged_checkpoint_is_refused(county, forge):
    note = county.get("ledger/v1/head").json()["checkpoint"]
    name, public_key = county.signer.name, county.signer.public_key

    with pytest.raises(Broken):
        verify_checkpoint(forge(note), name, public_key)


def test_every_body_fits_its_digest(county):
    for one in entries(county, SERVICE):
        content = rfc8785.dumps({name: one[name] for name in CONTENT})

        assert hashlib.sha256(content).hexdigest() == one["digest"]


@pytest.mark.parametrize("size", range(1, SIZE + 1))
def test_every_entry_is_proved_to_be_in_every_tree_that_has_it(county, size):
    leaves = [leaf(one) for one in entries(county)]
    for position in range(1, size + 1):
        proof = county.get("ledger/v1/proof/inclusion", position=position, size=size).json()

        assert proof["root"] == plain_root(leaves[:size]).hex()
        assert verify_inclusion(
            position - 1, size, leaves[position - 1], unhex(proof["path"]), unhex([proof["root"]])[0]
        )


@pytest.mark.parametrize("second", range(SIZE + 1))
def test_every_tree_is_proved_to_continue_every_smaller_one(county, second):
    leaves = [leaf(one) for one in entries(county)]
    for first in range(second + 1):
        proof = county.get("ledger/v1/proof/consistency", first=first, second=second).json()
        roots = [plain_root(leaves[:size]) for size in (first, second)]

        assert unhex([proof["first_root"], proof["second_root"]]) == roots
        assert verify_consistency(first, second, *roots, unhex(proof["path"]))


@pytest.mark.parametrize(("path", "field"), [
    (f"proof/inclusion?position={SIZE + 1}", "position"),
    ("proof/inclusion?position=0", "position"),
    (f"proof/inclusion?position=1&size={SIZE + 1}", "size"),
    ("proof/inclusion?position=99999999999999999999", "position"),
    ("proof/consistency?first=3&second=2", "first"),
    ("proof/consistency?first=-1", "first"),
    ("proof/consistency?first=x", "first"),
    ("entries?from=0", "from"),
    ("entries?from=99999999999999999999", "from"),
    ("entries?limit=1001", "limit"),
    ("entries/99999999999999999999", "position"),
    ("current?after=%00", "after"),
])  # fmt: skip
def test_what_cannot_be_asked_is_refused_by_field(county, path, field):
    answer = county.http.get(f"/ledger/v1/{path}")

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_the_body_of_a_case_is_for_services_alone(county):
    case = next(one for one in entries(county, SERVICE) if one["kind"] == "application")
    path = f"ledger/v1/entries/{case['position']}"

    assert case["body"]["stage"] == "2"
    assert county.get(path).json() == {**case, "body": None, "no_body": "withheld"}
    assert county.get(path, "a-wrong-token").status_code == 401
    assert county.get(path, SERVICE).headers["cache-control"] == "no-store"
    assert county.get(path).headers["vary"] == "Authorization"
    assert [one["key"] for one in entries(county) if one["body"] is None and one["op"] == "release"] == [case["key"]]


def test_entries_come_in_pages(county):
    pages = [county.get("ledger/v1/entries", **{"from": first, "limit": 4}).json() for first in (1, 5, 9, 12)]

    assert [one["position"] for page in pages for one in page["entries"]] == list(range(1, SIZE + 1))
    assert {page["size"] for page in pages} == {SIZE}
    assert pages[-1]["entries"] == []


def test_every_key_has_its_newest_version(county):
    keys = county.get("ledger/v1/current").json()["keys"]
    newest = {one["key"]: one["version"] for one in entries(county)}

    assert {one["key"]: one["version"] for one in keys} == newest
    assert all(earlier["key"] < later["key"] for earlier, later in pairwise(keys))
    assert county.get("ledger/v1/current", after=keys[3]["key"], limit=2).json()["keys"] == keys[4:6]


def test_the_history_of_a_key_is_public_without_bodies(county):
    told = county.get(f"ledger/v1/versions/item:{item(1).code}").json()["versions"]

    assert [(one["version"], one["op"], "body" in one) for one in told] == [
        (1, "release", False), (2, "withdraw", False), (3, "release", False)
    ]  # fmt: skip


def test_before_the_first_head_the_ledger_says_later(tmp_path):
    with pipeline(tmp_path) as fresh:
        assert fresh.get("ledger/v1/head").status_code == 503

        sign_head(fresh.dbs["ledger"], fresh.signer)
        head = fresh.get("ledger/v1/head").json()
        assert (head["size"], head["root"]) == (0, hashlib.sha256(b"").hexdigest())


def plain_root(leaves):
    """MTH of RFC 6962 section 2.1, literally."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + plain_root(leaves[:split]) + plain_root(leaves[split:])).digest()


def leaf(entry):
    return hashlib.sha256(b"\x00" + rfc8785.dumps({name: entry[name] for name in LEAF})).digest()


def entries(county, token=None):
    return county.get("ledger/v1/entries", token, limit=1000).json()["entries"]


def unhex(values):
    return [bytes.fromhex(value) for value in values]

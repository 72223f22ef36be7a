"""The ledger as C2SP tlog-tiles: what a mirror reads, and that nothing unsigned is served."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.log.tiles import FOR_EVER, parsed, spelled
from services.ledger.signing.heads import sign_head
from shared.errors import Invalid
from shared.transparency.merkle import leaf_hash, node_hash
from shared.transparency.merkle_in_memory import Layers
from tests.harness.pipeline import SERVICE, item, pipeline

SIZE = 260


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    """260 signed entries, and one more that no head covers."""
    with pipeline(tmp_path_factory.mktemp("tiles"), channels=()) as made:
        body = item(1).model_dump(mode="json")
        for number in range(SIZE):
            made.emit("catalog", f"item:{number:031}", body)
        made.flow()
        made.emit("catalog", f"item:{SIZE:031}", body)
        for relay in made.relays:
            relay.step()
        yield made


def tile(county, path):
    return county.get(f"ledger/v1/tile/{path}")


def leaves(data):
    found = []
    while data:
        end = 2 + int.from_bytes(data[:2], "big")
        found.append(data[2:end])
        data = data[end:]
    return found


def test_the_checkpoint_is_plain_text_that_no_cache_may_keep(county):
    answer = county.get("ledger/v1/checkpoint")

    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.text == county.get("ledger/v1/head").json()["checkpoint"]
    assert answer.text.split("\n")[1] == str(SIZE)


def test_leaves_and_hashes_of_all_tiles_give_the_signed_root(county):
    read = [*leaves(tile(county, "entries/000").content), *leaves(tile(county, f"entries/001.p/{SIZE - 256}").content)]
    hashes = [leaf_hash(leaf) for leaf in read]

    assert tile(county, "0/000").content + tile(county, f"0/001.p/{SIZE - 256}").content == b"".join(hashes)
    assert Layers(hashes).root().hex() == county.get("ledger/v1/head").json()["root"]
    assert tile(county, "1/000.p/1").content == Layers(hashes[:256]).root()


@pytest.mark.parametrize("path", ["0/000", "0/000.p/7", "entries/000", "entries/001.p/3", "1/000.p/1"])
def test_a_tile_never_changes_and_may_be_kept_for_ever(county, path):
    answer = tile(county, path)

    assert answer.headers["cache-control"] == FOR_EVER
    assert answer.headers["content-type"] == "application/octet-stream"


def test_a_partial_tile_is_the_beginning_of_the_full_one(county):
    assert tile(county, "0/000.p/7").content == tile(county, "0/000").content[: 7 * 32]
    assert leaves(tile(county, "entries/000.p/7").content) == leaves(tile(county, "entries/000").content)[:7]


@pytest.mark.parametrize("path", [
    "0/001", f"0/001.p/{SIZE - 255}", f"entries/001.p/{SIZE - 255}", "entries/001", "0/002.p/1", "1/000", "2/000.p/1",
    "0/x001/000", "63/x999/x999/x999/x999/x999/999",
])  # fmt: skip
def test_what_no_signed_head_covers_is_not_found(county, path):
    answer = tile(county, path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", [
    "", "0", "0/0", "0/00", "0/0000", "0/x000/001", "00/000", "64/000", "-1/000", "0/000.p/0", "0/000.p/256",
    "0/000.p/01", "entry/000", "0/000/", "0/000.p", "0/x001", "0/٠٠٠", "0/000%0A",
    "0/" + "x001/" * 6 + "000",
])  # fmt: skip
def test_what_is_no_tile_is_refused(county, path):
    assert tile(county, path).status_code in (404, 422)
    with pytest.raises(Invalid):
        parsed(path)


def test_no_proof_reaches_beyond_the_signed_head(county):
    beyond = county.get("ledger/v1/proof/inclusion", position=1, size=SIZE + 1)

    assert beyond.status_code == 422
    assert county.get("ledger/v1/proof/consistency", first=1, second=SIZE + 1).status_code == 422
    assert county.get("ledger/v1/proof/inclusion", position=1).json()["size"] == SIZE


def test_a_mirror_asks_again_whether_an_entry_still_has_its_body(county):
    first = county.get("ledger/v1/entries/1")
    again = county.http.get("/ledger/v1/entries/1", headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["cache-control"] == "no-cache"
    assert again.status_code == 304
    county.execute("ledger", "UPDATE entry SET body = NULL WHERE position = 2")
    assert county.get("ledger/v1/entries/2").json()["body"] is None
    assert county.get("ledger/v1/entries/1", SERVICE).headers["cache-control"] == "no-store"


def test_before_the_first_head_there_is_no_checkpoint(tmp_path):
    with pipeline(tmp_path, channels=()) as fresh:
        assert fresh.get("ledger/v1/checkpoint").status_code == 503
        sign_head(fresh.dbs["ledger"], fresh.signer)
        assert fresh.get("ledger/v1/checkpoint").text.split("\n")[1] == "0"


@given(st.integers(0, 10**18 - 1), st.sampled_from(["entries", "0", "5", "63"]), st.integers(1, 256))
def test_every_tile_has_one_name(number, kind, width):
    path = f"{kind}/{spelled(number)}" + (f".p/{width}" if width < 256 else "")
    found = parsed(path)

    assert (found.level, found.number, found.width) == (None if kind == "entries" else int(kind), number, width)


def test_numbers_are_spelled_as_the_specification_does():
    assert [spelled(number) for number in (0, 999, 1000, 1234067)] == ["000", "999", "x001/000", "x001/x234/067"]


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=70), st.data())
def test_layers_have_the_root_and_the_paths_of_the_definition(values, data):
    hashes = [leaf_hash(value) for value in values]
    layers = Layers([leaf_hash(b"before")] * len(hashes))
    for index in data.draw(st.permutations(range(len(hashes)))):
        layers.change(index, hashes[index])
    index = data.draw(st.integers(0, len(hashes) - 1))

    assert layers.root() == defined_root(hashes)
    assert layers.path(index) == defined_path(index, hashes)


def defined_root(hashes):
    """MTH of RFC 6962."""
    if len(hashes) == 1:
        return hashes[0]
    half = 1 << ((len(hashes) - 1).bit_length() - 1)
    return node_hash(defined_root(hashes[:half]), defined_root(hashes[half:]))


def defined_path(index, hashes):
    """PATH of RFC 6962."""
    if len(hashes) == 1:
        return []
    half = 1 << ((len(hashes) - 1).bit_length() - 1)
    if index < half:
        return [*defined_path(index, hashes[:half]), defined_root(hashes[half:])]
    return [*defined_path(index - half, hashes[half:]), defined_root(hashes[:half])]

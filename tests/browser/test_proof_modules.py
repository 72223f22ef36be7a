"""shared/web/static/{canonical,merkle,note}.js in the browser: published vectors, and whatever Python makes."""

import hashlib

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.transparency import merkle
from shared.transparency.checkpoint import NoteKey, checkpoint_text, signature_line
from tests.harness.browser import Browser, Page
from tests.harness.county import EmbeddedCounty

MODULE = "/verify/static/"
FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

# RFC 8785 sections 3.2.2 and 3.2.3: as it comes, as it must be.
RFC_8785 = {
    r"""{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}""": (
        r"""{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"""
        r""""string":"€$\u000f\nA'B\"\\\\\"/"}"""
    ),
    r"""{"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
        "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O"}""": (
        '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O","€":"Euro Sign",'
        '"\U0001f600":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}'
    ),
}

# The leaves and roots with which certificate transparency logs test themselves.
CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}

# From the tests of Go's golang.org/x/mod/sumdb/note.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = (
    f"{GO_TEXT}\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def modules(browser: Browser, county: EmbeddedCounty):
    """A page with the three modules, kept for all tests."""
    with browser.page(county.url("web")) as page:
        page.open("/verify/")
        page.evaluate("""async (at) => {
          for (const name of ["canonical", "merkle", "note"]) window[name] = await import(`${at}${name}.js`);
          window.opens = async (text, vkeys) => {
            try {
              const keys = await Promise.all(vkeys.map(note.keyOf));
              const opened = await note.opened(text, keys);
              return opened.signers.map(({ id }) => id);
            } catch (error) {
              return error.constructor.name;
            }
          };
        }""", MODULE)  # fmt: skip
        yield page


class Leaves:
    """A tree over leaf hashes, as shared/transparency/merkle.py keeps it."""

    def __init__(self, count: int) -> None:
        self.tiles = merkle.GrowingTiles(merkle.NoTiles(), 0)
        for number in range(count):
            self.tiles.append(merkle.leaf_hash(f"leaf {number}".encode()))


@pytest.mark.parametrize(("given_json", "expected"), RFC_8785.items(), ids=["values", "order"])
def test_the_examples_of_rfc_8785(modules: Page, given_json: str, expected: str) -> None:
    assert modules.evaluate("(text) => canonical.canonical(JSON.parse(text))", given_json) == expected


@FEW
@given(value=JSON_VALUES)
def test_every_json_value_has_the_bytes_that_the_reference_implementation_writes(modules: Page, value: object) -> None:
    assert modules.evaluate("(value) => canonical.canonical(value)", value).encode() == rfc8785.dumps(value)


def test_what_json_cannot_say_is_refused(modules: Page) -> None:
    refused = """() => [NaN, Infinity, undefined, 1n, "\\ud800", { "\\udc00": 1 }].map((value) => {
      try { return canonical.canonical(value) } catch (error) { return error.constructor.name }
    })"""

    assert modules.evaluate(refused) == ["TypeError"] * 6


@pytest.mark.parametrize("size", CT_ROOTS)
def test_the_vectors_of_rfc_6962(modules: Page, size: int) -> None:
    tiles = merkle.GrowingTiles(merkle.NoTiles(), 0)
    for leaf in CT_LEAVES[:size]:
        tiles.append(merkle.leaf_hash(bytes.fromhex(leaf)))

    for index in range(size):
        path = [step.hex() for step in merkle.inclusion_proof(tiles, index, size)]
        assert root_of(modules, index, size, CT_LEAVES[index], path) == CT_ROOTS[size]


@FEW
@given(data=st.data())
def test_a_proof_of_inclusion_leads_to_the_root_and_an_altered_one_does_not(modules: Page, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 600))
    index = data.draw(st.integers(0, size - 1))
    tiles = Leaves(size).tiles
    path = [step.hex() for step in merkle.inclusion_proof(tiles, index, size)]
    root, leaf = tiles.root().hex(), f"leaf {index}".encode().hex()

    assert root_of(modules, index, size, leaf, path) == root
    if path:
        place = data.draw(st.integers(0, len(path) - 1))
        altered = [*path[:place], altered_hex(data, path[place]), *path[place + 1 :]]
        assert root_of(modules, index, size, leaf, altered) != root
        assert root_of(modules, index, size, leaf, path[:-1]) != root
    assert root_of(modules, index, size, leaf, [*path, root]) != root
    assert root_of(modules, size, size, leaf, path) is None


@FEW
@given(data=st.data())
def test_a_larger_tree_continues_a_smaller_one_and_an_altered_one_does_not(modules: Page, data: st.DataObject) -> None:
    second = data.draw(st.integers(0, 600))
    first = data.draw(st.integers(0, second))
    tiles = Leaves(second).tiles
    path = [step.hex() for step in merkle.consistency_proof(tiles, first, second)]
    roots = [merkle.tree_root(tiles, size).hex() for size in (first, second)]

    assert continues(modules, first, second, roots, path)
    for place in range(2 if first else 1):  # every tree continues the empty one
        wrong = [altered_hex(data, root) if number == place else root for number, root in enumerate(roots)]
        assert not continues(modules, first, second, wrong, path)
    assert not continues(modules, first, second, roots, [*path, roots[0]])
    assert not continues(modules, second + 1, second, roots, path)


def test_the_note_of_others_opens(modules: Page) -> None:
    assert modules.evaluate("(...given) => opens(...given)", GO_NOTE, [GO_KEY]) == ["c74f20a3"]


@FEW
@given(data=st.data())
def test_a_note_opens_as_it_was_signed_and_not_with_any_sign_altered(modules: Page, data: st.DataObject) -> None:
    private = Ed25519PrivateKey.from_private_bytes(data.draw(st.binary(min_size=32, max_size=32)))
    key = NoteKey("tongyuan/339921000000", private.public_key().public_bytes_raw())
    text = checkpoint_text(key.name, data.draw(st.integers(0, 10**9)), hashlib.sha256(b"root").digest())
    note = f"{text}\n{signature_line(key.name, key.key_id, private.sign(text.encode()))}"
    place = data.draw(st.integers(0, len(note) - 1))
    sign = data.draw(st.characters(codec="utf-8").filter(lambda sign: sign != note[place]))

    ids = modules.evaluate("(...given) => opens(...given)", note, [key.vkey])
    altered = modules.evaluate("(...given) => opens(...given)", note[:place] + sign + note[place + 1 :], [key.vkey])

    assert (ids, altered) == ([key.key_id.hex()], "Broken")


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        GO_KEY.replace("c74f20a3", "c74f20a4"),
        GO_KEY.replace("Peter", "Paul"),
        GO_KEY[:-1] + "X",
        GO_KEY.replace("+AR", "+BR"),
    ],
)
def test_what_is_no_verifier_key_is_refused(modules: Page, vkey: str) -> None:
    assert modules.evaluate("(...given) => opens(...given)", GO_NOTE, [vkey]) == "Broken"


def root_of(page: Page, index: int, size: int, leaf: str, path: list[str]) -> str | None:
    function = """async (index, size, leaf, path) => {
      const bytes = Uint8Array.from(leaf.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
      const root = await merkle.rootOfInclusion(index, size, await merkle.leafHash(bytes), merkle.pathOf(path));
      return root && merkle.hex(root);
    }"""
    return page.evaluate(function, index, size, leaf, path)


def continues(page: Page, first: int, second: int, roots: list[str], path: list[str]) -> bool:
    function = """(first, second, [older, newer], path) =>
      merkle.verifyConsistency(first, second, merkle.unhex(older), merkle.unhex(newer), merkle.pathOf(path))"""
    return page.evaluate(function, first, second, roots, path)


def altered_hex(data: st.DataObject, text: str) -> str:
    place = data.draw(st.integers(0, len(text) - 1))
    return text[:place] + f"{int(text[place], 16) ^ data.draw(st.integers(1, 15)):x}" + text[place + 1 :]


def test_json_reaches_the_page_as_it_is(modules: Page) -> None:
    """The other tests stand on it."""
    sent = [0.1, "€\u2028", None, {"": []}]

    assert modules.evaluate("(value) => value", sent) == sent

"""The tree is that of RFC 6962: known roots, every proof verifies, every altered byte is detected."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree, verify_consistency

from shared.transparency import merkle

RFC_6962_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
RFC_6962_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def grown(count: int) -> merkle.GrowingTiles:
    tree = merkle.GrowingTiles(merkle.NoTiles(), 0)
    for number in range(count):
        tree.append(merkle.leaf_hash(str(number).encode()))
    return tree


def plain_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, literally."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return merkle.node_hash(plain_root(leaves[:split]), plain_root(leaves[split:]))


def test_roots_are_those_of_the_certificate_transparency_vectors() -> None:
    tree = merkle.GrowingTiles(merkle.NoTiles(), 0)

    assert tree.root() == hashlib.sha256(b"").digest()
    for leaf, root in zip(RFC_6962_LEAVES, RFC_6962_ROOTS, strict=True):
        tree.append(merkle.leaf_hash(leaf))
        assert tree.root().hex() == root


@pytest.mark.parametrize("count", [1, 2, 3, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537])
def test_tiles_give_the_same_root_as_the_definition(count: int) -> None:
    tree = grown(count)

    assert tree.root() == plain_root([merkle.leaf_hash(str(number).encode()) for number in range(count)])


@given(st.integers(1, 700), st.data())
def test_every_leaf_of_every_prefix_is_provable(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    tree = TREE
    root = merkle.tree_root(tree, size)
    leaf = merkle.leaf_hash(str(index).encode())
    path = merkle.inclusion_proof(tree, index, size)

    assert merkle.verify_inclusion(index, size, leaf, path, root)
    assert not merkle.verify_inclusion(index, size, merkle.leaf_hash(b"other"), path, root)
    for place in range(len(path)):
        spoilt = [*path[:place], bytes([path[place][0] ^ 1]) + path[place][1:], *path[place + 1 :]]
        assert not merkle.verify_inclusion(index, size, leaf, spoilt, root)


@given(st.integers(0, 700), st.integers(0, 700), st.integers(0, 255))
def test_any_prefix_is_consistent_with_any_longer_tree_and_with_no_other(first: int, second: int, bit: int) -> None:
    first, second = sorted((first, second))
    old, new = merkle.tree_root(TREE, first), merkle.tree_root(TREE, second)
    path = merkle.consistency_proof(TREE, first, second)

    assert merkle.verify_consistency(first, second, old, new, path)
    forged = bytearray(old)
    forged[bit // 8] ^= 1 << (bit % 8)
    assert not merkle.verify_consistency(first, second, bytes(forged), new, path)


def test_a_tree_that_goes_on_after_a_restart_is_the_same_tree() -> None:
    before = grown(300)
    resumed = merkle.GrowingTiles(before, 300)
    for number in range(300, 600):
        resumed.append(merkle.leaf_hash(str(number).encode()))

    assert resumed.root() == grown(600).root()


def test_another_implementation_gives_the_same_roots_and_proofs() -> None:
    """pymerkle: its paths begin with the proven hash; its consistency proofs are longer than the RFC's."""
    theirs = InmemoryTree(algorithm="sha256")
    for number in range(MOST_COMPARED):
        theirs.append_entry(str(number).encode())

    for size in range(1, MOST_COMPARED + 1):
        root = merkle.tree_root(TREE, size)
        assert theirs.get_root(size) == root
        for index in range(size):
            assert merkle.inclusion_proof(TREE, index, size) == theirs.prove_inclusion(index + 1, size).path[1:]
        for first in range(1, size):
            proof = theirs.prove_consistency(first, size)
            verify_consistency(merkle.tree_root(TREE, first), root, proof, first, size)


def test_a_leaf_outside_the_tree_has_no_proof() -> None:
    with pytest.raises(ValueError, match="leaf 5 is not in a tree of 5"):
        merkle.inclusion_proof(TREE, 5, 5)


MOST_COMPARED = 40
TREE = grown(700)

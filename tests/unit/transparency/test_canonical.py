"""Canonical bytes: orjson's output for documents that contracts allow is RFC 8785; anything else is refused."""

import hashlib
import json
from enum import StrEnum
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Broken
from shared.transparency.canonical import MAX_INT, canonical, digest

ASCII_KEYS = st.text(st.characters(max_codepoint=0x7F))
SCALARS = st.none() | st.booleans() | st.integers(-MAX_INT, MAX_INT) | st.text()
DOCUMENTS = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(ASCII_KEYS, inner), max_leaves=40)

FLOATS = st.floats()
HUGE = st.integers(min_value=MAX_INT + 1) | st.integers(max_value=-MAX_INT - 1)
LONE_SURROGATES = st.text(st.characters(categories=["Cs"]), min_size=1)
FOREIGN = st.binary() | st.tuples(st.integers()) | st.sets(st.integers()) | st.dates() | st.decimals()
WRONG_KEYS = (
    st.integers() | st.none() | st.booleans() | st.text(st.characters(min_codepoint=0x80, codec="utf-8"), min_size=1)
)


class Colour(StrEnum):
    RED = "红"


@given(DOCUMENTS)
def test_our_bytes_are_those_of_the_reference_implementation(document: Any) -> None:
    assert canonical(document) == rfc8785.dumps(document)


@given(DOCUMENTS)
def test_nothing_is_lost_in_the_bytes(document: Any) -> None:
    assert orjson.loads(canonical(document)) == document


@given(st.dictionaries(ASCII_KEYS, SCALARS, min_size=2), st.randoms(use_true_random=False))
def test_the_order_of_fields_does_not_matter(document: dict[str, Any], random: Any) -> None:
    fields = list(document.items())
    random.shuffle(fields)

    assert canonical(dict(fields)) == canonical(document)
    assert digest(dict(fields)) == digest(document)


@given(DOCUMENTS, DOCUMENTS)
def test_two_documents_have_one_digest_only_when_they_are_one(first: Any, second: Any) -> None:
    same = json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)

    assert (digest(first) == digest(second)) == same


@given(DOCUMENTS)
def test_a_digest_is_the_hex_sha_256_of_the_bytes(document: Any) -> None:
    assert digest(document) == hashlib.sha256(rfc8785.dumps(document)).hexdigest()


def test_a_member_of_an_enumeration_is_written_as_its_value() -> None:
    assert canonical({"colour": Colour.RED}) == '{"colour":"红"}'.encode()


@given(FLOATS | HUGE | LONE_SURROGATES | FOREIGN, DOCUMENTS)
def test_a_value_without_canonical_bytes_is_refused_wherever_it_stands(wrong: Any, right: Any) -> None:
    for document in (wrong, [right, wrong], {"a": right, "b": wrong}, {"a": [{"b": wrong}]}):
        with pytest.raises(Broken):
            canonical(document)


@given(WRONG_KEYS, DOCUMENTS)
def test_a_key_that_is_no_ascii_string_is_refused_wherever_it_stands(key: Any, value: Any) -> None:
    for document in ({key: value}, [{key: value}], {"a": {key: value}}):
        with pytest.raises(Broken):
            canonical(document)


@pytest.mark.parametrize("edge", [MAX_INT, -MAX_INT])
def test_the_largest_integers_that_every_reader_keeps_exactly_are_taken(edge: int) -> None:
    assert canonical([edge]) == f"[{edge}]".encode()
    with pytest.raises(Broken):
        canonical([edge + (1 if edge > 0 else -1)])


def test_a_float_is_refused_even_when_it_is_whole() -> None:
    with pytest.raises(Broken, match="float is not allowed"):
        canonical({"amount_fen": 500.0})


def test_nesting_beyond_what_the_encoder_follows_is_refused() -> None:
    document: Any = None
    for _ in range(300):
        document = [document]

    with pytest.raises(Broken):
        canonical(document)

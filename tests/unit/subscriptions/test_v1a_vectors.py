"""The published test vectors of `v1a`: they are what the service's code makes, and a receiver decides as they say."""

from collections import Counter

import orjson
import pytest

from shared.webhooks.signatures import verified
from tests.harness.webhook_vectors import FILE, text

CASES = orjson.loads(FILE.read_bytes())["cases"]


def test_the_file_is_what_the_generator_makes() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "make contracts"


def test_there_are_six_good_and_eighteen_bad_ones() -> None:
    assert Counter(one["valid"] for one in CASES) == {True: 6, False: 18}
    assert len({one["why"] for one in CASES}) == 24


@pytest.mark.parametrize("one", CASES, ids=lambda one: one["why"])
def test_a_receiver_decides_as_the_vector_says(one: dict) -> None:  # type: ignore[type-arg]  # as the file has it
    accepted = verified(one["headers"], one["body"].encode(), one["public_keys"], one["now"])

    assert accepted is one["valid"]

"""Only the holder of the receipt can compute the case's reference, and the reference reveals nothing."""

import base64
import hashlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shared.security.case_ref as documented
from contracts.envelope.publication import Release
from shared.errors import Invalid
from shared.security.case_ref import (
    ALPHABET,
    case_ref,
    display_query_code,
    new_query_code,
    normalise_project_no,
    normalise_query_code,
)

PROJECT_NO = "11440232MB2D06811W4000117051000202010200008"
CODES = st.text(ALPHABET, min_size=12, max_size=12)


def test_the_documented_vectors_hold() -> None:
    vectors = re.findall(r"^    (\S+) +([0-9A-Z]{12})  ([a-z2-7]{52})$", documented.__doc__ or "", re.MULTILINE)
    assert len(vectors) == 2
    for project_no, query_code, expected in vectors:
        assert case_ref(project_no, query_code) == expected


def test_an_outsider_can_recompute_it_from_the_description() -> None:
    salt = b"tongyuan/case-ref/v1\0" + PROJECT_NO.encode("ascii")
    key = hashlib.scrypt(b"7K3MZ9QW0TRX", salt=salt, n=16384, r=8, p=1, dklen=32)
    assert case_ref(PROJECT_NO, "7K3M-Z9QW-0TRX") == base64.b32encode(key).decode("ascii").rstrip("=").lower()


def test_it_fits_into_a_ledger_key() -> None:
    pattern = next(rule.pattern for rule in Release.model_fields["key"].metadata if hasattr(rule, "pattern"))
    assert re.fullmatch(pattern, f"application:{case_ref(PROJECT_NO, new_query_code())}")


def test_the_same_code_on_another_case_is_another_name() -> None:
    assert case_ref(PROJECT_NO, "0" * 12) != case_ref(PROJECT_NO[:-1] + "9", "0" * 12)


@settings(max_examples=10, deadline=None)
@given(CODES, CODES)
def test_another_code_on_the_same_case_is_another_name(first: str, second: str) -> None:
    assert (case_ref(PROJECT_NO, first) == case_ref(PROJECT_NO, second)) is (first == second)


def test_new_codes_are_well_formed_and_do_not_repeat() -> None:
    codes = {new_query_code() for _ in range(2000)}
    assert len(codes) == 2000
    assert all(normalise_query_code(code) == code for code in codes)
    assert set().union(*codes) == set(ALPHABET)


@pytest.mark.parametrize(
    "typed",
    [
        "7k3m-z9qw-0trx",
        "7K3M Z9QW OTRX",
        " 7K3MZ9QWoTRX\n",
        "７Ｋ３Ｍ－Ｚ９ＱＷ－０ＴＲＸ",
        "7K3M–Z9QW—0TRX",
        "7K3M\u3000Z9QW\u00a00TRX",
    ],
)
def test_a_code_is_understood_as_people_type_it(typed: str) -> None:
    assert normalise_query_code(typed) == "7K3MZ9QW0TRX"


def test_letters_that_look_like_digits_are_read_as_digits() -> None:
    assert normalise_query_code("oOiIlL-000000") == "001111000000"


@given(CODES, st.booleans(), st.lists(st.sampled_from([" ", "-", "－", "\u3000"]), min_size=12, max_size=12))
def test_case_and_separators_never_matter(code: str, lower: bool, separators: list[str]) -> None:
    typed = "".join(letter + separator for letter, separator in zip(code, separators, strict=True))
    assert normalise_query_code(typed.lower() if lower else typed) == code
    assert normalise_query_code(display_query_code(code)) == code


@pytest.mark.parametrize("typed", ["", "7K3MZ9QW0TR", "7K3MZ9QW0TRXX", "7K3MZ9QW0TRU", "7K3MZ9QW0TR王", "7K3MZ9QW0TR_"])
def test_something_else_is_refused_without_repeating_it(typed: str) -> None:
    with pytest.raises(Invalid, match="query_code") as refused:
        normalise_query_code(typed)
    assert refused.value.violations[0].value is None
    assert typed == "" or typed not in str(refused.value)


def test_a_case_number_is_read_in_any_width_and_case() -> None:
    assert normalise_project_no(" １１440232mb2d06811w-1 ") == "11440232MB2D06811W-1"


@pytest.mark.parametrize("typed", ["", "A" * 51, "A_1", "办件1", "1/2"])
def test_an_impossible_case_number_is_refused_without_repeating_it(typed: str) -> None:
    with pytest.raises(Invalid, match="project_no") as refused:
        case_ref(typed, "0" * 12)
    assert refused.value.violations[0].value is None

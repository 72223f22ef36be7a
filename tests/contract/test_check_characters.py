"""The check characters of units and persons: a wrong one never passes, and is told what is wrong."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes.identifiers import (
    USCC_ALPHABET,
    CodeError,
    is_pseudo_uscc,
    is_resident_id,
    is_uscc,
    org9_check_character,
    uscc_check_character,
    uscc_problem,
)

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
VECTORS = json.loads((DATA / "test-vectors.json").read_text("utf-8"))


def number(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=length, max_size=length)


@st.composite
def usccs(draw: st.DrawFn) -> str:
    kind = draw(st.text(USCC_ALPHABET, min_size=2, max_size=2))
    first8 = draw(st.text(sorted(set(USCC_ALPHABET)), min_size=8, max_size=8))
    first17 = kind + draw(number(6)) + first8 + org9_check_character(first8)
    return first17 + uscc_check_character(first17)


def named(kind: str) -> list[str]:
    return [code for code, _ in VECTORS[kind]]


@pytest.mark.parametrize("code", named("uscc_valid"))
def test_a_real_uscc_is_good(code: str) -> None:
    assert is_uscc(code)
    assert uscc_problem(code) is None
    assert not is_pseudo_uscc(code)


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("1151130000877869M", "17 characters, a uscc has 18"),
        ("13440000515356094L", "check character is L, GB 32100 gives A"),
        ("TE440000GD030003VV", "pseudo code (TE + region 440000): the unit has no uscc"),
        ("11440100007482575J", "check character is J, GB 32100 gives H"),
        ("11440100OO7482575H", "'O' not in the alphabet of a uscc (0123456789ABCDEFGHJKLMNPQRTUWXY)"),
        ("11440232MB2D06811w", "'w' not in the alphabet of a uscc (0123456789ABCDEFGHJKLMNPQRTUWXY)"),
        ("1144023AMB2D06811W", "characters 3-8 are 44023A, not a 6-digit region"),
        ("", "0 characters, a uscc has 18"),
    ],
)
def test_a_bad_uscc_is_told_what_is_wrong(code: str, problem: str) -> None:
    assert uscc_problem(code) == problem
    assert not is_uscc(code)


def test_every_invalid_vector_is_refused() -> None:
    assert [code for code in named("uscc_invalid") if is_uscc(code)] == []


def test_a_uscc_with_a_wrong_organisation_code_is_refused_although_its_own_check_fits() -> None:
    first17 = "11440232MB2D06812"
    problem = uscc_problem(first17 + uscc_check_character(first17))

    assert problem == "organisation code MB2D06812: check character is 2, GB 11714 gives 1"


@pytest.mark.parametrize("code", ["TE440000GD030003VV", "TE511602A123456789"])
def test_a_stand_in_for_a_missing_uscc_is_recognised(code: str) -> None:
    assert is_pseudo_uscc(code)


@pytest.mark.parametrize(
    "code", ["TE440000GD030003V", "TE44000XGD030003VV", "te440000GD030003VV", "TE440000GD030003VV\n"]
)
def test_what_only_resembles_a_stand_in_is_not_one(code: str) -> None:
    assert not is_pseudo_uscc(code)


@given(code=usccs(), place=st.integers(0, 17), char=st.sampled_from(USCC_ALPHABET))
def test_one_wrong_character_in_a_uscc_never_passes(code: str, place: int, char: str) -> None:
    changed = code[:place] + char + code[place + 1 :]

    assert (uscc_check_character(changed[:17]) == changed[17]) == (changed == code)
    assert is_uscc(changed) == (changed == code)


@pytest.mark.parametrize("text", ["", "1144010000748257", "11440100OO7482575", "１1440100007482575"])
def test_no_check_character_for_what_is_not_17_characters_of_the_alphabet(text: str) -> None:
    with pytest.raises(CodeError, match="17 characters"):
        uscc_check_character(text)


@pytest.mark.parametrize(
    ("first8", "check"), [("MB2D0681", "1"), ("MB2D0164", "X"), ("00748257", "5"), ("00877822", "0")]
)
def test_the_organisation_codes_check_character(first8: str, check: str) -> None:
    assert org9_check_character(first8) == check


def test_no_check_character_for_a_mangled_organisation_code() -> None:
    with pytest.raises(CodeError, match="8 characters"):
        org9_check_character("0087786-")


@pytest.mark.parametrize("text", ["11010519491231002X", "11010519491231002x", "440524188001010014"])
def test_a_resident_identity_number_is_recognised(text: str) -> None:
    assert is_resident_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "110105194912310021",  # check character
        "11010519491331002X",  # month 13
        "110105194912310",  # the old form has nothing to check
        "1101051949123100２X",
        "11440232MB2D06811W",
    ],
)
def test_other_numbers_are_no_resident_identity_number(text: str) -> None:
    assert not is_resident_id(text)


@given(place=st.integers(0, 16), digit=st.sampled_from("0123456789"))
def test_one_wrong_digit_in_a_resident_identity_number_never_passes(place: int, digit: str) -> None:
    right = "11010519491231002X"
    changed = right[:place] + digit + right[place + 1 :]

    assert is_resident_id(changed) == (changed == right)


@given(region=st.integers(110000, 829999), born=st.dates(date(1900, 1, 1), date(2030, 12, 31)), serial=number(3))
def test_exactly_one_check_character_fits_a_resident_identity_number(region: int, born: date, serial: str) -> None:
    first17 = f"{region}{born:%Y%m%d}{serial}"
    # ISO 7064 MOD 11-2, the pure system that GB 11643 takes its table from.
    remainder = 0
    for digit in first17:
        remainder = (remainder + int(digit)) * 2 % 11
    right = "0123456789X"[(1 - remainder) % 11]

    assert [char for char in "0123456789X" if is_resident_id(first17 + char)] == [right]

"""Invisible characters, and those that reverse the reading direction, enter no draft and leave no import."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.commands import ItemImport
from services.importing.fields.conversions import cleaned_text
from shared.errors import Invalid
from shared.text.invisible_characters import invisible, without_invisible
from tests.harness.actors import TESTER
from tests.harness.pipeline import code_of, guide, item, pipeline

UNDEFINED = {"Cn", "Co", "Cs"}
RESERVED_IGNORABLE = {*range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE1000)}
HIDDEN = ["\u202e", "\u200b", "\u2066", "\ufeff", "\x00", "\x1b", "\x85", "\u00ad", "\u061c"]


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=["web"]) as made:
        yield made


@pytest.mark.parametrize("character", HIDDEN)
def test_a_draft_that_holds_one_is_refused_by_field_and_nothing_is_stored(county, character):
    with pytest.raises(Invalid) as refused:
        county.catalog.save_item(TESTER, code_of(1), item(1, f"居民{character}身份证").model_dump(mode="json"), None)

    (violation,) = refused.value.violations
    assert (violation.rule, violation.value) == ("invisible_character", None)
    assert f"U+{ord(character):04X} at character 3" in violation.message
    assert character not in str(refused.value)
    assert county.execute("catalog", "SELECT count(*) FROM edition") == [(0,)]


def test_a_guide_is_refused_likewise_deep_inside(county):
    content = guide(1).model_dump(mode="json", exclude_none=True)
    content["windows"][0]["address"] += "\u202e"
    with pytest.raises(Invalid, match=r"windows\.0\.address: contains the invisible character U\+202E"):
        county.guides.save_guide(TESTER, code_of(1), content, None)


def test_an_import_that_holds_one_has_that_row_refused_and_takes_the_others(county):
    rows = [item(1, "居民\u202e身份证").model_dump(mode="json"), item(2).model_dump(mode="json")]
    done = county.catalog.import_items(TESTER, ItemImport(rows=rows))

    (rejected,) = done.rejected
    assert (done.released, rejected["index"], rejected["rule"]) == (1, 0, "invisible_character")


def test_tabs_and_line_breaks_are_no_secret():
    assert list(invisible({"a": "一\t二\r\n三\n", "b": ["四　五", {"c": 6}]})) == []


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from(HIDDEN))))
def test_an_import_removes_what_nobody_sees_and_nothing_that_was_meant(text):
    cleaned = cleaned_text(text)

    assert without_invisible(cleaned) == cleaned
    assert not list(invisible(cleaned)) or any(unicodedata.category(one) in UNDEFINED for one in cleaned)
    kept = [one for one in text if unicodedata.category(one) in UNDEFINED and ord(one) not in RESERVED_IGNORABLE]
    assert [character for character in without_invisible(text) if character in kept] == kept


@given(st.text())
def test_nothing_is_left_out_but_what_is_refused(text):
    left = without_invisible(text)
    assert all(list(invisible(character)) for character in set(text) - set(left))


NOBODY_SEES = [
    0x3164, 0x115F, 0x1160, 0xFFA0, 0x2800, 0x17B4, 0x034F, 0x206A, 0xE0001, 0xE0041, 0x1D173, 0x2061, 0x180E, 0xFE0F,
]  # fmt: skip
NO_FONT_SHOWS = [0xFDD0, 0x1FFFE, 0xE000, 0xF0B7, 0x10FFFD]


@pytest.mark.parametrize("code", NOBODY_SEES)
def test_a_character_that_nobody_sees_is_refused_in_a_draft_and_removed_by_an_import(code):
    (violation,) = invisible({"task_name": f"居民{chr(code)}身份证"})

    assert (violation.field, f"U+{code:04X}" in violation.message) == ("task_name", True)
    assert cleaned_text(f"居民{chr(code)}身份证") == "居民身份证"


@pytest.mark.parametrize("code", NO_FONT_SHOWS)
def test_a_code_point_without_a_character_is_refused_and_never_removed(code):
    """It was meant as something: a rare character of an older encoding, or a bullet of Word's symbol font."""
    (violation,) = invisible({"task_name": f"居民{chr(code)}身份证"})

    assert "write what is meant" in violation.message
    assert chr(code) in cleaned_text(f"居民{chr(code)}身份证")


@pytest.mark.parametrize(
    "character", ["㐀", "龦", "𠮷", "\U00031350", "\U0002ebf0", "①", "㎡", "ǖ", "·", "—", "😀", "　"]
)
def test_rare_characters_and_signs_stay(character):
    """Newer ideographs than this Python's Unicode knows, too."""
    assert list(invisible(f"一{character}二")) == []


def test_every_control_and_bidi_character_of_unicode_is_on_the_list():
    bidi = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
    for number in range(0x10000):
        character = chr(number)
        control = unicodedata.category(character) == "Cc" and character not in "\t\n\r"
        if control or unicodedata.bidirectional(character) in bidi:
            assert list(invisible(character)), f"U+{number:04X}"

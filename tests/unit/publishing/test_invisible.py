"""Invisible characters, and those that reverse the reading direction, enter no draft and leave no import."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.commands import ItemImport
from services.importing.fields.conversions import cleaned_text
from shared.errors import Invalid
from shared.text.invisible_characters import invisible, without_invisible
from tests.harness.pipeline import code_of, guide, item, pipeline

HIDDEN = ["\u202e", "\u200b", "\u2066", "\ufeff", "\x00", "\x1b", "\x85", "\u00ad", "\u061c"]


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=["web"]) as made:
        yield made


@pytest.mark.parametrize("character", HIDDEN)
def test_a_draft_that_holds_one_is_refused_by_field_and_nothing_is_stored(county, character):
    with pytest.raises(Invalid) as refused:
        county.catalog.save_item(code_of(1), item(1, f"居民{character}身份证").model_dump(mode="json"), None)

    (violation,) = refused.value.violations
    assert (violation.rule, violation.value) == ("invisible_character", None)
    assert f"U+{ord(character):04X} at character 3" in violation.message
    assert character not in str(refused.value)
    assert county.execute("catalog", "SELECT count(*) FROM edition") == [(0,)]


def test_a_guide_is_refused_likewise_deep_inside(county):
    content = guide(1).model_dump(mode="json", exclude_none=True)
    content["windows"][0]["address"] += "\u202e"
    with pytest.raises(Invalid, match=r"windows\.0\.address: contains the invisible character U\+202E"):
        county.guides.save_guide(code_of(1), content, None)


def test_an_import_that_holds_one_has_that_row_refused_and_takes_the_others(county):
    rows = [item(1, "居民\u202e身份证").model_dump(mode="json"), item(2).model_dump(mode="json")]
    done = county.catalog.import_items(ItemImport(rows=rows))

    (rejected,) = done.rejected
    assert (done.released, rejected["index"], rejected["rule"]) == (1, 0, "invisible_character")


def test_tabs_and_line_breaks_are_no_secret():
    assert list(invisible({"a": "一\t二\r\n三\n", "b": ["四　五", {"c": 6}]})) == []


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from(HIDDEN))))
def test_what_an_import_has_cleaned_no_draft_is_refused_for(text):
    assert list(invisible(cleaned_text(text))) == []


@given(st.text())
def test_nothing_is_left_out_but_what_is_refused(text):
    seen = [character for character in text if not list(invisible(character))]
    assert without_invisible(text) == "".join(seen)


def test_every_control_and_bidi_character_of_unicode_is_on_the_list():
    bidi = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
    for number in range(0x10000):
        character = chr(number)
        control = unicodedata.category(character) == "Cc" and character not in "\t\n\r"
        if control or unicodedata.bidirectional(character) in bidi:
            assert list(invisible(character)), f"U+{number:04X}"

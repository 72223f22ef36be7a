"""Themes are named in the reader's language."""

from contracts.codes.tables import THEME_LEGAL_PERSON, THEME_NATURAL_PERSON
from services.channels.text.themes import ENGLISH, theme


def test_every_standard_theme_has_an_english_name_and_no_other_has() -> None:
    assert ENGLISH.keys() == {*THEME_LEGAL_PERSON.values(), *THEME_NATURAL_PERSON.values()}


def test_a_theme_is_said_twice_without_what_stands_in_brackets() -> None:
    said = theme("社会保障（社会保险、社会救助）")

    assert '<span class="zh" lang="zh-CN">社会保障</span>' in said
    assert '<span class="en" lang="en">Social security</span>' in said


def test_a_theme_of_a_newer_table_is_said_as_it_is() -> None:
    assert theme("数字<政务>") == "数字<政务>"

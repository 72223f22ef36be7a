"""Whatever keyboard or input method a word comes from, it is the same word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.channels.search import normaliser, tokenizer
from services.channels.search.index import Indexed
from services.channels.search.vocabulary import VARIANTS
from tests.harness import search_characters
from tests.harness.projecting import county
from tests.unit.channels.test_search import county_db, db, found, found_keys, put  # noqa: F401  # fixtures

NAMES = [one.task_name for one, _ in county()]
CHARACTERS = sorted({char for name in NAMES for char in name if "一" <= char <= "鿿"})


def test_the_file_of_characters_is_made_of_opencc():
    assert normaliser.SIMPLIFIED.read_text(encoding="utf-8") == search_characters.content()


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("駕駛證", "驾驶证"),
        ("社會保障卡", "社会保障卡"),
        ("不動產", "不动产"),
        ("戶口", "户口"),
        ("台灣身分証", "台湾身份证"),
        ("麵館後臺", "面馆后台"),
        ("ＳＦＺ１２３", "sfz123"),
        ("身\u200b份\u2060证\ufeff", "身份证"),
        ("⼾口", "户口"),
        ("shēnfènzhèng", "shenfenzheng"),
        ("nǚ lǜ", "nu lu"),
        ("银行帐户", "银行账户"),
        ("蚊帐", "蚊帐"),
        ("著作权", "著作权"),
    ],
)
def test_every_way_to_type_a_word_is_one_spelling(typed, plain):
    assert normaliser.normalised(typed) == plain


@given(st.text(max_size=200))
def test_one_spelling_is_spelt_the_same_again(text):
    once = normaliser.normalised(text)

    assert normaliser.normalised(once) == once


def test_no_variant_leads_to_another_variant():
    assert [word for word in VARIANTS.values() if normaliser.normalised(word) != word] == []
    assert [word for word in VARIANTS if normaliser.characters(word) != word] == []


@pytest.mark.parametrize("character", CHARACTERS)
def test_every_item_with_a_character_in_its_name_is_found_by_it(county_db, character):  # noqa: F811
    expected = {f"item:{one.code}" for one, _ in county() if character in one.task_name}

    assert expected <= set(found_keys(county_db, character, 100))


@pytest.mark.parametrize("apart", ["驾 驶 证", "驾,驶,证", "驾、驶、证", "驾　驶　证", "驾 驶证", "驾驶 证"])
def test_characters_with_blanks_or_commas_between_are_the_word(county_db, apart):  # noqa: F811
    assert found(county_db, apart) == found(county_db, "驾驶证") != []


@pytest.mark.parametrize(
    ("typed", "usual"),
    [
        ("結婚登記", "结婚登记"),
        ("公積金", "公积金"),
        ("身分证", "身份证"),
        ("hu4kou3", "hukou"),
        ("hùkǒu", "hukou"),
        ("hu kou", "hukou"),
        ("面館", "面馆"),
    ],
)
def test_another_spelling_finds_the_same(county_db, typed, usual):  # noqa: F811
    assert found(county_db, typed) == found(county_db, usual) != []


@pytest.mark.parametrize("typed", ["lvyou", "luyou", "lüyou", "lǚyóu", "LVYOU"])
def test_u_with_dots_is_found_as_u_and_as_v(db, typed):  # noqa: F811
    put(db, Indexed("item:1", ("旅游经营许可",)), Indexed("item:2", ("户口登记",)))

    assert found_keys(db, typed) == ["item:1"]


def test_syllables_on_the_screen_keep_the_words_as_they_are():
    assert tokenizer.syllables("補辦身份证") == "bu ban shen fen zheng"
    assert tokenizer.syllables("旅") == "lv/lu"

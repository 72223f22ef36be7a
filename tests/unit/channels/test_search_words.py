"""Text is split as jieba itself splits it with the same words, so an index made by jieba stays valid."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.channels.search import tokenizer
from tests.harness import search_words

ROOT = Path(__file__).parents[3]
QUESTIONS = ("tests/unit/channels/test_search.py", "services/channels/search/vocabulary.py")
SCRIPTS = st.characters(categories=["Lo", "Lm", "Ll", "Nd", "Nl"])


@pytest.fixture(scope="module")
def jieba():
    return search_words.jieba_tokenizer()


@pytest.fixture(scope="module")
def words():
    return [word for word, _ in search_words.useful_words()]


def differing(jieba, texts):
    """Runs of letters in `texts` that jieba would split otherwise: into words, or into words with those inside."""
    runs = {run for text in texts for run in tokenizer.runs(text) if not run.isascii()}
    assert runs
    return [
        run
        for run in runs
        if tokenizer.words(run) != list(jieba.cut(run, HMM=False))
        or tokenizer.tokens(run) != [word for word, *_ in jieba.tokenize(run, mode="search", HMM=False)]
    ]


def strings_of(value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings_of(part)


def test_the_file_of_words_is_made_of_jiebas_dictionary():
    assert tokenizer.WORDS.read_text(encoding="utf-8") == search_words.content()


def test_the_demo_county_is_split_as_jieba_does(jieba):
    files = (ROOT / "services" / "demo" / "content").glob("*.json")

    assert differing(jieba, [text for file in files for text in strings_of(json.loads(file.read_text("utf-8")))]) == []


def test_the_real_data_are_split_as_jieba_does(jieba, data):
    lines = [line for file in data.glob("*.*") for line in file.read_text("utf-8").splitlines()]

    assert differing(jieba, lines) == []


def test_what_people_ask_is_split_as_jieba_does(jieba):
    assert differing(jieba, [(ROOT / file).read_text("utf-8") for file in QUESTIONS]) == []


@given(chosen=st.data(), strange=st.text(SCRIPTS, max_size=4))
def test_any_words_in_a_row_are_split_as_jieba_does(jieba, words, chosen, strange):
    row = chosen.draw(st.lists(st.sampled_from(words), min_size=1, max_size=6))

    assert differing(jieba, ["".join(row), "".join([*row, strange, *row])]) == []

"""Splits Chinese text into words and pinyin, with the same functions for indexed text and for queries.

Words come from rjieba, jieba's algorithm in Rust, without its hidden Markov model, so that a text is always split the
same way; pinyin is without tones. Both load on first use. `words.txt` holds the common short words of jieba's 350,000:
a rare long word is split into its parts, which suits search. `python -m tests.harness.search_words` makes the file.
"""

import os
import re
import threading
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import product
from pathlib import Path
from typing import Any

from services.channels.search.normaliser import characters, normalised
from services.channels.search.vocabulary import READINGS

LONGEST_TOKEN = 64
INITIALS = 8
"""Letters of a run of initials that are indexed; nobody types more."""

SYLLABLES = 6
"""Syllables of a run of full pinyin that are indexed."""

WORDS = Path(__file__).parent / "words.txt"
"""A word and its frequency on each line."""

_RUN = re.compile(r"[0-9a-z]+|[^\W_0-9a-z]+")
_TONED = re.compile(r"(?:[a-z]+[1-5])+")
_TONES = re.compile(r"([a-z])[1-5]")
_loading = threading.RLock()


def words(text: str) -> list[str]:
    """Split normalised `text` into words. Latin letters and digits stay together; punctuation is dropped."""
    return [word for run in runs(text) for word in _cut(run)]


def tokens(text: str) -> list[str]:
    """Like `words`, with the shorter words inside long ones: 身份证 → 身份, 身份证."""
    return [word for run in runs(text) for word, _ in _pieces(run)]


def sounds(text: str) -> list[str]:
    """Return how `text` is typed in pinyin, from each word's start: initials (`sfzbl`) and in full (`shenfen…`).

    `ü` is `u`, see `toneless`.
    """
    return [sound for run in _RUN.findall(characters(text)) if not run.isascii() for sound in _sounds(run)]


def syllables(text: str) -> str:
    """Return the pinyin of `text`, a blank between characters and `/` between readings: 银行 → `yin xing/hang`.

    Letters and digits stand for themselves; punctuation is left out. For keyboards without an input method.
    """
    parts: list[str] = []
    for run in _RUN.findall(characters(text)):
        parts.extend(run if run.isascii() else ["/".join(_typed(char)) for char in run])
    return " ".join(part for part in parts if part)


def toneless(typed: str) -> str:
    """Return pinyin as `sounds` has it: without digits for tones, and with `u` for `ü`, which is typed as `v` too."""
    bare = _TONES.sub(r"\1", typed) if _TONED.fullmatch(typed) else typed
    return bare.replace("v", "u")


def spoken(text: str) -> str:
    """Return the whole of a Chinese text in pinyin without blanks, by the most usual readings."""
    readings = [_readings(char)[:1] for run in runs(text) if not run.isascii() for char in run]
    return toneless("".join(reading for options in readings for reading in options))


def runs(text: str) -> list[str]:
    """Return runs of Latin letters and digits, and runs of other letters."""
    return _RUN.findall(normalised(text))


def is_latin(token: str) -> bool:
    """Whether the token may be pinyin, a code or a Latin word."""
    return token.isascii()


def _cut(run: str) -> list[str]:
    if run.isascii():
        return [run[:LONGEST_TOKEN]]
    return [word[:LONGEST_TOKEN] for word in _tokenizer().cut(run, hmm=False)]


@lru_cache(maxsize=1_024)
def _pieces(run: str) -> tuple[tuple[str, int], ...]:
    """Return words of a run and the shorter words inside them, with their offsets: for `tokens` and for `sounds`."""
    if run.isascii():
        return ((run[:LONGEST_TOKEN], 0),)
    found = _tokenizer().tokenize(run, mode="search", hmm=False)
    return tuple((word[:LONGEST_TOKEN], start) for word, start, _ in found)


def _sounds(run: str) -> Iterator[str]:
    readings = [_readings(char) for char in run]
    for start in sorted({start for _, start in _pieces(run)}):
        for said in _read_aloud([options for options in readings[start : start + INITIALS] if options]):
            yield "".join([syllable[0] for syllable in said])
            yield "".join(said[:SYLLABLES]).replace("v", "u")


def _read_aloud(options: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return the readings of a run, at most four: only the first two characters with two readings vary."""
    varying = [at for at, readings in enumerate(options) if len(readings) > 1]
    if not varying:
        return [tuple(readings[0] for readings in options)] if options else []
    fixed = [readings[:1] if at in varying[2:] else readings for at, readings in enumerate(options)]
    return list(product(*fixed))


def _typed(char: str) -> tuple[str, ...]:
    """Return the readings as people type them: 旅 → `lv`, `lu`."""
    readings = _readings(char)
    return tuple(dict.fromkeys([*readings, *(reading.replace("v", "u") for reading in readings)]))


@lru_cache(maxsize=16_384)
def _readings(char: str) -> tuple[str, ...]:
    if char in READINGS:
        return READINGS[char]
    reading = "".join(_lazy_pinyin()(char, errors="ignore")).replace("ü", "v")
    return (reading,) if reading.isascii() and reading.isalpha() else ()


@cache
def _lazy_pinyin() -> Any:
    with _loading:
        # Read when the package is imported: the dictionary of phrases would take another 40 MB.
        os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
        os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "true")
        from pypinyin import lazy_pinyin  # noqa: PLC0415  # imported late, to save memory in processes that never search

        return lazy_pinyin


def warm_up() -> None:
    """Load the dictionaries now instead of at the first query."""
    _tokenizer()
    _lazy_pinyin()


@cache
def _tokenizer() -> Any:
    """Return a tokenizer with our words only."""
    with _loading:
        import rjieba  # noqa: PLC0415  # late, like pypinyin

        # The import has loaded the package's own dictionary, which takes 16 MB and is never used.
        rjieba.clear()
        tokenizer = rjieba.Jieba.empty()
        with WORDS.open(encoding="utf-8") as lines:
            for line in lines:
                word, frequency = line.split()
                tokenizer.add_word(word, int(frequency), None)
        return tokenizer

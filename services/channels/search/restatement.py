"""What somebody means who asks in everyday words, in pinyin or with a slip: the query restated in official terms."""

import re
from collections.abc import Sequence
from functools import cache, lru_cache

from services.channels.search import tokenizer
from services.channels.search.everyday_words import IN_CONTEXT, PERSONS, SYNONYMS
from services.channels.search.normaliser import normalised

BY_SYNONYM = 0.6
"""Worth of an official term when the whole query stands for it; less when it is a part of the query."""

LATER = 0.95
"""Worth of an official term for each one that is likelier."""

VAGUE = 0.75
"""Share of a term that consists of single characters, as 开 and 店: a word counts more."""

SHORTEST_SLIP, LONGEST_SLIP = 3, 6
"""Characters of a word that is recognised by its sound; too many words of two characters sound alike."""

LONGEST_WORD, SHORTEST_INSIDE = 12, 6
"""Letters of pinyin: longer ones may be a sentence; a word inside it has at least so many."""

LOOSE = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ng", "n"))

_SYLLABLE = re.compile(r"(?:[zcs]h|[bpmfdtnlgkhjqxrzcsyw])?[aeiouv]{1,3}(?:ng|n|r)?[1-5]?")


def intended(query: str) -> str:
    """Return the query in one spelling, with characters typed one by one put together and words that sound right."""
    return " ".join(run if run.isascii() else _by_sound(run) for run in _together(tokenizer.runs(normalised(query))))


def warm_up() -> None:
    """Load the dictionaries of search now instead of at the first query."""
    tokenizer.warm_up()
    _spelled()
    _sounding()


def restated(typed: str, terms: Sequence[str]) -> list[tuple[str, float]]:
    """Return the query in official terms and in other spellings of its pinyin, each with its worth, the best first."""
    said = _said("".join(tokenizer.runs(typed)))
    content = max(map(len, ["".join(terms), *map("".join, said)]))
    found: dict[str, float] = {}
    for key, officials in said.items():
        share = len("".join(key)) / content * (VAGUE if set(map(len, key)) == {1} else 1)
        _add(found, officials, BY_SYNONYM * (1 + share) / 2)
    return sorted([*_respelled(terms).items(), *found.items()], key=lambda pair: -pair[1])


def _add(found: dict[str, float], officials: Sequence[str], worth: float) -> None:
    for place, official in enumerate(officials):
        found[official] = max(worth * LATER**place, found.get(official, 0))


def _together(runs: Sequence[str]) -> list[str]:
    """Return the runs; what was typed piece by piece belongs together: `驾 驶，证` → `驾驶证`, `hu kou` → `hukou`."""
    joined: list[str] = []
    before = ""
    for run in runs:
        pieces = all(map(_SYLLABLE.fullmatch, (before, run)))
        alone = 1 in (len(before), len(run)) and not (before + run).isascii() and before.isascii() == run.isascii()
        if pieces or alone:
            joined[-1] += run
        else:
            joined.append(run)
        before = run
    return joined


def _by_sound(run: str) -> str:
    """Return the run with words in place of others that sound alike: 公基金 → 公积金."""
    syllables = [_loose(char) for char in run]
    start = 0
    while start <= len(run) - SHORTEST_SLIP:
        lengths = range(min(LONGEST_SLIP, len(run) - start), SHORTEST_SLIP - 1, -1)
        meant = next((word for n in lengths if (word := _sounding().get(tuple(syllables[start : start + n])))), "")
        if run[start : start + len(meant)] in _long_words():
            meant = run[start : start + len(meant)]
        run = run[:start] + meant + run[start + len(meant) :]
        start += len(meant) or 1
    return run


@cache
def _sounding() -> dict[tuple[str, ...], str]:
    """Loose syllables → the word that people look for."""
    return {tuple(map(_loose, word)): word for word in reversed(_long_words())}


@cache
def _long_words() -> tuple[str, ...]:
    officials = [word for table in (SYNONYMS, IN_CONTEXT) for meant in table.values() for word in meant]
    words = dict.fromkeys([*SYNONYMS, *officials])
    return tuple(
        one for one in words if SHORTEST_SLIP <= len(one) <= LONGEST_SLIP and one.isalpha() and not one.isascii()
    )


@lru_cache(maxsize=4_096)
def _loose(char: str) -> str:
    """Return how a character sounds to ears that do not tell `zh` from `z` or `ing` from `in`."""
    sound = tokenizer.spoken(char)
    for exact, loose in LOOSE:
        sound = sound.replace(exact, loose)
    return sound or char


def _said(compact: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return the everyday terms in a query, with official ones.

    Left out are terms inside longer ones, terms that another gives a meaning (`公司` in `公司+注销`), and who it is for
    (老人, 新生儿) if the query also says what.
    """
    together = [key for key in IN_CONTEXT if all(part in compact for part in key)]
    single = [key for key in SYNONYMS if (key in compact if len(key) > 1 else key == compact)]
    parts = {part for key in together for part in key}
    single = [key for key in single if not any(key in part or (part in key and len(part) > 1) for part in parts)]
    single = [key for key in single if not any(key != other and key in other for other in single)]
    what = [key for key in single if key not in PERSONS]
    alone = what or ([] if together else single)
    return {key: IN_CONTEXT[key] for key in together} | {(key,): SYNONYMS[key] for key in alone}


def _respelled(terms: Sequence[str]) -> dict[str, float]:
    """Return pinyin with blanks between syllables as one word, without tones, and everyday words for pinyin."""
    latin = [term for term in terms if tokenizer.is_latin(term)]
    chinese = [term for term in terms if term not in latin]
    typed = ["".join(latin), *latin] if latin else []
    found: dict[str, float] = {}
    for text in dict.fromkeys([*typed, *map(tokenizer.toneless, typed)]):
        if text not in terms:
            found[" ".join([text, *chinese])] = BY_SYNONYM
        for word in _spelled().get(text, ()):
            found["".join([word, *chinese])] = BY_SYNONYM
            _add(found, SYNONYMS[word], BY_SYNONYM)
        if not found and len(text) > LONGEST_WORD:
            for word in _spelled_inside(text):
                _add(found, SYNONYMS[word], BY_SYNONYM)
    return found


def _spelled_inside(sentence: str) -> list[str]:
    """Return the everyday words in a sentence that is written in pinyin without blanks, the longest first."""
    inside = [sound for sound in _spelled() if len(sound) >= SHORTEST_INSIDE and sound in sentence]
    return [word for sound in sorted(inside, key=len, reverse=True) for word in _spelled()[sound]]


@cache
def _spelled() -> dict[str, list[str]]:
    """Pinyin of everyday words → the words: `kbqy`, `kaibanqiye` → 开办企业."""
    found: dict[str, list[str]] = {}
    for key in SYNONYMS:
        for sound in tokenizer.sounds(key)[:2]:
            if len(sound) > 1:
                found.setdefault(sound, []).append(key)
    return found

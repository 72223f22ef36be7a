"""Turns a query into terms, and ranks candidates. Independent of the database."""

from dataclasses import dataclass
from functools import cache

from services.channels.search import tokenizer
from services.channels.search.vocabulary import GENERIC, PARTICLES, SYNONYMS

LONGEST_QUERY = 100
MOST_TERMS = 16
MOST_ALTERNATIVES = 6

NAME, WORDS, SOUND, SOUND_START, MORE = 8.0, 4.0, 3.0, 2.0, 1.0
"""Weight of a term by where it is found."""

SAME_NAME, SAME_OTHER, IN_NAME, IN_OTHER = 60.0, 25.0, 20.0, 10.0
"""Weight of the whole query if it equals the item's name or another name, or is part of one."""

BY_SYNONYM = 0.5
ENOUGH = 0.4
"""Share of the query's terms, by length, that a result must have."""

WORTH_SHOWING = 1 / 20
"""Share of the best result's points: a query for 身份证 shall not return every item that needs one."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to phrase the query. All `terms` must be found; if nothing matches, some of `parts`.

    `phrases`: the whole query, and the query without words that carry no meaning.
    """

    phrases: tuple[str, ...]
    terms: tuple[str, ...]
    parts: tuple[str, ...]
    worth: float = 1.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate as indexed: `heads` are its names, one per line; the others are tokens separated by blanks."""

    key: str
    heads: str
    name: str
    words: str
    more: str
    pinyin: str


def alternatives(query: str) -> list[Alternative]:
    """Return ways to phrase the query: as typed, and with official terms. Empty if there is nothing to search for."""
    typed = tokenizer.normalised(query[:LONGEST_QUERY])
    original = _alternative(typed)
    if original is None:
        return []
    others = [_alternative(text, BY_SYNONYM) for text in _restated(typed, original)]
    return [original, *(other for other in others if other is not None)][:MOST_ALTERNATIVES]


def score(found: Candidate, asked: list[Alternative]) -> tuple[float, float]:
    """Return the score for the best alternative, and the share (0 … 1) of that alternative's terms that were found."""
    return max(_score(found, alternative) for alternative in asked)


def _alternative(text: str, worth: float = 1.0) -> Alternative | None:
    cut = [word for word in dict.fromkeys(tokenizer.words(text)) if word not in PARTICLES]
    telling = [word for word in cut if word not in GENERIC and not (word.isascii() and len(word) == 1)]
    terms = tuple((telling or [word for word in cut if word in GENERIC])[:MOST_TERMS])
    if not terms:
        return None
    inside = [token for term in terms for token in tokenizer.tokens(term)]
    phrases = tuple(dict.fromkeys(["".join(tokenizer.runs(text)), "".join(terms)]))
    return Alternative(phrases, terms, tuple(dict.fromkeys([*terms, *inside]))[:MOST_TERMS], worth)


def _restated(typed: str, original: Alternative) -> list[str]:
    """Return the query in official terms, and pinyin typed with blanks between syllables as one word."""
    compact = "".join(tokenizer.runs(typed))
    said = [key for key in SYNONYMS if key in compact]
    spelled = [(term, _spelled()[term]) for term in original.terms if term in _spelled()]
    restated = [compact.replace(key, official) for key in said for official in SYNONYMS[key]]
    restated += [compact.replace(term, text) for term, key in spelled for text in (key, *SYNONYMS[key])]
    if len(original.terms) > 1 and all(map(tokenizer.is_latin, original.terms)):
        restated.insert(0, "".join(original.terms))
    return list(dict.fromkeys(restated))


@cache
def _spelled() -> dict[str, str]:
    """Pinyin of everyday words → the word: `kbqy`, `kaibanqiye` → 开办企业."""
    return {sound: key for key in SYNONYMS for sound in tokenizer.sounds(key)[:2] if len(sound) > 1}


def _score(found: Candidate, asked: Alternative) -> tuple[float, float]:
    total = have = points = 0.0
    for term in asked.parts:
        weight = min(len(term), 4) if len(term) > 1 else 0.5
        worth = _worth(found, term)
        total += weight
        have += weight if worth else 0
        points += weight * worth
    return (points / total + max(_phrase(found, phrase) for phrase in asked.phrases)) * asked.worth * (
        have / total
    ), have / total


def _worth(found: Candidate, term: str) -> float:
    if tokenizer.is_latin(term):
        spelled = SOUND if _has(found.pinyin, term) else SOUND_START if _has_start(found.pinyin, term) else 0
        written = NAME if _has_start(found.name, term) else WORDS if _has_start(found.words, term) else 0
        return max(spelled, written)
    columns = ((found.name, NAME), (found.words, WORDS), (found.more, MORE))
    return next((worth for column, worth in columns if _has(column, term)), 0.0)


def _phrase(found: Candidate, phrase: str) -> float:
    name, *others = found.heads.split("\n")
    if phrase == name:
        return SAME_NAME
    if phrase in name:
        # The shorter the name, the larger the part that was asked for.
        return IN_NAME * (1 + len(phrase) / len(name))
    if phrase in others:
        return SAME_OTHER
    in_other = IN_OTHER if any(phrase in other for other in others) else 0.0
    return max(in_other, IN_NAME * _begun(name, phrase))


def _begun(name: str, phrase: str) -> float:
    """Return the share of the phrase, from its beginning, that the name contains; 0 if half or less."""
    length = next((n for n in range(len(phrase) - 1, len(phrase) // 2, -1) if phrase[:n] in name), 0)
    return length / len(phrase)


def _has(column: str, token: str) -> bool:
    return f" {token} " in f" {column} "


def _has_start(column: str, token: str) -> bool:
    return f" {token}" in f" {column}"

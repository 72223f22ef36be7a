"""What somebody typed, as terms to look for; and how well a found item answers it. Knows no database."""

from dataclasses import dataclass
from functools import cache

from services.channels import words
from services.channels.vocabulary import GENERIC, PARTICLES, SYNONYMS

LONGEST_QUERY = 100
MOST_TERMS = 16
MOST_ALTERNATIVES = 6

NAME, WORDS, SOUND, SOUND_START, MORE = 8.0, 4.0, 3.0, 2.0, 1.0
"""What a term is worth by where it is found."""

SAME_NAME, SAME_OTHER, IN_NAME, IN_OTHER = 60.0, 25.0, 20.0, 10.0
"""What the whole question is worth when it is the item's name, another name of it, or a part of one of these."""

BY_SYNONYM = 0.5
ENOUGH = 0.4
"""Share of the question's terms, by length, that an answer must have."""

WORTH_SHOWING = 1 / 20
"""Of the best answer's points: who asks for 身份证 does not mean all that needs one, unless nothing is called so."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to put the question. `terms` must all be found, or some when nothing better is.

    `phrases`: the whole question, and what is left of it without the words that say nothing.
    """

    phrases: tuple[str, ...]
    terms: tuple[str, ...]
    parts: tuple[str, ...]
    worth: float = 1.0


@dataclass(frozen=True, slots=True)
class Found:
    """A candidate as indexed: `heads` are its names, one a line; the others are tokens between blanks."""

    key: str
    heads: str
    name: str
    words: str
    more: str
    pinyin: str


def alternatives(query: str) -> list[Alternative]:
    """Ways to put the question: as typed, and with what officials call it. Empty when nothing can be looked for."""
    typed = words.normalised(query[:LONGEST_QUERY])
    original = _alternative(typed)
    if original is None:
        return []
    others = [_alternative(text, BY_SYNONYM) for text in _restated(typed, original)]
    return [original, *(other for other in others if other is not None)][:MOST_ALTERNATIVES]


def score(found: Found, asked: list[Alternative]) -> tuple[float, float]:
    """How well it answers the best alternative, and the share (0 … 1) of that alternative's terms that it has."""
    return max(_score(found, alternative) for alternative in asked)


def _alternative(text: str, worth: float = 1.0) -> Alternative | None:
    cut = [word for word in dict.fromkeys(words.words(text)) if word not in PARTICLES]
    telling = [word for word in cut if word not in GENERIC and not (word.isascii() and len(word) == 1)]
    terms = tuple((telling or [word for word in cut if word in GENERIC])[:MOST_TERMS])
    if not terms:
        return None
    inside = [token for term in terms for token in words.tokens(term)]
    phrases = tuple(dict.fromkeys(["".join(words.runs(text)), "".join(terms)]))
    return Alternative(phrases, terms, tuple(dict.fromkeys([*terms, *inside]))[:MOST_TERMS], worth)


def _restated(typed: str, original: Alternative) -> list[str]:
    """The question in official words, and pinyin typed with blanks between the syllables as one word."""
    compact = "".join(words.runs(typed))
    said = [key for key in SYNONYMS if key in compact]
    spelled = [(term, _spelled()[term]) for term in original.terms if term in _spelled()]
    restated = [compact.replace(key, official) for key in said for official in SYNONYMS[key]]
    restated += [compact.replace(term, text) for term, key in spelled for text in (key, *SYNONYMS[key])]
    if len(original.terms) > 1 and all(map(words.is_latin, original.terms)):
        restated.insert(0, "".join(original.terms))
    return list(dict.fromkeys(restated))


@cache
def _spelled() -> dict[str, str]:
    """Pinyin of what people say → what they say: `kbqy`, `kaibanqiye` → 开办企业."""
    return {sound: key for key in SYNONYMS for sound in words.sounds(key)[:2] if len(sound) > 1}


def _score(found: Found, asked: Alternative) -> tuple[float, float]:
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


def _worth(found: Found, term: str) -> float:
    if words.is_latin(term):
        spelled = SOUND if _has(found.pinyin, term) else SOUND_START if _has_start(found.pinyin, term) else 0
        written = NAME if _has_start(found.name, term) else WORDS if _has_start(found.words, term) else 0
        return max(spelled, written)
    columns = ((found.name, NAME), (found.words, WORDS), (found.more, MORE))
    return next((worth for column, worth in columns if _has(column, term)), 0.0)


def _phrase(found: Found, phrase: str) -> float:
    name, *others = found.heads.split("\n")
    if phrase == name:
        return SAME_NAME
    if phrase in name:
        # The shorter the name, the more of it is what was asked for.
        return IN_NAME * (1 + len(phrase) / len(name))
    if phrase in others:
        return SAME_OTHER
    in_other = IN_OTHER if any(phrase in other for other in others) else 0.0
    return max(in_other, IN_NAME * _begun(name, phrase))


def _begun(name: str, phrase: str) -> float:
    """How much of the phrase, from its beginning, the name holds; less than half is nothing."""
    length = next((n for n in range(len(phrase) - 1, len(phrase) // 2, -1) if phrase[:n] in name), 0)
    return length / len(phrase)


def _has(column: str, token: str) -> bool:
    return f" {token} " in f" {column} "


def _has_start(column: str, token: str) -> bool:
    return f" {token}" in f" {column}"

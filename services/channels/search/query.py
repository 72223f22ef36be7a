"""Turns a query into terms, and ranks candidates. Independent of the database."""

from dataclasses import dataclass

from services.channels.search import tokenizer
from services.channels.search.restatement import intended, restated
from services.channels.search.vocabulary import GENERIC, PARTICLES

LONGEST_QUERY = 100
MOST_TERMS = 16
MOST_ALTERNATIVES = 10

NAME, WORDS, SOUND, SOUND_START, MORE = 8.0, 4.0, 3.0, 2.0, 1.0
"""Weight of a term by where it is found."""

SAME_NAME, SAME_OTHER, IN_NAME, IN_OTHER = 60.0, 50.0, 20.0, 10.0
"""Weight of the whole query if it equals the item's name or another name, or is part of one."""

OFFICIAL = 60.0
"""Weight of an official term that is part of the name, however long the name is: the table of terms has the order."""

TYPED = 0.1
"""Share of the points for the words as they were typed that an official term leaves."""

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
    typed = intended(query[:LONGEST_QUERY])
    original = _alternative(typed)
    if original is None:
        return []
    others = [_alternative(text, worth) for text, worth in restated(typed, original.terms)]
    return [original, *(other for other in others if other is not None)][:MOST_ALTERNATIVES]


class Ranking:
    """Scores candidates for the ways to phrase a query; what is the same for each candidate is computed once."""

    def __init__(self, asked: list[Alternative]) -> None:
        self._asked = [(one, [(part, _weight(part)) for part in one.parts]) for one in asked]
        self._terms = {part: (f" {part} ", f" {part}", tokenizer.is_latin(part)) for one in asked for part in one.parts}

    def score(self, found: Candidate) -> tuple[float, float]:
        """Return the score for the best alternative, and the share (0 … 1) of that alternative's terms it has."""
        columns = [f" {column} " for column in (found.name, found.words, found.more, found.pinyin)]
        worth = {part: _worth(columns, *forms) for part, forms in self._terms.items()}
        name, *others = found.heads.split("\n")
        scores = [_score(one, parts, worth, name, others) for one, parts in self._asked]
        points, share = max(scores)
        return points + TYPED * scores[0][0], share


def _alternative(text: str, worth: float = 1.0) -> Alternative | None:
    words = [word for word in dict.fromkeys(tokenizer.words(text)) if word not in PARTICLES]
    cut = [word for word in words if not (word.isascii() and len(word) == 1)]
    if not words and len(text) == 1:
        cut = [text]
    telling = [word for word in cut if word not in GENERIC]
    sought = [word for word in telling if len(word) > 1] or cut
    terms = tuple(sought[:MOST_TERMS])
    if not terms:
        return None
    inside = [token for term in [*telling, *terms] for token in tokenizer.tokens(term)]
    phrases = tuple(dict.fromkeys(["".join(tokenizer.runs(text)), "".join(telling if sought is not cut else terms)]))
    return Alternative(phrases, terms, tuple(dict.fromkeys([*terms, *inside]))[:MOST_TERMS], worth)


def _weight(part: str) -> float:
    return min(len(part), 4) if len(part) > 1 else 0.5


def _score(
    asked: Alternative, parts: list[tuple[str, float]], worth: dict[str, float], name: str, others: list[str]
) -> tuple[float, float]:
    total = have = points = 0.0
    for part, weight in parts:
        total += weight
        if worth[part]:
            have += weight
            points += weight * worth[part]
    points, share = points / total, have / total
    if asked.worth == 1:
        points += max(_phrase(name, others, phrase) for phrase in asked.phrases)
    elif asked.phrases[0] in name:
        points += OFFICIAL
    return points * asked.worth * share, share


def _worth(columns: list[str], exact: str, start: str, latin: bool) -> float:
    """Return the worth of a term: `exact` and `start` are it with a blank on both sides and before it."""
    name, words, more, pinyin = columns
    if latin:
        spelled = SOUND if exact in pinyin else SOUND_START if start in pinyin else 0
        return max(spelled, NAME if start in name else WORDS if start in words else 0)
    return NAME if exact in name else WORDS if exact in words else MORE if exact in more else 0.0


def _phrase(name: str, others: list[str], phrase: str) -> float:
    if phrase == name:
        return SAME_NAME
    if len(phrase) == 1:
        return 0.0
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

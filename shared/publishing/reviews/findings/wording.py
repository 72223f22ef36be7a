"""文字关: placeholders, doubled words, width of characters. Word lists of every gate."""

import re
from collections.abc import Iterator

from contracts.content.gates import GATES, Gate
from shared.publishing.reviews.findings.finding import BodyText, ReviewFinding
from shared.publishing.reviews.findings.word_lists import WordLists
from shared.text.unwritten import unwritten_in

RULES = (
    ("doubled", re.compile(r"([的了和是在或与及为对将])\1|([，。、；：])\2|([一-鿿]{3,8})\3"), "连写了两次"),
    ("full_width", re.compile(r"[Ａ-Ｚａ-ｚ０-９]+"), "是全角字母或数字，应为半角"),
    ("half_width", re.compile(r"(?<=[一-鿿])[,;:!?](?=[一-鿿])"), "是半角标点，中文里应为全角"),
)


def slips_in(code: str, text: BodyText) -> Iterator[ReviewFinding]:
    """Yield what is still to be written (`shared.text.unwritten`), and what looks like a slip of the pen."""
    for one in unwritten_in(text.text):
        message, place = f"“{one.words}”{one.says}", _around(text.text, one.start, one.start + len(one.words))
        yield ReviewFinding(Gate.TEXT, code, text.field, "placeholder", message, place)
    for rule, pattern, what in RULES:
        for match in pattern.finditer(text.text):
            place = _around(text.text, match.start(), match.end())
            yield ReviewFinding(Gate.TEXT, code, text.field, rule, f"“{match[0]}”{what}", place)


def listed_words_in(code: str, text: BodyText, lists: WordLists) -> Iterator[ReviewFinding]:
    """Yield the words of the county's lists, for the gate whose list it is."""
    for gate, words in lists.words.items():
        for word, instead in words:
            if word in text.text:
                remedy = f"，应写“{instead}”" if instead else ""
                message = f"“{word}”在本县{GATES[gate]}的词表里{remedy}"
                yield ReviewFinding(gate, code, text.field, "word_list", message, word)


def _around(text: str, start: int, end: int) -> str:
    return text[max(0, start - 6) : end + 6]

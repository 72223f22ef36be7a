"""One spelling for what people type and for what is indexed, whatever keyboard or input method it comes from.

In this order: characters that nobody can see leave, full-width and compatibility forms become usual ones (NFKC), case
and the marks of Latin letters go (`shēnfèn`, `nǚ`), traditional characters become simplified, and variants of a word
become its standard spelling. `simplified.txt` is a part of OpenCC's dictionaries, made by
`python -m tests.harness.search_characters`.
"""

import re
import unicodedata
from functools import cache
from pathlib import Path

from services.channels.search.vocabulary import VARIANTS
from shared.text.invisible_characters import without_invisible

LONGEST_TEXT = 20_000
SIMPLIFIED = Path(__file__).parent / "simplified.txt"
"""A traditional character and its simplified form on each line."""

_MARKED_LATIN = re.compile(r"[\u00c0-\u024f\u1e00-\u1eff]")
_MARK = re.compile(r"[\u0300-\u036f]")


def normalised(text: str) -> str:
    """Return the one spelling of a text, limited in length."""
    return _variant().sub(lambda found: VARIANTS[found[0]], characters(text))


def characters(text: str) -> str:
    """Return a text in one spelling of its characters, each word as it is: what is read aloud or typed in pinyin."""
    plain = unicodedata.normalize("NFKC", without_invisible(text[:LONGEST_TEXT])).casefold()[:LONGEST_TEXT]
    plain = _MARK.sub("", _MARKED_LATIN.sub(lambda found: unicodedata.normalize("NFD", found[0])[0], plain))
    return plain.translate(_simplified())


@cache
def _simplified() -> dict[int, str]:
    return {ord(line[0]): line[1:] for line in SIMPLIFIED.read_text(encoding="utf-8").splitlines()}


@cache
def _variant() -> re.Pattern[str]:
    return re.compile("|".join(sorted(VARIANTS, key=len, reverse=True)))

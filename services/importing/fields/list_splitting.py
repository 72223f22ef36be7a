"""Split the text of a list field into its entries: what separates them depends on what the list contains.

Line breaks, `；`, `;`, `|`, `^` and numbers (1. 2. 3., 一、二、) separate entries of every list. `、` separates
materials too, unless a part is no material by itself (营业执照正、副本). `/` between materials may mean one of them,
and is left to a person. All of them count outside of brackets only.
"""

import re
from collections.abc import Iterator

from services.importing.fields.conversions import is_placeholder, terms
from services.importing.fields.notes import Notes
from services.importing.row import WarningName

STRONG = frozenset("^；;|\n")
LONGEST_NAME = 30
_NUMBERS = (
    re.compile(r"(?<!\d)[（(]?(\d{1,2})\s*[.．、)）](?!\d)"),
    re.compile(r"(?:\A|(?<=[\s；;。]))[（(]?([一二三四五六七八九十]{1,3})\s*[、)）]"),
)
_CHINESE = {word: number for number, word in enumerate("一二三四五六七八九十", start=1)}
_CHINESE |= {f"十{word}": 10 + number for word, number in list(_CHINESE.items()) if number < 10}
_NO_MATERIAL = re.compile(r"(副本|正本|复印件|原件|复印|反面|背面|正面|等|.)\Z")
_PIECE_ENDS = " \t\n；;。，,、|^"


def material_entries(content: str, field: str, notes: Notes) -> list[str]:
    """Return the names of the materials in `content`."""
    found = numbered(content) or terms(content, STRONG)
    if len(found) == 1:
        found = _listed(found[0])
    for one in found:
        if "/" in one and len(terms(one, {"/"})) > 1:
            message = "left as one material, because `/` may mean one or all: write 或, or ；between materials"
            notes.warn(WarningName.LIST_UNCLEAR, field, message, one)
    return found


def step_entries(content: str) -> list[str]:
    """Return the names of the steps in `content`; prose is one entry."""
    found = numbered(content) or terms(content, STRONG)
    return found if all(len(one) <= LONGEST_NAME and "。" not in one for one in found) else [content]


def law_entries(content: str) -> list[str]:
    """Return the legal bases in `content`: a new one begins with its 《law》, since articles contain any separator."""
    pieces: list[str] = []
    for line in re.split(r"\^|(?<=[；;\n])(?=\s*(?:\d{1,2}[.、．]\s*)?《)", content):
        bare = re.sub(r"\A\s*\d{1,2}[.、．]\s*(?=《)", "", line).strip(_PIECE_ENDS.replace("。", ""))
        pieces += [bare] if not is_placeholder(bare) else []
    return list(dict.fromkeys(pieces))


def divided(text: str, longest: int) -> list[str]:
    """Divide a text into passages of at most `longest` characters: between lines, else after a sentence, else anywhere.

    Nothing is lost but the line break between two passages.
    """
    passages = []
    while len(text) > longest:
        head = text[:longest]
        cut = max(head.rfind("\n"), head.rfind("。") + 1, head.rfind("；") + 1)
        cut = cut if cut > longest // 2 else longest
        passages.append(text[:cut].strip("\n"))
        text = text[cut:].lstrip("\n")
    return [*passages, text] if text else passages


def numbered(content: str) -> list[str]:
    """Return the entries of a list that counts them from 1; empty if it does not, or has only one."""
    for pattern in _NUMBERS:
        cuts = list(_sequence(content, pattern))
        if len(cuts) > 1 and not content[: cuts[0][0]].strip():
            ends = [start for start, _ in cuts[1:]] + [len(content)]
            pieces = [content[after:end].strip(_PIECE_ENDS) for (_, after), end in zip(cuts, ends, strict=True)]
            return list(dict.fromkeys(" ".join(piece.split()) for piece in pieces if not is_placeholder(piece)))
    return []


def _sequence(content: str, pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Yield where each number of 1, 2, 3 … begins and ends."""
    wanted = 1
    for found in pattern.finditer(content):
        number = _CHINESE.get(found[1]) or (int(found[1]) if found[1].isdigit() else 0)
        if number == wanted:
            yield found.start(), found.end()
            wanted += 1


def _listed(content: str) -> list[str]:
    found = terms(content, {"、"})
    return [content] if any(_NO_MATERIAL.match(one) for one in found) else found

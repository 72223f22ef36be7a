"""What people say in everyday life, and the words that the names of service items (事项名称) use for it.

The curated table is `everyday.txt`: on each line everyday terms, then `=`, then official words, the likeliest first.
The first term of a line is one that a public screen may offer. `户口+迁|转` stands for a query that has 户口 and one of
the others, in any order. Official words are those of the national 基本目录, so that they suit the items of any county.
"""

from itertools import product
from pathlib import Path

TABLE = Path(__file__).parent / "everyday.txt"

_AUDIENCE = """
    新生儿 宝宝 婴儿 孩子 老人 老年人 老年 长辈 爷爷 奶奶 外地人 残疾人 退伍军人 个体户 低保户
"""


def _parsed(table: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in table.splitlines():
        everyday, _, official = line.partition(" = ")
        found.update(dict.fromkeys(everyday.split(), tuple(official.split(", "))))
    return found


_TEXT = TABLE.read_text(encoding="utf-8")
_ALL = _parsed(_TEXT)

OFFERED = tuple(word for line in _TEXT.splitlines() if (word := line.split()[0]).isalpha() and len(word) > 1)
"""Terms that a screen in the hall offers: the first of each line, so nobody is offered 穷 or 残废."""

SYNONYMS: dict[str, tuple[str, ...]] = {said: official for said, official in _ALL.items() if "+" not in said}
"""Everyday term → words in the item's name. The keys are also found by pinyin (`sfz`, `kaibanqiye`)."""

IN_CONTEXT: dict[tuple[str, ...], tuple[str, ...]] = {
    parts: official
    for said, official in _ALL.items()
    if "+" in said
    for parts in product(*(part.split("|") for part in said.split("+")))
}
"""Terms that mean something together → words in the item's name."""

PERSONS = frozenset(_AUDIENCE.split())
"""Terms of `SYNONYMS` that say who it is for: 新生儿医保 is about 医保."""

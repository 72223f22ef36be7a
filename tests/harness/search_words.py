"""Writes services/channels/search/words.txt, the part of jieba's dictionary that search uses.

python -m tests.harness.search_words
"""

import warnings
from collections.abc import Iterator
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # jieba's source has escapes that newer Pythons warn about
    import jieba

TARGET = Path(__file__).parents[2] / "services" / "channels" / "search" / "words.txt"
RARE = 5
RARE_NAME = 50
LONGEST_WORD = 4


def content() -> str:
    """Return a line for each word, with its frequency, in order."""
    return "".join(f"{word} {frequency}\n" for word, frequency in sorted(useful_words()))


def useful_words() -> Iterator[tuple[str, int]]:
    """Yield every single character, and the words that are common and short. Names must be more common than words."""
    with jieba.Tokenizer().get_dict_file() as file:
        for line in file:
            word, count, tag = line.decode("utf-8").split()
            common = int(count) >= (RARE_NAME if tag.startswith("nr") else RARE)
            if int(count) and (len(word) == 1 or (common and len(word) <= LONGEST_WORD)):
                yield word, int(count)


def jieba_tokenizer() -> jieba.Tokenizer:
    """Return jieba's own tokenizer with the same words: what rjieba is compared with."""
    tokenizer = jieba.Tokenizer()
    frequencies = dict(useful_words())
    # As jieba's `gen_pfdict`: every beginning of a word is there, with 0 unless it is a word itself.
    beginnings = {word[:end]: 0 for word in frequencies for end in range(1, len(word))}
    tokenizer.FREQ, tokenizer.total = beginnings | frequencies, sum(frequencies.values())
    tokenizer.initialized = True
    return tokenizer


if __name__ == "__main__":
    TARGET.write_text(content(), encoding="utf-8")

"""Questions in people's own words, with the items of the demo county that answer them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("questions.txt")


@dataclass(frozen=True)
class Question:
    """`answers`: short names of items, any of which may come first. `held_back`: not used to tune the search."""

    text: str
    answers: frozenset[str]
    held_back: bool


def people_ask() -> Iterator[Question]:
    """Yield the questions in the order of the file."""
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            text, _, answers = line.removeprefix("? ").rpartition(" = ")
            yield Question(text, frozenset(answers.split(", ")), line.startswith("?"))

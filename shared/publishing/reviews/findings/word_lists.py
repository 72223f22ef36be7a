"""The county's word lists: a folder with `<gate>.txt` and `repealed.txt`, UTF-8, one word a line.

`word<TAB>use instead` says what to write; in `repealed.txt`, by what a paper was repealed. `#` begins a comment. No
list is shipped: none would be complete, and each county has its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contracts.content.gates import Gate
from shared.errors import SettingsError

REPEALED = "repealed"
LONGEST_WORD = 100


@dataclass(frozen=True, slots=True)
class WordLists:
    """By gate: words that a reviewer must see, each with what to write instead, or "". `repealed`: names of papers."""

    words: Mapping[Gate, Sequence[tuple[str, str]]] = field(default_factory=dict)
    repealed: Mapping[str, str] = field(default_factory=dict)


def read_word_lists(folder: Path | None) -> WordLists:
    """Read the lists of a folder; None: there are none. Raises `SettingsError` naming file, line and remedy."""
    if folder is None:
        return WordLists()
    known = {*map(str, Gate), REPEALED}
    try:
        files = sorted(folder.glob("*.txt"))
        if not folder.is_dir():
            raise SettingsError(f"TONGYUAN_WORD_LISTS: {folder} is not a folder")
        lists = {file.stem: _read(file) for file in files if file.stem in known}
    except OSError as error:
        raise SettingsError(f"TONGYUAN_WORD_LISTS: {folder}: {error}") from error
    if foreign := [file.name for file in files if file.stem not in known]:
        names = ", ".join(f"{name}.txt" for name in sorted(known))
        raise SettingsError(f"TONGYUAN_WORD_LISTS: {folder / foreign[0]} is no list: name it one of {names}")
    words = {gate: lists[gate] for gate in Gate if gate in lists}
    return WordLists(words, {name: since or "已在本县的废止清单里" for name, since in lists.get(REPEALED, ())})


def _read(file: Path) -> list[tuple[str, str]]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise SettingsError(f"TONGYUAN_WORD_LISTS: {file} is not UTF-8: save it as UTF-8 ({error})") from None
    found = []
    for number, line in enumerate(lines, start=1):
        word, _, instead = (part.strip() for part in line.partition("\t"))
        if not word or word.startswith("#"):
            continue
        if len(word) > LONGEST_WORD or "\t" in instead:
            rule = f"must be one word of at most {LONGEST_WORD} characters, and after a tab what to write instead"
            raise SettingsError(f"TONGYUAN_WORD_LISTS: {file}, line {number}: {rule}")
        found.append((word.strip("《》") if file.stem == REPEALED else word, instead))
    return found

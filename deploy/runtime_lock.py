"""Writes runtime.lock, the part of requirements.lock that runs: what tests and tools alone need stays out of the image.

    python runtime_lock.py pyproject.toml requirements.lock runtime.lock

A package belongs to it when pyproject.toml names it among the project's own dependencies, or when one that belongs to
it brings it along (the lock says so under each package: `# via …`).
"""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def main(pyproject: Path, lock: Path, target: Path) -> None:
    """Write `target`, whole or not at all."""
    fresh = target.with_suffix(".new")
    fresh.write_text(made(pyproject, lock), encoding="utf-8")
    fresh.replace(target)


def made(pyproject: Path, lock: Path) -> str:
    """The content of runtime.lock. Raises KeyError for a dependency that the lock does not hold."""
    blocks = dict(_blocks(lock.read_text(encoding="utf-8")))
    wanted = {_name(line) for line in tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["dependencies"]}
    return "".join(f"{blocks[name]}\n" for name in sorted(closure(wanted, blocks)))


def closure(wanted: set[str], blocks: Mapping[str, str]) -> set[str]:
    """`wanted` and all that they bring along. Raises KeyError for one that the lock does not hold."""
    missing = wanted - set(blocks)
    if missing:
        raise KeyError(f"not in the lock: {', '.join(sorted(missing))}")
    parents = {name: _brought_by(block) for name, block in blocks.items()}
    kept = set(wanted)
    while fresh := {name for name, by in parents.items() if name not in kept and by & kept}:
        kept |= fresh
    return kept


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """Name and lines of each package."""
    for block in re.split(r"\n(?=[A-Za-z0-9])", text):
        if re.match(NAME, block):
            yield _name(block), block.rstrip()


def _brought_by(block: str) -> set[str]:
    """Names in the comment at a block's end: `# via a` on one line, or `# via` and a name on each line that follows."""
    _, _, comment = block.partition("# via")
    return {_name(line) for line in re.split(r"\n\s*#", comment) if line.strip()}


def _name(requirement: str) -> str:
    found = NAME.match(requirement.strip())
    if found is None:
        raise ValueError(f"not a requirement: {requirement}")
    return re.sub(r"[-_.]+", "-", found.group()).lower()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))

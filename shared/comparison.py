"""What the ledger says is in force, and where something shown differs from it. Pure; for `verify` and the auditor."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from contracts.base import Json
from contracts.publication import Kind, Op, Publication
from shared.canonical import canonical
from shared.errors import Broken
from shared.follower import checked
from shared.merkle import GrowingTiles, NoTiles, leaf_hash, tree_root
from shared.privacy import scrub

MOST_DIFFERENCES = 50
LONGEST_VALUE = 200
ABSENT = object()


@dataclass
class Log:
    """The ledger as read: size, tree, and the newest entry of each key that is in force now."""

    size: int = 0
    tiles: GrowingTiles = field(default_factory=lambda: GrowingTiles(NoTiles(), 0))
    versions: dict[str, int] = field(default_factory=dict)
    newest: dict[str, Publication] = field(default_factory=dict)
    waiting: list[Publication] = field(default_factory=list)
    _hidden: set[str] = field(default_factory=set)

    @property
    def withheld(self) -> bool:
        """Whether the newest version of some case came without its body. An older one may have been erased by law."""
        return bool(self._hidden)

    def take(self, entry: Publication) -> Iterator[str]:
        """Add the next entry; yields what is wrong with it: a hole, a version out of turn, a wrong digest."""
        if entry.position != self.size + 1:
            yield f"position {entry.position} follows {self.size}"
        if entry.version != self.versions.get(entry.key, 0) + 1:
            yield f"version {entry.version} after {self.versions.get(entry.key, 0)}"
        (self._hidden.add if is_withheld(entry) else self._hidden.discard)(entry.key)
        try:
            checked(entry)
        except Broken as error:
            yield str(error)
        self.tiles.append(leaf_hash(canonical(entry.leaf())))
        self.size = entry.position
        self.versions[entry.key] = entry.version
        self.waiting.append(entry)

    def turn_pages(self, now: datetime) -> set[str]:
        """Let what has come into effect by now be the newest of its key, and say whose; versions win, whatever their
        times.
        """
        waiting, self.waiting = self.waiting, []
        changed = set()
        for entry in waiting:
            if entry.effective_at is not None and entry.effective_at > now:
                self.waiting.append(entry)
                continue
            known = self.newest.get(entry.key)
            if known is None or known.version < entry.version:
                self.newest[entry.key] = entry
                changed.add(entry.key)
        return changed

    def root_at(self, size: int) -> str:
        """Hex root of the tree of the first `size` entries; empty when so many were not read."""
        return tree_root(self.tiles, size).hex() if size <= self.size else ""


def is_withheld(entry: Publication) -> bool:
    """A case's body that the ledger kept from this reader, or that was erased: nothing can be worked out from it."""
    return entry.kind == Kind.APPLICATION and entry.op == Op.RELEASE and entry.body is None


def differences(expected: Any, found: Any) -> list[Json]:
    """Where two JSON values differ, at most 50 places: `path`, and `expected` and `found` where there is something.

    Objects are compared by names, lists by places, everything else by type and value: 1 is not true, "1" is not 1.
    Values are shortened for people, and what looks like somebody's number is masked.
    """
    found_at: list[Json] = []
    for path, one, other in _walk(expected, found, ""):
        if len(found_at) == MOST_DIFFERENCES:
            break
        sides = {"expected": one, "found": other}
        shown = {side: brief(value) for side, value in sides.items() if value is not ABSENT}
        found_at.append({"path": path, **shown})
    return found_at


def brief(value: Any) -> str:
    """A value for people: short, and without anybody's number."""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    text = scrub(text[: 2 * LONGEST_VALUE])
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def _walk(expected: Any, found: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in sorted(expected.keys() | found.keys(), key=str):
            inner = f"{path}.{name}" if path else str(name)
            yield from _walk(expected.get(name, ABSENT), found.get(name, ABSENT), inner)
    elif isinstance(expected, list) and isinstance(found, list):
        for place in range(max(len(expected), len(found))):
            one = expected[place] if place < len(expected) else ABSENT
            other = found[place] if place < len(found) else ABSENT
            yield from _walk(one, other, f"{path}[{place}]")
    elif type(expected) is not type(found) or expected != found:
        yield path, expected, found

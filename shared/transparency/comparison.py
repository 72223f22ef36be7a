"""What the ledger says is in force, and where displayed content differs from it. Pure; for `verify` and the auditor."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from contracts.base import Json
from contracts.envelope.publication import NoBody, Op, Publication
from contracts.envelope.statement import SourceKey
from contracts.kinds import Kind, is_public, unknown
from shared.errors import Broken
from shared.feeds.follower import checked
from shared.security.privacy import scrub
from shared.transparency.canonical import canonical
from shared.transparency.merkle import GrowingTiles, NoTiles, leaf_hash, tree_root
from shared.transparency.source_signature import signature_problem
from shared.transparency.timeline import Timed, is_overtaken
from shared.transparency.withholding import why_no_body

MOST_DIFFERENCES = 50
LONGEST_VALUE = 200
ABSENT = object()


@dataclass
class Log:
    """The ledger as read so far: size, tree, and the newest entry in force of each key.

    `in_force`: the version in force of each key; `newest` has its entry until `forget_entry`.
    `broken`: keys whose newest body is not what was recorded, with its position; what to show of them is unknown.
    `completions`: when each act was recorded; a version of a set waits in `waiting` for the act of its set.
    `sources`: keys by which sources sign, as a head statement lists them; `origin`: the log's name.
    """

    size: int = 0
    tiles: GrowingTiles = field(default_factory=lambda: GrowingTiles(NoTiles(), 0))
    versions: dict[str, int] = field(default_factory=dict)
    in_force: dict[str, int] = field(default_factory=dict)
    newest: dict[str, Publication] = field(default_factory=dict)
    waiting: list[Publication] = field(default_factory=list)
    sources: Sequence[SourceKey] = ()
    origin: str = ""
    unknown: Counter[str] = field(default_factory=Counter)
    unknown_keys: set[str] = field(default_factory=set)
    broken: dict[str, int] = field(default_factory=dict)
    _hidden: set[str] = field(default_factory=set)
    _kept_back: dict[str, list[Publication]] = field(default_factory=dict)
    _timed: dict[str, list[tuple[Timed, str | None]]] = field(default_factory=dict)
    completions: dict[str, datetime] = field(default_factory=dict)

    @property
    def withheld(self) -> bool:
        """Whether a case's newest version came without its body. An older one may have been erased by law."""
        return bool(self._hidden)

    def take(self, entry: Publication) -> Iterator[str]:
        """Add the next entry. Yield its problems: a hole, a version out of order, a wrong digest, a missing body.

        An entry of an unknown kind or op is added to the tree and counted in `unknown`, but not judged.
        """
        if entry.position != self.size + 1:
            yield f"position {entry.position} follows {self.size}"
        if entry.version != self.versions.get(entry.key, 0) + 1:
            yield f"version {entry.version} after {self.versions.get(entry.key, 0)}"
        (self._hidden.add if is_case_without_body(entry) else self._hidden.discard)(entry.key)
        self._forget_damage(entry.key)
        yield from self._judged(entry)
        problem = signature_problem(entry, self.sources, self.origin)
        if problem is not None:
            yield problem
        self.tiles.append(leaf_hash(canonical(entry.leaf())))
        self.size = entry.position
        self.versions[entry.key] = entry.version
        if is_kept_back(entry):
            self._kept_back.setdefault(entry.key, []).append(entry)
        if entry.key in self._kept_back:
            self._timed.setdefault(entry.key, []).append((Timed.of(entry), entry.part_of))
        if entry.kind == Kind.ACT:
            self.completions[entry.key] = entry.recorded_at
        if unknown(entry.kind, entry.op) is None:
            self.waiting.append(entry)

    def _judged(self, entry: Publication) -> Iterator[str]:
        if reason := unknown(entry.kind, entry.op):
            self.unknown[reason] += 1
            self.unknown_keys.add(entry.key)
        try:
            checked(entry)
        except Broken as error:
            self.broken[entry.key] = entry.position
            self.unknown_keys.add(entry.key)
            yield str(error)
        if is_public(entry.kind) and entry.op == Op.RELEASE and entry.body is None and not is_kept_back(entry):
            yield "released without a body and without a reason"

    def due_bodies(self, now: datetime) -> list[int]:
        """Return positions of entries whose body was withheld until their time, which has come.

        A version that was overtaken before its time never counts, and its body stays withheld.
        """
        due = []
        for key, entries in self._kept_back.items():
            of_key = [one.in_set(part_of, self.completions) for one, part_of in self._timed[key]]
            for entry in entries:
                timed = self.timed(entry)
                if timed.starts <= now and not is_overtaken(timed, of_key):
                    due.append(entry.position)
        return sorted(due)

    def timed(self, entry: Publication) -> Timed:
        """Return the times of an entry that was read, as they hold with what is known of its set."""
        return Timed.of(entry).in_set(entry.part_of, self.completions)

    def is_waiting_for_its_set(self, entry: Publication) -> bool:
        """Whether the entry belongs to a set whose act is not recorded."""
        return entry.part_of is not None and entry.part_of not in self.completions

    def fill(self, entry: Publication) -> Iterator[str]:
        """Insert the body of an entry of `due_bodies` once it can be read. Yield its problems."""
        before = next((one for one in self._kept_back.get(entry.key, ()) if one.position == entry.position), None)
        if before is None or before.leaf() != entry.leaf():
            yield f"the entry at position {entry.position} has changed"
            return
        try:
            checked(entry)
        except Broken as error:
            yield str(error)
            return
        if entry.body is None:
            return
        self._kept_back[entry.key].remove(before)
        self.waiting = [entry if one.position == entry.position else one for one in self.waiting]
        known = self.newest.get(entry.key)
        if known is not None and known.position == entry.position:
            self.newest[entry.key] = entry

    def mended(self, entry: Publication) -> bool:
        """Accept the body of a broken entry if it is what was recorded after all. Return whether it is."""
        if self.broken.get(entry.key) != entry.position:
            return False
        try:
            checked(entry)
        except Broken:
            return False
        self._forget_damage(entry.key)
        self.waiting = [entry if one.position == entry.position else one for one in self.waiting]
        known = self.newest.get(entry.key)
        if known is not None and known.position == entry.position:
            self.newest[entry.key] = entry
        return True

    def _forget_damage(self, key: str) -> None:
        if self.broken.pop(key, None) is not None:
            self.unknown_keys.discard(key)

    def turn_pages(self, now: datetime) -> set[str]:
        """Make what has taken effect by now the newest of its key. Return the changed keys.

        The highest version wins, whatever the times.
        """
        waiting, self.waiting = self.waiting, []
        changed = set()
        for entry in waiting:
            ahead = entry.effective_at is not None and entry.effective_at > now
            if ahead or self.is_waiting_for_its_set(entry):
                self.waiting.append(entry)
                continue
            if self.in_force.get(entry.key, 0) < entry.version:
                self.in_force[entry.key] = entry.version
                self.newest[entry.key] = entry
                changed.add(entry.key)
        return changed

    def forget_entry(self, key: str) -> None:
        """Keep of the entry in force of a key its version alone: an entry takes ten times the memory."""
        del self.newest[key]

    def unknown_by_name(self) -> dict[str, str]:
        """Return what this version does not know, with the number of entries: they are in the tree but not judged."""
        told = (f"{what}: {count} entries" for what, count in sorted(self.unknown.items()))
        return {f"unknown {number}": text for number, text in enumerate(told, 1)}

    def root_at(self, size: int) -> str:
        """Return the hex root of the tree of the first `size` entries; empty when fewer were read."""
        return tree_root(self.tiles, size).hex() if size <= self.size else ""


def is_case_without_body(entry: Publication) -> bool:
    """Whether a non-public body was withheld from this reader or erased: nothing can be derived from it."""
    return not is_public(entry.kind) and unknown(entry.kind, entry.op) is None and _lacks_body(entry)


def is_kept_back(entry: Publication) -> bool:
    """Whether a public body is withheld until its time."""
    return is_public(entry.kind) and _lacks_body(entry) and why_no_body(entry) == NoBody.WITHHELD


def is_without_body(entry: Publication) -> bool:
    """Whether this reader lacks the body of a release for a known reason."""
    return is_case_without_body(entry) or is_kept_back(entry)


def _lacks_body(entry: Publication) -> bool:
    return entry.op == Op.RELEASE and entry.body is None


def differences(expected: Any, found: Any) -> list[Json]:
    """Return where two JSON values differ, at most 50 places: `path`, and `expected` and `found` where present.

    Objects are compared by name, lists by index, everything else by type and value: 1 is not true, "1" is not 1.
    Values are shortened for display, and numbers that may be personal are masked.
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
    """Return a value for display: short, with numbers that may be personal masked."""
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

"""Inclusion of an entry in the signed ledger: C2SP `tlog-proof`, made by the sequencer and checked by every follower.

c2sp.org/tlog-proof@v1
index 4711                    the leaf: position - 1
<base64>                      its inclusion path (RFC 6962), leaf upwards
                              an empty line
<signed note>                 the checkpoint of the tree that the path leads to
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pydantic import PrivateAttr

from contracts.envelope.publication import Publication
from shared.errors import Broken
from shared.transparency.canonical import canonical
from shared.transparency.checkpoint import HASH_SIZE, NUMBER, Checkpoint
from shared.transparency.merkle import EMPTY_ROOT, Roots, leaf_hash, roots_along, verify_inclusion

FIRST_LINE = "c2sp.org/tlog-proof@v1"
LONGEST_PATH = 63
LONGEST_PROOF = 16 * 1024
LENGTH_OF_HASH = 44


class Unproven(Broken):
    """An entry comes without a proof that it is in the ledger, or with an invalid one."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A parsed proof."""

    index: int
    path: list[bytes]
    checkpoint: str


@dataclass(frozen=True, slots=True)
class ProvenPlace:
    """The proven place of an entry: its leaf hash, and the path from it to the root of a signed tree."""

    index: int
    leaf: bytes
    path: list[bytes]
    size: int
    root: bytes


class LedgerEntry(Publication):
    """A publication as a follower holds it. Only `Prover` sets its place; it never comes from outside."""

    _place: ProvenPlace | None = PrivateAttr(default=None)

    @property
    def place(self) -> ProvenPlace | None:
        """Return the proven place; None until it is proven."""
        return self._place

    @property
    def roots(self) -> Roots:
        """Roots of the ledger before this entry, and with it; those of the empty tree until it is proven."""
        place = self.place
        found = place and roots_along(place.index, place.size, place.leaf, place.path)
        return found or Roots(EMPTY_ROOT, EMPTY_ROOT, EMPTY_ROOT)

    def at(self, place: ProvenPlace) -> "LedgerEntry":
        """Set the proven place and return the entry."""
        self._place = place
        return self

    def is_beside(self, other: "LedgerEntry") -> bool:
        """Whether both are proven to be in one tree: then their positions give their order."""
        mine, its = self.place, other.place
        return mine is not None and its is not None and (mine.size, mine.root) == (its.size, its.root)


def written(index: int, path: Sequence[bytes], checkpoint: str) -> str:
    """Return the proof as text."""
    steps = "".join(f"{base64.b64encode(step).decode()}\n" for step in path)
    return f"{FIRST_LINE}\nindex {index}\n{steps}\n{checkpoint}"


def read(text: str) -> Proof:
    """Parse a proof. Raises `Unproven` for anything else, also for an `extra` line, which no signature covers."""
    if len(text) > LONGEST_PROOF:
        raise Unproven(f"a proof is at most {LONGEST_PROOF} characters long")
    head, _, checkpoint = text.partition("\n\n")
    first, *lines = head.split("\n")
    word, _, number = lines[0].partition(" ") if lines else ("", "", "")
    if first != FIRST_LINE or word != "index" or not NUMBER.fullmatch(number):
        raise Unproven("not a tlog-proof")
    if len(lines) - 1 > LONGEST_PATH:
        raise Unproven(f"a path has at most {LONGEST_PATH} steps")
    return Proof(int(number), [_step(line) for line in lines[1:]], checkpoint)


def another_history(entries: Sequence[LedgerEntry], root: bytes | None) -> LedgerEntry | None:
    """Return the first entry of a run that does not continue its predecessors.

    `root`: the root before the run, if known.
    """
    before: LedgerEntry | None = None
    for entry in entries:
        if before is None or not entry.is_beside(before):
            expected = before.roots.upto if before else root
            if expected not in (None, entry.roots.before):
                return entry
        before = entry
    return None


class Prover:
    """Checks entries against their proofs.

    `opened(note)` returns the checkpoint of a note that a trusted key has signed. It raises `Broken` for any other, and
    `Unavailable` while that cannot be decided.
    """

    def __init__(self, opened: Callable[[str], Checkpoint]) -> None:
        self._opened = opened

    def proven(self, entry: LedgerEntry) -> LedgerEntry:
        """Return the entry, with its place. Raises `Unproven`, and `Unavailable` while it cannot be decided."""
        if entry.proof is None:
            raise Unproven(f"entry {entry.position} comes without a proof")
        proof = read(entry.proof)
        if proof.index != entry.position - 1:
            raise Unproven(f"entry {entry.position} comes with the proof of entry {proof.index + 1}")
        try:
            checkpoint = self._opened(proof.checkpoint)
        except Unproven:
            raise
        except Broken as error:
            raise Unproven(f"entry {entry.position}: {error}") from error
        leaf = leaf_hash(canonical(entry.leaf()))
        if not verify_inclusion(proof.index, checkpoint.size, leaf, proof.path, checkpoint.root):
            raise Unproven(f"entry {entry.position} is not in the signed ledger")
        return entry.at(ProvenPlace(proof.index, leaf, proof.path, checkpoint.size, checkpoint.root))


@lru_cache(maxsize=4096)
def _step(line: str) -> bytes:
    """Decode strictly: one spelling per value, so that no byte can change unnoticed.

    Neighbours share most of their steps.
    """
    try:
        step = base64.b64decode(line, validate=True)
    except ValueError:
        step = b""
    # The last character encodes two unused bits; they must be zero.
    if len(step) != HASH_SIZE or len(line) != LENGTH_OF_HASH or base64.b64encode(step[-2:]).decode() != line[-4:]:
        raise Unproven("a step of the path is not a base64 hash")
    return step

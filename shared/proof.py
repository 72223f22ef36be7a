"""Whether an entry is in the signed ledger: C2SP `tlog-proof`, made by the sequencer and checked by every follower.

c2sp.org/tlog-proof@v1
index 4711                    the leaf: position - 1
<base64>                      its inclusion path (RFC 6962), leaf upwards
                              an empty line
<signed note>                 the checkpoint of the tree that the path leads to
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import PrivateAttr

from contracts.publication import Publication
from shared.canonical import canonical
from shared.checkpoint import HASH_SIZE, NUMBER, Checkpoint
from shared.errors import Broken
from shared.merkle import EMPTY_ROOT, Roots, leaf_hash, roots_along

FIRST_LINE = "c2sp.org/tlog-proof@v1"
LONGEST_PATH = 63
LONGEST_PROOF = 16 * 1024
LENGTH_OF_HASH = 44


class Unproven(Broken):
    """An entry comes without a proof that it is in the ledger, or with one that does not hold."""


class Entry(Publication):
    """A publication in the hands of a follower; `roots` are set by `Prover`, and never come from outside."""

    _roots: Roots = PrivateAttr(default=Roots(EMPTY_ROOT, EMPTY_ROOT, EMPTY_ROOT))

    @property
    def roots(self) -> Roots:
        """Of the ledger before this entry and with it."""
        return self._roots

    def with_roots(self, roots: Roots) -> "Entry":
        """Itself, proven."""
        self._roots = roots
        return self


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof, read."""

    index: int
    path: list[bytes]
    checkpoint: str


def written(index: int, path: Sequence[bytes], checkpoint: str) -> str:
    """The proof as text."""
    steps = "".join(f"{base64.b64encode(step).decode()}\n" for step in path)
    return f"{FIRST_LINE}\nindex {index}\n{steps}\n{checkpoint}"


def read(text: str) -> Proof:
    """The proof in a text. Raises `Unproven` for anything else, also for an `extra` line: nobody signs it."""
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


class Prover:
    """Holds entries against their proofs.

    `opened(note)`: the checkpoint in a note that a trusted key has signed. It raises `Broken` for any other, and
    `Unavailable` while that cannot be told.
    """

    def __init__(self, opened: Callable[[str], Checkpoint]) -> None:
        self._opened = opened

    def proven(self, entry: Entry) -> Entry:
        """The entry, with its roots. Raises `Unproven`, and `Unavailable` while nobody can say."""
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
        roots = roots_along(proof.index, checkpoint.size, leaf_hash(canonical(entry.leaf())), proof.path)
        if roots is None or roots.whole != checkpoint.root:
            raise Unproven(f"entry {entry.position} is not in the ledger that was signed")
        return entry.with_roots(roots)


def _step(line: str) -> bytes:
    """Strict: one spelling a value, so that no byte can be altered unnoticed."""
    try:
        step = base64.b64decode(line, validate=True)
    except ValueError:
        step = b""
    # The last character holds four bits more than are needed: they must be zero.
    if len(step) != HASH_SIZE or len(line) != LENGTH_OF_HASH or base64.b64encode(step[-2:]).decode() != line[-4:]:
        raise Unproven("a step of the path is no hash in base64")
    return step

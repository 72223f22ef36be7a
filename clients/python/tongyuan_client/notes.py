"""Signed notes, checkpoints and inclusion proofs as C2SP defines them: signed-note, tlog-checkpoint, tlog-proof."""

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tongyuan_client.errors import Refused
from tongyuan_client.merkle import HASH_SIZE

ED25519 = b"\x01"
PROOF = "c2sp.org/tlog-proof@v1"
LONGEST_NOTE = 64 * 1024
LONGEST_PROOF = 16 * 1024
LONGEST_PATH = 63
MOST_SIGNATURES = 100
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_NAME = re.compile(r"[^\s+]+")


@dataclass(frozen=True, slots=True)
class Key:
    """A public key of the ledger. `until`: it signs no longer from then on; None while it signs."""

    name: str
    public: bytes
    until: str | None = None

    @property
    def key_id(self) -> str:
        """Hex of the first four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4].hex()

    @property
    def vkey(self) -> str:
        """The verifier key: name+hash+base64(type ‖ key)."""
        return f"{self.name}+{self.key_id}+{base64.b64encode(ED25519 + self.public).decode()}"

    @classmethod
    def of_vkey(cls, text: str, until: str | None = None) -> "Key":
        """Parse a verifier key. Raises `ValueError` for anything else."""
        name, _, rest = text.strip().partition("+")
        claimed, _, encoded = rest.partition("+")
        raw = base64.b64decode(encoded, validate=True)
        key = cls(name, raw[1:], until)
        if raw[:1] != ED25519 or len(raw) != HASH_SIZE + 1 or not _NAME.fullmatch(name) or key.key_id != claimed:
            raise ValueError("not a verifier key of an Ed25519 key: name+hash+base64")
        return key


@dataclass(frozen=True, slots=True)
class Opened:
    """A note's text, and the ids of the trusted keys that have signed it."""

    text: str
    signed_by: frozenset[str]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Size and root of a signed tree of one log."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Proof:
    """A parsed inclusion proof: leaf index, path, and the note with the checkpoint."""

    index: int
    path: list[bytes]
    note: str


def signers(note: str) -> frozenset[tuple[str, str]]:
    """Return (name, key id) of every signature line, unverified. Raises `Refused` for what is not a note."""
    return frozenset((name, raw[:4].hex()) for name, raw in _lines(note)[1])


def opened(note: str, keys: Iterable[Key]) -> Opened:
    """Open a note. Raises `Refused` if no key has signed it, or if the signature of any of them is wrong."""
    text, lines = _lines(note)
    known = {(key.name, key.key_id): key for key in keys}
    signed_by = set()
    for name, raw in lines:
        key = known.get((name, raw[:4].hex()))
        if key is not None:
            _verify(key, raw[4:], text)
            signed_by.add(key.key_id)
    if not signed_by:
        raise Refused("signature", "no trusted key has signed the note")
    return Opened(text, frozenset(signed_by))


def checkpoint_of(text: str) -> Checkpoint:
    """Parse a checkpoint. Raises `Refused`."""
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0] or not _NUMBER.fullmatch(lines[1]):
        raise Refused("signature", "the note is not a checkpoint")
    root = _strict(lines[2])
    if len(root) != HASH_SIZE:
        raise Refused("signature", "the checkpoint's root is not a SHA-256 hash")
    return Checkpoint(lines[0], int(lines[1]), root)


def proof_of(text: str) -> Proof:
    """Parse a tlog-proof. Raises `Refused`, also for an `extra` line, which no signature covers."""
    head, _, note = text.partition("\n\n")
    first, *lines = head.split("\n")
    word, _, number = lines[0].partition(" ") if lines else ("", "", "")
    if len(text) > LONGEST_PROOF or first != PROOF or word != "index" or not _NUMBER.fullmatch(number):
        raise Refused("proof", "not a tlog-proof")
    path = [_strict(line, "proof") for line in lines[1:]]
    if len(path) > LONGEST_PATH or any(len(step) != HASH_SIZE for step in path):
        raise Refused("proof", "the path is not at most 63 hashes")
    return Proof(int(number), path, note)


def _lines(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    text, separator, signatures = note.rpartition("\n\n")
    lines = signatures.removesuffix("\n").split("\n")
    if not separator or not signatures.endswith("\n") or len(lines) > MOST_SIGNATURES or len(note) > LONGEST_NOTE:
        raise Refused("signature", "not a signed note")
    return text + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    raw = _strict(encoded)
    if dash != "—" or not _NAME.fullmatch(name) or len(raw) < 5:
        raise Refused("signature", "a line at the end of the note is not a signature")
    return name, raw


def _verify(key: Key, signature: bytes, text: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
    except InvalidSignature:
        raise Refused("signature", "the signature of a trusted key is wrong") from None


def _strict(text: str, reason: str = "signature") -> bytes:
    """Decode base64 with one spelling a value, so that no byte changes unnoticed."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Refused(reason, "base64 is invalid") from None
    if base64.b64encode(raw).decode() != text:
        raise Refused(reason, "base64 is not canonical")
    return raw

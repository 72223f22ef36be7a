"""Signed notes and checkpoints as defined by C2SP (`signed-note`, `tlog-checkpoint`).

A note is text that ends in a newline, an empty line, and one line per signature:
`— <name> <base64(key id ‖ signature)>`. A checkpoint is a note whose text is origin, size and base64 root.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.errors import Broken

ED25519 = b"\x01"
COSIGNATURE = b"\x04"
LONGEST_NOTE = 64 * 1024
MOST_SIGNATURES = 100
HASH_SIZE = 32
NUMBER = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
NAME = re.compile(r"[^\s+]+")


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key with its name. `kind` is `ED25519` for a log, `COSIGNATURE` for a witness."""

    name: str
    public_key: bytes
    kind: bytes = ED25519

    @property
    def key_id(self) -> bytes:
        """First four bytes of SHA-256(name ‖ 0x0A ‖ kind ‖ public key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.kind + self.public_key).digest()[:4]

    @property
    def vkey(self) -> str:
        """The verifier key as transparency-log tools read it: name+hash+base64(kind ‖ key)."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self.kind + self.public_key).decode()}"

    @classmethod
    def of_vkey(cls, text: str) -> "NoteKey":
        """Parse a verifier key. Raises `Broken` for anything else."""
        name, _, rest = text.strip().partition("+")
        claimed, _, encoded = rest.partition("+")
        raw = _base64(encoded, "verifier key")
        key = cls(name, raw[1:], raw[:1])
        if not NAME.fullmatch(name) or key.kind not in (ED25519, COSIGNATURE) or len(key.public_key) != HASH_SIZE:
            raise Broken("not a verifier key: must be name+hash+base64 of an Ed25519 key")
        if key.key_id.hex() != claimed:
            raise Broken(f"the hash in the verifier key of {name} is wrong")
        return key

    def verifies(self, signature: bytes, text: str) -> bool:
        """Return whether this key has signed the note's text."""
        signed = text.encode()
        if self.kind == COSIGNATURE:
            moment, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            signed = _cosigned(moment, text)
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, signed)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The content of a checkpoint, and the ids (hex) of the known keys that have signed it."""

    origin: str
    size: int
    root: bytes
    signed_by: frozenset[str]


def signature_line(name: str, key_id: bytes, signature: bytes) -> str:
    """Return one signature line of a note."""
    return f"— {name} {base64.b64encode(key_id + signature).decode()}\n"


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """Return the text that is signed."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def cosignature_line(name: str, key: Ed25519PrivateKey, note: str, moment: int) -> str:
    """Return a witness's line for a checkpoint that it has verified at `moment` (seconds since 1970)."""
    public = NoteKey(name, key.public_key().public_bytes_raw(), COSIGNATURE)
    text = note.partition("\n\n")[0] + "\n"
    return signature_line(name, public.key_id, moment.to_bytes(8, "big") + key.sign(_cosigned(moment, text)))


def opened(note: str, keys: Iterable[NoteKey]) -> tuple[str, frozenset[str]]:
    """Return the note's text and the ids of the known keys that have signed it.

    Signatures of unknown keys are ignored. Raises `Broken` when no known key has signed it, and when the signature of
    any known key is wrong, whatever the others are.
    """
    if len(note) > LONGEST_NOTE:
        raise Broken(f"a note is at most {LONGEST_NOTE} characters long")
    text, separator, signatures = note.rpartition("\n\n")
    lines = signatures.removesuffix("\n").split("\n")
    if not separator or not signatures.endswith("\n") or len(lines) > MOST_SIGNATURES:
        raise Broken("not a signed note")
    known = {(key.name, key.key_id): key for key in keys}
    signed_by = frozenset(key.key_id.hex() for line in lines for key in _signers(line, text + "\n", known))
    if not signed_by:
        raise Broken("no signature of the note is by a known key")
    return text + "\n", signed_by


def signer_ids(note: str) -> frozenset[str]:
    """Return the ids (hex) named in the signature lines, unverified. Raises `Broken` for what is not a note."""
    if len(note) > LONGEST_NOTE:
        raise Broken(f"a note is at most {LONGEST_NOTE} characters long")
    lines = note.rpartition("\n\n")[2].removesuffix("\n").split("\n")
    return frozenset(_base64(line.rpartition(" ")[2], "signature line")[:4].hex() for line in lines)


def opened_checkpoint(note: str, keys: Iterable[NoteKey], origin: str | None = None) -> Checkpoint:
    """Return the checkpoint in a note.

    Raises `Broken` as `opened` does, and for an origin other than the keys' or `origin`.
    """
    keys = list(keys)
    text, signed_by = opened(note, keys)
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0] or not NUMBER.fullmatch(lines[1]):
        raise Broken("not a checkpoint")
    root = _base64(lines[2], "checkpoint")
    if len(root) != HASH_SIZE:
        raise Broken("not a checkpoint: its root is not a SHA-256 hash")
    if lines[0] not in ({origin} if origin else {key.name for key in keys}):
        raise Broken("the checkpoint belongs to another log")
    return Checkpoint(lines[0], int(lines[1]), root, signed_by)


def verify_checkpoint(note: str, name: str, public_key: bytes) -> tuple[int, bytes]:
    """Return (size, root) of a checkpoint signed by this key. Raises `Broken` for anything else."""
    checkpoint = opened_checkpoint(note, [NoteKey(name, public_key)])
    return checkpoint.size, checkpoint.root


def _signers(line: str, text: str, known: Mapping[tuple[str, bytes], NoteKey]) -> list[NoteKey]:
    """Return the known key of a signature line, or none. Raises `Broken` for an invalid signature of a known key."""
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    raw = _base64(encoded, "signature line")
    if dash != "—" or not NAME.fullmatch(name) or len(raw) < 5:
        raise Broken("not a signed note: a line at its end is not a signature")
    key = known.get((name, raw[:4]))
    if key is None:
        return []
    if not key.verifies(raw[4:], text):
        raise Broken("invalid signature of a known key")
    return [key]


def _cosigned(moment: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {moment}\n{text}".encode()


def _base64(text: str, what: str) -> bytes:
    """Decode strictly: one spelling per value, so that no byte can change unnoticed."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Broken(f"not a {what}: its base64 is invalid") from None
    if base64.b64encode(raw).decode() != text:
        raise Broken(f"not a {what}: its base64 is not canonical")
    return raw

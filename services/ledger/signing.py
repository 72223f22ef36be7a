"""Signing heads: C2SP `tlog-checkpoint` as a signed note, Ed25519, key made on first start and readable by us alone."""

import base64
import hashlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from shared.errors import Broken
from shared.secret_file import kept_secret

ED25519 = b"\x01"
KEY_FILE = "ledger-key.pem"


class Signer:
    """Holds the private key and the log's name."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self.name = name
        self._key = key
        self.public_key = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @classmethod
    def of_folder(cls, folder: Path, name: str) -> "Signer":
        """The key in `folder`, made when there is none. Raises `Broken` when others may read it or it is no key."""
        path = folder / KEY_FILE
        pem = kept_secret(path, _new_key)
        try:
            key = load_pem_private_key(pem, password=None)
        except ValueError as error:
            raise Broken(f"{path} is no private key in PEM") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise Broken(f"{path} is not an Ed25519 key")
        return cls(name, key)

    @property
    def key_id(self) -> bytes:
        """First four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)."""
        return key_id(self.name, self.public_key)

    def checkpoint(self, size: int, root: bytes) -> str:
        """The signed note over size and root."""
        body = f"{self.name}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = base64.b64encode(self.key_id + self._key.sign(body.encode())).decode()
        return f"{body}\n— {self.name} {signature}\n"


def key_id(name: str, public_key: bytes) -> bytes:
    """Key hash of the signed-note format for Ed25519."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public_key).digest()[:4]


def verifier_key(name: str, public_key: bytes) -> str:
    """The `vkey` form that transparency-log tools take: name+hash+base64(algorithm ‖ key)."""
    return f"{name}+{key_id(name, public_key).hex()}+{base64.b64encode(ED25519 + public_key).decode()}"


def verify_checkpoint(note: str, name: str, public_key: bytes) -> tuple[int, bytes]:
    """(size, root) of a checkpoint signed by this key. Raises `Broken` for anything else."""
    try:
        return _verified(note, name, public_key)
    except ValueError as error:
        raise Broken(f"not a checkpoint: {type(error).__name__}") from None


def _new_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _verified(note: str, name: str, public_key: bytes) -> tuple[int, bytes]:
    text, separator, signatures = note.rpartition("\n\n")
    lines = text.split("\n")
    if not separator or len(lines) < 3 or lines[0] != name:
        raise Broken("not a checkpoint of this log")
    ours = key_id(name, public_key)
    for line in signatures.splitlines():
        dash, _, rest = line.partition(" ")
        signer, _, encoded = rest.rpartition(" ")
        raw = base64.b64decode(encoded, validate=True)
        if dash == "—" and signer == name and raw[:4] == ours:
            try:
                Ed25519PublicKey.from_public_bytes(public_key).verify(raw[4:], (text + "\n").encode())
            except InvalidSignature:
                raise Broken("checkpoint with a wrong signature of a known key") from None
            return int(lines[1]), base64.b64decode(lines[2], validate=True)
    raise Broken("checkpoint without a signature of a known key")

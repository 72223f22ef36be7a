"""The county's key for backups (Ed25519), made at the first backup, and the public keys that a restore trusts.

The private half stays in the data folder and is in no backup: a person who has found or stolen a backup cannot make
another. The public half is pinned beside it and shown by every backup; a machine that has made none must be given it.
"""

from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from shared.errors import Broken, Invalid, Violation
from shared.security.secret_files import kept_secret, read_secret, replace_secret
from shared.signing.ring import first_key
from shared.transparency.checkpoint import NoteKey

KEY_FILE, PINNED_FILE = "backup-key.pem", "backup-keys"


def own_key(folder: Path, origin: str) -> tuple[Ed25519PrivateKey, NoteKey]:
    """Return the key that signs this county's backups; make and pin it if there is none.

    Raises `Broken` when others may read the file or it is no key, OSError when it cannot be stored.
    """
    path = folder / KEY_FILE
    content = kept_secret(path, first_key)
    try:
        private = load_pem_private_key(content, password=None)
    except ValueError:
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise Broken(f"{path}: is not an Ed25519 key in PEM: restore it, or remove it so that a new one is made")
    public = NoteKey(f"{origin}/backup", private.public_key().public_bytes_raw())
    pin(folder, public)
    return private, public


def pinned(folder: Path) -> list[NoteKey]:
    """Return the trusted keys; none on a machine that has neither made nor restored a backup.

    Raises `Broken` when the file holds something else or others may write it.
    """
    path = folder / PINNED_FILE
    return _keys(read_secret(path).decode(errors="replace"), str(path)) if path.exists() else []


def pin(folder: Path, key: NoteKey) -> None:
    """Trust this key from now on, in addition to earlier ones, whose backups may still be needed. Raises OSError."""
    known = pinned(folder)
    if key not in known:
        lines = "".join(f"{one.vkey}\n" for one in (*known, key))
        replace_secret(folder / PINNED_FILE, lines.encode())


def parse_keys(value: str) -> Sequence[NoteKey]:
    """Return the keys of `--key`: a key itself, or a file with one per line. Raises `Invalid`."""
    path = Path(value)
    try:
        found = _keys(path.read_text(encoding="utf-8") if path.is_file() else value, "--key")
    except (Broken, OSError, ValueError) as error:
        raise Invalid(
            Violation("key", "vkey", f"{error}: `tongyuan backup` shows the key that it signs with")
        ) from None
    if not found:
        raise Invalid(Violation("key", "vkey", "contains no key"))
    return found


def _keys(text: str, where: str) -> list[NoteKey]:
    try:
        return [NoteKey.of_vkey(line) for line in text.splitlines() if line.strip()]
    except Broken as error:
        raise Broken(f"{where}: {error}") from None

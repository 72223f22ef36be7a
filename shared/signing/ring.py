"""Private keys of one owner in one private file: PEM blocks, oldest first.

The last block is the current key. The keys before it are being retired: the line `signs-until:` above such a block says
how long it still signs, so that readers have time to learn the new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from contracts.base import format_time
from shared.errors import Broken, Conflict
from shared.security.secret_files import kept_secret, read_secret, replace_secret

END = "-----END PRIVATE KEY-----\n"
BEGIN = "-----BEGIN PRIVATE KEY-----"
UNTIL = "signs-until:"


@dataclass(frozen=True)
class RingKey:
    """A private key; `until` is when it stops signing, None for the newest one."""

    key: Ed25519PrivateKey
    until: datetime | None = None

    @property
    def public_key(self) -> bytes:
        """The raw public key, 32 bytes."""
        return self.key.public_key().public_bytes_raw()

    def signs(self, now: datetime) -> bool:
        return self.until is None or now < self.until


class KeyRing:
    """The keys of one file. The file is read again when it changes, so a rotation needs no restart."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: Sequence[RingKey] = ()
        self._read_from: tuple[int, int] | None = None

    def make(self) -> None:
        """Make the file with a first key if there is none. Raises `Broken` when others may read it."""
        read_ring(self._path)

    def keys(self) -> Sequence[RingKey]:
        """Return every key, oldest first. Raises `Broken` when the file is invalid, OSError when it is gone."""
        at = self._path.stat()
        if (at.st_ino, at.st_mtime_ns) != self._read_from:
            self._keys = _ring_of(self._path, read_secret(self._path))
            self._read_from = (at.st_ino, at.st_mtime_ns)
        return self._keys


def read_ring(path: Path) -> list[RingKey]:
    """Return every key of the file, making it if needed.

    Raises `Broken` when others may read it or it holds no keys.
    """
    return _ring_of(path, kept_secret(path, first_key))


def first_key() -> bytes:
    """Return the content of a new file, with one new key."""
    return _written([RingKey(Ed25519PrivateKey.generate())])


def rotate(path: Path, overlap: timedelta, now: datetime) -> tuple[bytes, bytes]:
    """Make a new key that signs at once; the previous one also signs for `overlap`. Return both public keys, old first.

    A key whose time is over is removed from the file. Raises `Conflict` when there is no key yet, or while an earlier
    rotation is in progress.
    """
    if not path.exists():
        raise Conflict(f"{path} does not exist: rotate on the machine that holds the key")
    ring = read_ring(path)
    last = max((one.until for one in ring if one.until), default=now)
    if last > now:
        raise Conflict(f"a rotation is in progress: the previous key signs until {format_time(last)}")
    old, new = ring[-1], RingKey(Ed25519PrivateKey.generate())
    replace_secret(path, _written([replace(old, until=(now + overlap).astimezone(UTC)), new]))
    return old.public_key, new.public_key


def _ring_of(path: Path, content: bytes) -> list[RingKey]:
    text = content.decode(errors="replace")
    ring = [_parsed(path, block) for block in text.replace("\r\n", "\n").split(END) if block.strip()]
    if not ring or any(one.until is None for one in ring[:-1]) or ring[-1].until is not None:
        raise Broken(f"{path} is not a PEM private key, or a list of them with `{UNTIL}` above each older one")
    return ring


def _parsed(path: Path, block: str) -> RingKey:
    notes, begin, pem = block.rpartition(BEGIN)
    try:
        key = load_pem_private_key((begin + pem + END).encode(), password=None)
        said = [line.removeprefix(UNTIL).strip() for line in notes.splitlines() if line.startswith(UNTIL)]
        until = datetime.fromisoformat(said[0]) if said else None
    except ValueError as error:
        raise Broken(f"{path} is not a PEM private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Broken(f"{path} is not an Ed25519 key")
    if until is not None and until.tzinfo is None:
        raise Broken(f"{path}: `{UNTIL}` needs a time with an offset")
    return RingKey(key, until)


def _written(ring: Sequence[RingKey]) -> bytes:
    blocks = []
    for one in ring:
        if one.until is not None:
            blocks.append(f"{UNTIL} {format_time(one.until)}\n".encode())
        blocks.append(one.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return b"".join(blocks)

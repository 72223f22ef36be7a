"""The ledger's private keys, all in one file that only we may read: blocks in PEM, oldest first.

The last block is the key that signs from now on. Those before it are on their way out: the line `signs-until:` above
such a block says how long it signs too, so that nobody is surprised by the new one.
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
from shared.secret_file import kept_secret, replace_secret

KEY_FILE = "ledger-key.pem"
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
        """32 bytes."""
        return self.key.public_key().public_bytes_raw()

    def signs(self, now: datetime) -> bool:
        """Whether it still signs."""
        return self.until is None or now < self.until


def read_ring(path: Path) -> list[RingKey]:
    """Every key of the file, made when there is none. Raises `Broken` when others may read it or it holds no keys."""
    text = kept_secret(path, lambda: _written([RingKey(Ed25519PrivateKey.generate())])).decode(errors="replace")
    ring = [_parsed(path, block) for block in text.replace("\r\n", "\n").split(END) if block.strip()]
    if not ring or any(one.until is None for one in ring[:-1]) or ring[-1].until is not None:
        raise Broken(f"{path} is no private key in PEM, or not one after the other with `{UNTIL}` above the older ones")
    return ring


def rotate(folder: Path, overlap: timedelta, now: datetime) -> tuple[bytes, bytes]:
    """Make a new key that signs at once; the one before it signs too for `overlap`. Their public keys, old and new.

    A key whose time is over leaves the file: nobody can sign with it any more. Its public half stays in the ledger.
    Raises `Conflict` when there is no key yet, or while an earlier rotation is under way.
    """
    path = folder / KEY_FILE
    if not path.exists():
        raise Conflict(f"there is no {path}: rotate where the sequencer keeps its key")
    ring = read_ring(path)
    last = max((one.until for one in ring if one.until), default=now)
    if last > now:
        raise Conflict(f"a rotation is under way: the key before this one signs until {format_time(last)}")
    old, new = ring[-1], RingKey(Ed25519PrivateKey.generate())
    replace_secret(path, _written([replace(old, until=(now + overlap).astimezone(UTC)), new]))
    return old.public_key, new.public_key


def _parsed(path: Path, block: str) -> RingKey:
    notes, begin, pem = block.rpartition(BEGIN)
    try:
        key = load_pem_private_key((begin + pem + END).encode(), password=None)
        said = [line.removeprefix(UNTIL).strip() for line in notes.splitlines() if line.startswith(UNTIL)]
        until = datetime.fromisoformat(said[0]) if said else None
    except ValueError as error:
        raise Broken(f"{path} is no private key in PEM") from error
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

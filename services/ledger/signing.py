"""Signing: C2SP signed notes (checkpoints, head statements, endorsements of new keys) with the ledger's keys."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.ledger.keyring import KEY_FILE, RingKey, read_ring
from services.ledger.memory import MEMORY_FILE, Memory
from services.ledger.second import SecondSigner
from shared.checkpoint import NoteKey, checkpoint_text, signature_line


class Signer:
    """Holds the private keys, the log's name, and what was signed last. Follows the key file: no restart to rotate."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self.name = name
        self.memory = Memory(name)
        self.second: SecondSigner | None = None
        self._ring = [RingKey(key)]
        self._path: Path | None = None
        self._read_from: tuple[int, int] | None = None

    @classmethod
    def of_folder(cls, folder: Path, name: str) -> "Signer":
        """The keys in `folder`, made when there are none. Raises `Broken` when others may read them."""
        path = folder / KEY_FILE
        signer = cls(name, read_ring(path)[-1].key)
        signer._path = path
        signer.memory = Memory(name, folder / MEMORY_FILE)
        return signer

    @property
    def public_key(self) -> bytes:
        """Of the newest key."""
        return self.ring()[-1].public_key

    @property
    def key_id(self) -> bytes:
        """Of the newest key, see `NoteKey.key_id`."""
        return NoteKey(self.name, self.public_key).key_id

    def ring(self) -> Sequence[RingKey]:
        """Every key in the file, oldest first. Raises `Broken` when the file has gone bad."""
        if self._path is not None:
            at = self._path.stat()
            if (at.st_ino, at.st_mtime_ns) != self._read_from:
                self._ring = read_ring(self._path)
                self._read_from = (at.st_ino, at.st_mtime_ns)
        return self._ring

    def note_key(self, one: RingKey) -> NoteKey:
        """The public half, under the log's name."""
        return NoteKey(self.name, one.public_key)

    def checkpoint(self, size: int, root: bytes) -> str:
        """The signed note over size and root. Raises `Unavailable` when the second signature cannot be had."""
        text = checkpoint_text(self.name, size, root)
        note = self.note(text)
        if self.second is None:
            return note
        return note + signature_line(self.name, self.second.key.key_id, self.second.sign(text.encode()))

    def batch_checkpoint(self, size: int, root: bytes) -> str:
        """The same for what is recorded between two heads: not signed a second time, which costs too much for each."""
        return self.note(checkpoint_text(self.name, size, root))

    def note(self, text: str) -> str:
        """A note of `text` (which ends in a newline), signed by every key that still signs."""
        now = datetime.now(UTC)
        return f"{text}\n" + "".join(self.signature(one, text) for one in self.ring() if one.signs(now))

    def signature(self, one: RingKey, text: str) -> str:
        """The signature line of one key."""
        return signature_line(self.name, self.note_key(one).key_id, one.key.sign(text.encode()))

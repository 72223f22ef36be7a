"""C2SP signed notes (checkpoints, head statements, endorsements of new keys), signed with the ledger's keys."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.ledger.signing.keyring import KEY_FILE
from services.ledger.signing.signed_head_store import MEMORY_FILE, SignedHeadStore
from services.ledger.signing.sm2_signature import SecondSigner
from shared.signing.ring import KeyRing, RingKey, read_ring
from shared.transparency.checkpoint import NoteKey, checkpoint_text, signature_line


class Signer:
    """The private keys, the log's name, and the store of signed heads.

    Rereads the key file: rotation needs no restart.
    """

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self.name = name
        self.memory = SignedHeadStore(name)
        self.second: SecondSigner | None = None
        self._only = [RingKey(key)]
        self._file: KeyRing | None = None

    @classmethod
    def of_folder(cls, folder: Path, name: str) -> "Signer":
        """Load the keys in `folder`, creating one if there is none. Raises `Broken` when others may read the file."""
        path = folder / KEY_FILE
        signer = cls(name, read_ring(path)[-1].key)
        signer._file = KeyRing(path)
        signer.memory = SignedHeadStore(name, folder / MEMORY_FILE)
        return signer

    @property
    def public_key(self) -> bytes:
        """The public half of the newest key."""
        return self.ring()[-1].public_key

    @property
    def key_id(self) -> bytes:
        """The id of the newest key, see `NoteKey.key_id`."""
        return NoteKey(self.name, self.public_key).key_id

    def ring(self) -> Sequence[RingKey]:
        """Return every key in the file, oldest first. Raises `Broken` when the file has become invalid."""
        return self._only if self._file is None else self._file.keys()

    def note_key(self, one: RingKey) -> NoteKey:
        """Return the public half of a key, under the log's name."""
        return NoteKey(self.name, one.public_key)

    def checkpoint(self, size: int, root: bytes) -> str:
        """Return the signed note of size and root. Raises `Unavailable` when the second signature cannot be made."""
        text = checkpoint_text(self.name, size, root)
        note = self.note(text)
        if self.second is None:
            return note
        return note + signature_line(self.name, self.second.key.key_id, self.second.sign(text.encode()))

    def batch_checkpoint(self, size: int, root: bytes) -> str:
        """Return the note for a batch recorded between two heads.

        It has no second signature: one a batch costs too much.
        """
        return self.note(checkpoint_text(self.name, size, root))

    def note(self, text: str) -> str:
        """Return the note of `text` (which ends in a newline), signed by every key that still signs."""
        now = datetime.now(UTC)
        return f"{text}\n" + "".join(self.signature(one, text) for one in self.ring() if one.signs(now))

    def signature(self, one: RingKey, text: str) -> str:
        """Return the signature line of one key."""
        return signature_line(self.name, self.note_key(one).key_id, one.key.sign(text.encode()))

"""A `ReleaseSigner` with keys in memory, for tests that need a certain key or a forger's."""

from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.signing.offer import OfferedKey, offered
from shared.signing.ring import RingKey
from shared.transparency.checkpoint import NoteKey, signature_line


class Ed25519ReleaseSigner:
    """Signs as `<origin>/<source>` with each of the keys."""

    def __init__(self, name: str, keys: Sequence[Ed25519PrivateKey]) -> None:
        self._name = name
        self._ring = [RingKey(key) for key in keys]

    def sign(self, text: str) -> str:
        """See `ReleaseSigner`."""
        names = [NoteKey(self._name, one.public_key) for one in self._ring]
        signed = zip(names, self._ring, strict=True)
        return "".join(signature_line(name.name, name.key_id, one.key.sign(text.encode())) for name, one in signed)

    def offer(self) -> Sequence[OfferedKey]:
        """See `ReleaseSigner`."""
        return offered(self._name, self._ring, datetime.now(UTC))

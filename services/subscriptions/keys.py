"""Every secret of subscriptions follows from one key of 32 bytes: nothing secret is in the store or in a backup.

HKDF-SHA256 over the key, with a purpose as `info`: of a webhook its id and the generation, of cursors a fixed word.
"""

import secrets
from base64 import b64encode
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.errors import Broken
from shared.security.secret_files import kept_secret
from shared.webhooks.signatures import SigningKeys

KEY_BYTES = 32


class MasterKey:
    """The key of this process. `make` creates its file; `Broken` is raised for a file that holds something else."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content = b""

    def make(self) -> None:
        """Read the file, or create it. Raises `Broken`, also when others may read it."""
        text = kept_secret(self._path, lambda: secrets.token_hex(KEY_BYTES).encode()).strip()
        try:
            self._content = bytes.fromhex(text.decode("ascii"))
        except ValueError:
            self._content = b""
        if len(self._content) != KEY_BYTES:
            raise Broken(f"{self._path}: must hold {2 * KEY_BYTES} hexadecimal digits")

    def derived(self, purpose: str) -> bytes:
        """Return the 32 bytes of a purpose."""
        if not self._content:
            self.make()
        return _derived(self._content, purpose)

    def signing(self, subscription: str, generation: int) -> SigningKeys:
        """Return the secrets of one generation of a webhook."""
        name = f"{subscription}.{generation}"
        private = Ed25519PrivateKey.from_private_bytes(self.derived(f"v1a.{name}"))
        return SigningKeys(self.derived(f"v1.{name}"), private)

    def cursor_key(self) -> bytes:
        """Return the key that authenticates cursors."""
        return self.derived("cursor")


@lru_cache(4096)
def _derived(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, None, f"tongyuan-subscriptions/1 {purpose}".encode()).derive(key)


def shown_secret(keys: SigningKeys) -> str:
    """Return the HMAC secret as Standard Webhooks writes it."""
    return f"whsec_{b64encode(keys.secret).decode()}"

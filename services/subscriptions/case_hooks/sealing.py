"""Secrets of hooks at rest: sealed with a key that follows from the process's, and known again by their hash.

A secret signs calls, so a hash of it would not do for that. Who asks with a secret is compared with the hash, so that
the secret itself can be deleted when the hook ends.
"""

import hashlib
import os
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag

from services.subscriptions.keys import MasterKey
from shared.errors import Broken
from shared.security.vault import NONCE_BYTES, SealedField, VaultKey

PREFIX = "whsec_"
PURPOSE = "case-hooks"


class HookSeals:
    """Seals and opens the secrets of hooks. A sealed secret is bound to its hook."""

    def __init__(self, key: MasterKey) -> None:
        self._master = key

    def seal(self, hook: str, secret: str) -> str:
        """Return the secret, sealed."""
        key, nonce = self._key(), os.urandom(NONCE_BYTES)
        sealed = nonce + key.cipher.encrypt(nonce, secret.encode(), _place(hook).associated)
        return key.prefix + urlsafe_b64encode(sealed).decode()

    def signing_key(self, hook: str, sealed: str) -> bytes:
        """Return the bytes that sign a hook's calls. Raises `Broken` for what another key has sealed."""
        key = self._key()
        if not sealed.startswith(key.prefix):
            raise Broken("the county's webhook key has changed since; the app must subscribe anew")
        try:
            data = urlsafe_b64decode(sealed.removeprefix(key.prefix))
            secret = key.cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], _place(hook).associated).decode()
            return b64decode(secret.removeprefix(PREFIX))
        except (InvalidTag, ValueError):
            raise Broken("the sealed secret was altered; the app must subscribe anew") from None

    def _key(self) -> VaultKey:
        return VaultKey(self._master.derived(PURPOSE))


def secret_hash(secret: str) -> str:
    """Return the hash by which a secret is known. 192 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _place(hook: str) -> SealedField:
    return SealedField("case_hook", "secret", (hook,))

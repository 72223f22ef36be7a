"""Values sealed at rest: AES-256-GCM with keys that are stored outside the database.

A sealed value is text, `1.<key id>.<base64url of nonce, ciphertext and tag>`. Table, column and the row's key are its
associated data, so it cannot be moved to another row. The key's id is in the value, so keys can change while old values
are still read. Two keys are derived from each key of the file (HKDF-SHA256): one seals, the other makes names by which
a value can be found again (HMAC-SHA256).
"""

import hmac
import os
import secrets
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.errors import Broken, Unavailable
from shared.security.secret_files import kept_secret, read_secret, replace_secret

KEY_BYTES = 32
NONCE_BYTES = 12
FORMAT = "1."
PREFIX_CHARACTERS = len(FORMAT) + 9
"""Length of a sealed value's prefix: format, key id and the dot after it."""


class UnknownKey(Unavailable):
    """A value's key is not in the file: add it, then try again. The value itself is intact."""


class Tampered(Broken):
    """A sealed value does not open in its place: it was altered, or belongs to another row."""


@dataclass(frozen=True)
class SealedField:
    """The place of a sealed value; `row` is the row's primary key."""

    table: str
    column: str
    row: tuple[str, ...]

    @property
    def associated(self) -> bytes:
        """The associated data that bind the value to its place."""
        return orjson.dumps([FORMAT, self.table, self.column, *self.row])


@dataclass(frozen=True)
class VaultKey:
    """One key of the file. Its repr shows only the id."""

    secret: bytes = field(repr=False)

    @cached_property
    def key_id(self) -> str:
        """8 hex digits derived from the key that reveal nothing about it."""
        return sha256(b"tongyuan key id\0" + self.secret).hexdigest()[:8]

    @cached_property
    def prefix(self) -> str:
        """The prefix of each value that it sealed."""
        return f"{FORMAT}{self.key_id}."

    @cached_property
    def cipher(self) -> AESGCM:
        return AESGCM(self._derived(b"tongyuan seal"))

    @cached_property
    def naming(self) -> bytes:
        return self._derived(b"tongyuan name")

    def _derived(self, purpose: bytes) -> bytes:
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose).derive(self.secret)


class Vault:
    """Seals and opens values. The file is read again when it changes, so a new key needs no restart. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: tuple[tuple[int, int, int], Sequence[VaultKey]] | None = None

    def ring(self) -> Sequence[VaultKey]:
        """Return the keys, newest first.

        Raises `Unavailable` without a file, `Broken` if others may read it or it has no key.
        """
        try:
            found = self.path.stat()
            stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
            if self._read is None or self._read[0] != stamp:
                self._read = (stamp, _parsed(self.path, read_secret(self.path)))
        except OSError as error:
            raise Unavailable(f"key file {self.path}: {error.strerror}") from error
        return self._read[1]

    def seal(self, text: str, place: SealedField) -> str:
        """Return the text, sealed for this place with the newest key."""
        key, nonce = self.ring()[0], os.urandom(NONCE_BYTES)
        sealed = nonce + key.cipher.encrypt(nonce, text.encode(), place.associated)
        return key.prefix + urlsafe_b64encode(sealed).decode()

    def open(self, sealed: str, place: SealedField) -> str:
        """Return the text. Raises `UnknownKey`, `Tampered`; both name table, column and row, and no content."""
        prefix = sealed[:PREFIX_CHARACTERS]
        if not is_sealed(prefix):
            raise Tampered(f"{self.described(place)} is not sealed")
        key = next((key for key in self.ring() if key.prefix == prefix), None)
        if key is None:
            raise UnknownKey(
                f"{self.described(place)} is sealed with key {prefix[2:-1]}, which {self.path} does not hold"
            )
        try:
            data = _decoded(sealed[PREFIX_CHARACTERS:])
            return key.cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], place.associated).decode()
        except (InvalidTag, ValueError):
            raise Tampered(f"{self.described(place)} was altered, or belongs to another row") from None

    def is_current(self, sealed: str) -> bool:
        """Whether the newest key sealed it."""
        return sealed.startswith(self.ring()[0].prefix)

    def names(self, text: str) -> list[str]:
        """Return 64 hex digits by which the text is found again without being stored: one per key, newest first.

        A name begins with its key's id.
        """
        return [key.key_id + hmac.new(key.naming, text.encode(), sha256).hexdigest()[:56] for key in self.ring()]

    def described(self, place: SealedField) -> str:
        """Return a place for errors and logs; the row's name can be computed only with the key."""
        return f"{place.table}.{place.column} of row {self.row_name(place)}"

    def row_name(self, place: SealedField) -> str:
        """Return 12 hex digits for a row."""
        return self.names(orjson.dumps([place.table, *place.row]).decode())[0][8:20]


def is_sealed(value: str) -> bool:
    """Whether a value, or its first characters, has the form of a sealed one."""
    return value.startswith(FORMAT) and value[PREFIX_CHARACTERS - 1 : PREFIX_CHARACTERS] == "."


def make_keys(path: Path) -> None:
    """Make the file with a first key, unless it exists."""
    kept_secret(path, lambda: _written([_new()]))


def add_key(path: Path) -> VaultKey:
    """Put a new key in front of those in the file."""
    new = _new()
    replace_secret(path, _written([new, *Vault(path).ring()]))
    return new


def retire_keys(path: Path) -> Sequence[VaultKey]:
    """Move all keys but the newest to a file next to it whose name ends in `.retired`. Return the moved keys.

    Old backups may need them. They are written there first: if we die in between, the keys are in both files.
    """
    newest, *old = Vault(path).ring()
    aside = path.with_name(f"{path.name}.retired")
    kept = list(Vault(aside).ring()) if aside.exists() else []
    replace_secret(aside, _written([*(key for key in old if key not in kept), *kept]))
    replace_secret(path, _written([newest]))
    return old


def _new() -> VaultKey:
    return VaultKey(secrets.token_bytes(KEY_BYTES))


def _written(keys: Iterable[VaultKey]) -> bytes:
    return "".join(f"{key.key_id} {b64encode(key.secret).decode()}\n" for key in keys).encode()


def _parsed(path: Path, content: bytes) -> Sequence[VaultKey]:
    keys = [_key(path, number, line) for number, line in enumerate(content.splitlines(), start=1) if line.strip()]
    if not keys:
        raise Broken(f"{path} contains no key")
    return keys


def _key(path: Path, number: int, line: bytes) -> VaultKey:
    """Parse `<key id> <base64 of 32 bytes>`. Raises `Broken` naming file and line, never the content."""
    words = line.decode(errors="replace").split()
    try:
        secret = b64decode(words[-1], validate=True)
    except ValueError:
        secret = b""
    key = VaultKey(secret)
    if len(words) != 2 or len(secret) != KEY_BYTES or words[0] != key.key_id:
        raise Broken(f"{path}, line {number}: must be a key id and a key, as written by `tongyuan personal`")
    return key


def _decoded(text: str) -> bytes:
    """Decode strictly.

    Raises `ValueError` for another spelling of the same bytes: the last character has unused bits.
    """
    data = urlsafe_b64decode(text)
    if urlsafe_b64encode(data).decode() != text:
        raise ValueError("not in canonical form")
    return data

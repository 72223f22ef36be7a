"""The first lines of a backup's file, which can be read with `head -9`, and their signature.

    tongyuan-backup/2
    region 339921000000
    origin tongyuan/339921000000
    made_at 2026-03-01T02:00:00.000000Z
    payload gzip
    size 00000000000000123456
    sha256 (64 hex digits, of the bytes that follow the empty line)
    key tongyuan/339921000000/backup+6e3f2a10+AZ…
    signature (128 hex digits: Ed25519 of all lines above)

Every value has exactly one spelling, so no byte of the file can be changed unnoticed. The header's length does not
depend on the payload: it is written first with zeros, and again when the payload has been written.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.operations.archive.contents import BadArchive
from shared.errors import Broken
from shared.transparency.checkpoint import NoteKey

MAGIC = b"tongyuan-backup/"
LONGEST = 4096
Payload = Literal["gzip", "age"]
LINES = re.compile(
    r"tongyuan-backup/2\n"
    r"region (?P<region>[0-9]{12})\n"
    r"origin (?P<origin>[^\s]{1,200})\n"
    r"made_at (?P<made_at>[0-9T:.Z-]{20,30})\n"
    r"payload (?P<payload>[a-z]{1,9})\n"
    r"size (?P<size>[0-9]{20})\n"
    r"sha256 (?P<sha256>[0-9a-f]{64})\n"
    r"key (?P<key>[^\s]{1,400})\n"
    r"signature (?P<signature>[0-9a-f]{128})\n\n"
)


@dataclass(frozen=True, slots=True)
class Header:
    """The header's values. `size` in bytes and `sha256` are of everything that follows the header."""

    region: str
    origin: str
    made_at: str
    payload: Payload
    key: NoteKey
    size: int = 0
    sha256: str = "0" * 64
    signature: str = "0" * 128

    def signed(self, key: Ed25519PrivateKey, size: int, sha256: str) -> "Header":
        """Return the signed header of a payload whose size and digest are now known."""
        known = replace(self, size=size, sha256=sha256)
        return replace(known, signature=key.sign(known.text().encode()).hex())

    def text(self) -> str:
        """Return the lines that are signed."""
        return (
            f"tongyuan-backup/2\nregion {self.region}\norigin {self.origin}\nmade_at {self.made_at}\n"
            f"payload {self.payload}\nsize {self.size:020d}\nsha256 {self.sha256}\nkey {self.key.vkey}\n"
        )

    def encoded(self) -> bytes:
        """Return the lines with the signature and the empty line after them."""
        return f"{self.text()}signature {self.signature}\n\n".encode()

    def require_signature(self) -> None:
        """Raise `BadArchive` unless the key that the header names has signed it."""
        if not self.key.verifies(bytes.fromhex(self.signature), self.text()):
            raise BadArchive("its signature is not by the key that it names: it was changed after it was made")

    @classmethod
    def read(cls, beginning: bytes) -> "Header":
        """Parse the header at the beginning of a file, without checking its signature. Raises `BadArchive`."""
        lines, separator, _ = beginning[:LONGEST].partition(b"\n\n")
        try:
            found = LINES.fullmatch((lines + separator).decode())
            key = NoteKey.of_vkey(found["key"]) if found else None
        except (UnicodeDecodeError, Broken) as error:
            raise BadArchive(f"its header cannot be read: {error}") from None
        if found is None or key is None or found["payload"] not in get_args(Payload):
            raise BadArchive("its header is from another version of the program, or incomplete")
        payload: Payload = "age" if found["payload"] == "age" else "gzip"
        sizes = int(found["size"]), found["sha256"], found["signature"]
        return cls(found["region"], found["origin"], found["made_at"], payload, key, *sizes)

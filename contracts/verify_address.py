"""The address that printed guides and screens carry as a QR code: is this copy real, and does it still hold?

`/V/G/<code>/<version>/<DIGEST>` holds only what a QR code packs densest (capitals, digits, `/`): 33 by 33 squares and
not 37. It names key and version, and 64 bits of the digest: a copy with other content is told from the released one.
"""

from urllib.parse import quote

LETTERS = {"item": "I", "guide": "G"}
KINDS = {letter: kind for kind, letter in LETTERS.items()}
PREFIX = 16
"""Hexadecimal digits of the digest, as pages print them too."""


def printed_address(key: str, version: int, digest: str) -> str:
    """Path of one version's verify page below the county's address. Raises `KeyError` for a case: it has none."""
    kind, _, code = key.partition(":")
    return f"/V/{LETTERS[kind]}/{quote(code, safe='')}/{version}/{digest[:PREFIX].upper()}"


def page_address(kind: str, code: str, version: int | None = None, digest: str = "") -> str:
    """The same for people: `/verify/guide/<code>/<version>/<digest>`; without a version, the newest."""
    parts = [
        kind,
        quote(code, safe=""),
        *([str(version)] if version is not None else []),
        *([digest.lower()] if digest else []),
    ]
    return "/verify/" + "/".join(parts)

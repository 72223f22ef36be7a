"""The address in the QR code of printed guides and screens: it verifies that a copy is authentic and still in force.

`/V/G/<code>/<version>/<DIGEST>` uses only characters that a QR code packs most densely (capitals, digits, `/`): 33 by
33 modules instead of 37. It has key, version and 64 bits of the digest, which detect a copy with other content.
"""

from urllib.parse import quote

LETTERS = {"item": "I", "guide": "G"}
KINDS = {letter: kind for kind, letter in LETTERS.items()}
PREFIX = 16
"""Hexadecimal digits of the digest; pages print as many."""


def printed_address(key: str, version: int, digest: str) -> str:
    """Return the path of one version's verify page below the county's address.

    Raises `KeyError` for a case: it has none.
    """
    kind, _, code = key.partition(":")
    return f"/V/{LETTERS[kind]}/{quote(code, safe='')}/{version}/{digest[:PREFIX].upper()}"


def page_address(kind: str, code: str, version: int | None = None, digest: str = "") -> str:
    """Return the readable path: `/verify/guide/<code>/<version>/<digest>`; without a version, the newest."""
    parts = [
        kind,
        quote(code, safe=""),
        *([str(version)] if version is not None else []),
        *([digest.lower()] if digest else []),
    ]
    return "/verify/" + "/".join(parts)

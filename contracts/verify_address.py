"""The address in the QR code of printed guides and screens: it verifies that a copy is authentic and still in force.

`/V/G/<code>/<version>/<DIGEST>` uses only characters that a QR code packs most densely (capitals, digits, `/`): 33 by
33 modules instead of 37. It has key, version and 64 bits of the digest, which detect a copy with other content.
"""

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote

LETTERS = {"item": "I", "guide": "G"}
KINDS = {letter: kind for kind, letter in LETTERS.items()}
PREFIX = 16
"""Hexadecimal digits of the digest; pages print as many."""

_CODE = re.compile(r"[0-9A-Z]{31}|[0-9A-Z]{33}")
_VERSION = re.compile(r"0*[1-9][0-9]{0,8}")
_DIGEST = re.compile(rf"[0-9A-F]{{{PREFIX},64}}")


@dataclass(frozen=True, slots=True)
class CopyAddress:
    """The copy that an address names. `version` None: the version in force; `digest`: its first hexadecimal digits."""

    kind: str
    code: str
    version: int | None = None
    digest: str = ""


def typed_address(kind: str, code: str, rest: str = "") -> CopyAddress | None:
    """Read an address as people type it: in any case, in full-width characters, with blanks or a slash too many.

    `kind`: the word or its letter; `rest`: what follows the code. None: no county prints such an address.
    """
    word = _plain(kind)
    named = KINDS.get(word, word.lower())
    typed = _plain(code)
    parts = [part for part in _plain(rest).split("/") if part]
    fits = (
        named in LETTERS
        and _CODE.fullmatch(typed)
        and len(parts) <= 2
        and all(pattern.fullmatch(part) for pattern, part in zip((_VERSION, _DIGEST), parts, strict=False))
    )
    if not fits:
        return None
    return CopyAddress(named, typed, int(parts[0]) if parts else None, parts[1].lower() if len(parts) == 2 else "")


def _plain(text: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).upper()


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

"""PDF: refused when it could do anything but be read and printed, and when that cannot be told.

What acts has a name that the standard fixes (ISO 32000-1, 12.6.4 and 7.11.4): it is looked for in the file, in every
stream that unpacks, and in names written with `#xx`. What hides names (encryption, object streams packed in another
way) is refused, because it cannot be read here and can be read by a viewer.
"""

import re
import zlib
from collections.abc import Iterator
from contextlib import suppress

from services.guides.files.refusal import ACTIVE, DAMAGED, LOCKED, refused

MOST_UNPACKED = 64 * 1024 * 1024
"""Bytes of all streams together."""

END = re.compile(rb"startxref\s+[0-9]+\s+%%EOF$")
"""Where the table of objects is, and nothing else: a page that follows the end may end with the same word."""

_BLANK = b" \t\r\n\x00\x0c"
_ACTIVE = re.compile(
    rb"/(JavaScript|Launch|RichMedia|Rendition|EmbeddedFiles?|SubmitForm|ImportData|GoToE|XFA)(?![^\s()<>\[\]{}/%\x00])"
)
_ENCRYPTED = re.compile(rb"/Encrypt(?![^\s()<>\[\]{}/%\x00])")
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_STREAM = re.compile(rb"stream\r?\n")
_OBJECT_STREAM = re.compile(rb"/ObjStm(?![^\s()<>\[\]{}/%\x00])")
_PACKED_OTHERWISE = re.compile(
    rb"/(LZWDecode|LZW|ASCIIHexDecode|AHx|ASCII85Decode|A85|RunLengthDecode|RL|Crypt|Predictor)(?![A-Za-z])"
    rb"|/(Filter|F)\s*[0-9]"
)
LONGEST_DICTIONARY = 4096
LONGEST_END = 200
_PIECE = 4096


def require_harmless(content: bytes) -> None:
    """Raises `Invalid` for a PDF that acts, is encrypted, is not whole, or hides its objects."""
    if not END.search(content.rstrip(_BLANK)[-LONGEST_END:]):
        raise refused(DAMAGED, "the PDF does not end as one: export it again")
    names = _plain(content)
    if _ENCRYPTED.search(names):
        raise refused(LOCKED, "the PDF is encrypted or restricted: export it again without a password")
    _require_passive(names)
    unpacked = 0
    for dictionary, data in _streams(content):
        if _OBJECT_STREAM.search(dictionary) and _PACKED_OTHERWISE.search(dictionary):
            raise refused(ACTIVE, "the PDF packs its objects in a way that is not read here: print it to a new PDF")
        inner = _unpacked(data, MOST_UNPACKED - unpacked)
        unpacked += len(inner)
        if unpacked > MOST_UNPACKED:
            raise refused(DAMAGED, f"the PDF unpacks to more than {MOST_UNPACKED:,} bytes: print it to a new PDF")
        _require_passive(_plain(inner))


def _require_passive(names: bytes) -> None:
    if found := _ACTIVE.search(names):
        name = found[1].decode()
        raise refused(ACTIVE, f"the PDF holds active content ({name}): print it to a new PDF, which holds none")


def _plain(content: bytes) -> bytes:
    """Return the bytes with the escapes of names undone: `/J#61vaScript` is `/JavaScript` for a viewer."""
    return _ESCAPE.sub(lambda found: bytes((int(found[1], 16),)), content)


def _streams(content: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the dictionary before each stream, names plain, and everything behind the word `stream`."""
    view = memoryview(content)
    for found in _STREAM.finditer(content):
        before = content[max(0, found.start() - LONGEST_DICTIONARY) : found.start()]
        if content[found.start() - 3 : found.start()] != b"end":
            yield _plain(before[before.rfind(b" obj") + 1 :]), view[found.end() :]


def _unpacked(data: memoryview, most: int) -> bytes:
    """Return what zlib makes of the beginning of `data`, as far as it goes, at most `most` bytes.

    A viewer shows what a damaged stream holds before the damage, so that is looked at too.
    """
    reader, made = zlib.decompressobj(), bytearray()
    for start in range(0, len(data), _PIECE):
        piece, before = data[start : start + _PIECE], reader.copy()
        try:
            made += reader.decompress(piece, most - len(made) + 1)
        except zlib.error:
            with suppress(zlib.error):
                for place in range(len(piece)):
                    made += before.decompress(piece[place : place + 1])
            break
        if reader.eof or len(made) > most:
            break
    return bytes(made)

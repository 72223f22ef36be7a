"""Content encodings of answers: zstd and gzip, whichever the reader takes; small or packed bodies stay as they are."""

import gzip

import zstandard

SMALLEST = 860
"""Bytes below which packing gains nothing on a network."""

GZIP_LEVEL = 6
ZSTD_LEVEL = 9
TEXTS = (b"text/", b"application/json", b"application/problem+json", b"application/xml", b"application/atom+xml",
         b"image/svg+xml", b"application/manifest+json")  # fmt: skip


def wanted(accepted: bytes, body: bytes, content_type: bytes) -> str:
    """The best of what the reader accepts (`Accept-Encoding`), or "" for the body as it is."""
    if len(body) < SMALLEST or not accepted or not content_type.startswith(TEXTS):
        return ""
    names = {part.partition(b";")[0].strip() for part in accepted.lower().split(b",") if b"q=0" not in _weight(part)}
    return "zstd" if b"zstd" in names else "gzip" if b"gzip" in names else ""


def encode(encoding: str, body: bytes) -> bytes:
    """`body` in an encoding that `wanted` named."""
    if encoding == "zstd":
        return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(body)
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


def _weight(part: bytes) -> bytes:
    """`q=0` of a part that refuses; `q=0.5` does not."""
    weight = part.partition(b";")[2].replace(b" ", b"")
    return b"q=0" if weight in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000") else b""

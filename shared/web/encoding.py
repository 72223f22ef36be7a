"""Content encodings of responses: zstd or gzip, as the client accepts; small or packed bodies are not encoded."""

import gzip

import zstandard

SMALLEST = 860
"""Bytes below which compression gains nothing on a network."""

GZIP_LEVEL = 6
ZSTD_LEVEL = 9
TEXTS = (b"text/", b"application/json", b"application/problem+json", b"application/xml", b"application/atom+xml",
         b"image/svg+xml", b"application/manifest+json")  # fmt: skip


def wanted(accepted: bytes, body: bytes, content_type: bytes) -> str:
    """Return the best encoding that the client accepts (`Accept-Encoding`), or "" for none."""
    if len(body) < SMALLEST or not accepted or not content_type.startswith(TEXTS):
        return ""
    names = {part.partition(b";")[0].strip() for part in accepted.lower().split(b",") if b"q=0" not in _weight(part)}
    return "zstd" if b"zstd" in names else "gzip" if b"gzip" in names else ""


def encode(encoding: str, body: bytes) -> bytes:
    """Compress `body` with an encoding returned by `wanted`."""
    if encoding == "zstd":
        return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(body)
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


def _weight(part: bytes) -> bytes:
    """Return `q=0` if this part refuses its encoding; `q=0.5` does not."""
    weight = part.partition(b";")[2].replace(b" ", b"")
    return b"q=0" if weight in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000") else b""

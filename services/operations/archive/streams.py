"""Files that count the bytes that pass through them."""

import hashlib
from typing import IO

from services.operations.archive.contents import BadArchive


class Measured:
    """A file that knows length (bytes) and SHA-256 of everything read from it or written to it so far."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size, self.sha256 = 0, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """See `io.RawIOBase`."""
        return self._seen(self._file.read(size))

    def write(self, content: bytes) -> int:
        """See `io.RawIOBase`."""
        self._file.write(content)
        return len(self._seen(content))

    def flush(self) -> None:
        """See `io.RawIOBase`."""
        self._file.flush()

    def _seen(self, content: bytes) -> bytes:
        self.size += len(content)
        self.sha256.update(content)
        return content


class Bounded:
    """A stream that returns no more than was allowed: a small file can unpack to more than a disk holds."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file, self._left = file, most

    def allow(self, more: int) -> None:
        """Allow this many more bytes."""
        self._left += more

    def read(self, size: int = -1) -> bytes:
        """See `io.RawIOBase`. Raises `BadArchive` beyond the allowed number of bytes."""
        content = self._file.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        self._left -= len(content)
        if self._left < 0:
            raise BadArchive("unpacks to more bytes than its manifest says")
        return content

"""The files of guides as channels read them, with a line that a test may cut and bytes that it may replace."""

import threading

from services.runtime.local_readers import LocalFiles
from shared.errors import UpstreamDown


class FileSource:
    """Wraps a reader. `down`: guides does not answer. `replaced`: bytes sent in the place of the right ones.

    `reads`: every file that was asked for. `gate`: held shut, a read waits for it.
    """

    def __init__(self, reader: LocalFiles) -> None:
        self._reader = reader
        self.down = False
        self.replaced: dict[str, bytes] = {}
        self.reads: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def content(self, sha256: str) -> bytes:
        """See `services.channels.files.upstream.FileReader`."""
        self.reads.append(sha256)
        self.gate.wait(30)
        if self.down:
            raise UpstreamDown("guides: connection refused")
        return self.replaced.get(sha256) or self._reader.content(sha256)

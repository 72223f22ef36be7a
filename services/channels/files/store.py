"""The files in a channel's store: fetched once from guides, checked against the SHA-256 that the ledger signed.

No byte is served whose hash is not the one in the signed body: neither what guides sends nor what this store holds is
believed. With its own copy a channel hands out forms while guides is down.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sqlmodel import col, delete, func, select

from services.channels.core.model import FileRow
from services.channels.files.named import NamedFile
from services.channels.files.statements import KEEP_FILE
from services.channels.files.upstream import FileReader
from shared import log
from shared.database.engine import Database
from shared.errors import NotFound, Unavailable, UpstreamDown

MOST_BYTES = 4 * 1024**3
"""All files together; the source holds no more."""

REST_SECONDS = 10.0
"""After guides did not answer, nobody waits for it during this time."""

_log = log.get("files")


class FileStore:
    """Thread-safe. However many ask for a file at once, it is fetched once."""

    def __init__(
        self,
        db: Database,
        reader: FileReader,
        most_bytes: int = MOST_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db, self._reader, self._most_bytes, self._clock = db, reader, most_bytes, clock
        self._lock = threading.Lock()
        self._turns: dict[str, tuple[threading.Lock, int]] = {}
        self._rests_until = 0.0

    def content(self, file: NamedFile) -> bytes:
        """Return the bytes of a file that a shown guide names.

        Raises `Unavailable` while guides does not answer, has it no more, or sends other bytes.
        """
        found = self._stored(file)
        if found is not None:
            return found
        with self._turn(file.sha256):
            found = self._stored(file)
            return self._fetched(file) if found is None else found

    def missing(self, wanted: Sequence[str]) -> list[str]:
        """Return which of these files the store does not hold, in their order."""
        with self._db.read() as session:
            held = set(session.exec(select(FileRow.sha256)).all())
        return [one for one in wanted if one not in held]

    def forget_others(self, wanted: set[str]) -> int:
        """Remove every file that is not wanted; return how many."""
        with self._db.read() as session:
            others = sorted(set(session.exec(select(FileRow.sha256)).all()) - wanted)
        if others:
            # If the process dies before the commit, the next round removes them: nothing refers to these rows.
            with self._db.write() as session:
                session.exec(delete(FileRow).where(col(FileRow.sha256).in_(others)))
        return len(others)

    def _stored(self, file: NamedFile) -> bytes | None:
        with self._db.read() as session:
            row = session.get(FileRow, file.sha256)
            content = None if row is None else row.content
        if content is None or _is_same(content, file):
            return content
        _log.error("a stored file is damaged and is fetched again", file=file.sha256[:12])
        with self._db.write() as session:
            session.exec(delete(FileRow).where(col(FileRow.sha256) == file.sha256))
        return None

    def _fetched(self, file: NamedFile) -> bytes:
        if self._clock() < self._rests_until:
            raise Unavailable("guides did not answer a moment ago")
        try:
            content = self._reader.content(file.sha256)
        except UpstreamDown:
            self._rests_until = self._clock() + REST_SECONDS
            raise
        except NotFound as error:
            raise Unavailable(f"guides has lost a file that a released guide names: {error}") from error
        if not _is_same(content, file):
            _log.error("guides sends other bytes than the guide names", file=file.sha256[:12])
            raise Unavailable(f"guides sends other bytes than {file.sha256[:12]}: nothing is served")
        self._keep(file, content)
        return content

    def _keep(self, file: NamedFile, content: bytes) -> None:
        with self._db.read() as session:
            held = session.exec(select(func.coalesce(func.sum(col(FileRow.size)), 0))).one()
        if held + file.size > self._most_bytes:
            _log.warning("the files of this channel are full; this one is served and not kept", bytes=held)
            return
        # If we die before the commit, the file is fetched again; after it, it is served without guides.
        with self._db.write() as session:
            session.connection().execute(KEEP_FILE, {"sha256": file.sha256, "size": len(content), "content": content})

    @contextmanager
    def _turn(self, sha256: str) -> Iterator[None]:
        """Hold the turn of one file; whoever waits for it finds the file stored."""
        with self._lock:
            turn, waiting = self._turns.get(sha256, (threading.Lock(), 0))
            self._turns[sha256] = turn, waiting + 1
        try:
            with turn:
                yield
        finally:
            with self._lock:
                turn, waiting = self._turns.pop(sha256)
                if waiting > 1:
                    self._turns[sha256] = turn, waiting - 1


def _is_same(content: bytes, file: NamedFile) -> bool:
    return len(content) == file.size and hashlib.sha256(content).hexdigest() == file.sha256

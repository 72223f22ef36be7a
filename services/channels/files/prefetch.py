"""Fetches the files that shown guides name shortly after the guides are shown, so that publishing waits for no byte.

What is named follows from the documents alone, so it is collected anew at each start and nothing is written down. A
file that no shown guide names any more is removed.
"""

import threading

import orjson

from contracts.kinds import Kind
from services.channels.api import queries
from services.channels.core.store import state
from services.channels.files.named import NamedFile, named_files
from services.channels.files.store import FileStore
from shared import log
from shared.database.engine import Database
from shared.errors import TongyuanError

CHANGES_A_STEP = 100
MENTION = '"sha256"'
WAIT_SECONDS, PAUSE_SECONDS, RETRY_SECONDS = 5.0, 0.5, 15.0
_log = log.get("files")


class Prefetch:
    """Runs beside the HTTP server of a channel."""

    def __init__(self, db: Database, store: FileStore) -> None:
        self._db, self._store = db, store
        self._epoch, self._seen = "", 0
        self._named: dict[str, list[NamedFile]] = {}

    def run(self, stop: threading.Event) -> None:
        """Fetch until `stop` is set."""
        listener = self._db.notifier.listener()
        while not stop.is_set():
            try:
                self.step()
                # Many changes in a row are looked through at once: nobody waits for a file to be fetched beforehand.
                if listener.wait(WAIT_SECONDS):
                    stop.wait(PAUSE_SECONDS)
            except TongyuanError as error:
                _log.warning("files are not fetched", reason=str(error))
                stop.wait(RETRY_SECONDS)
        listener.close()

    def step(self) -> int:
        """Fetch what shown guides name and the store lacks; remove the rest. Return how many were fetched.

        Raises `Unavailable` for the first file that cannot be had; the others are tried all the same.
        """
        changed = read = self._collect()
        while read == CHANGES_A_STEP:
            read = self._collect()
        files = {one.sha256: one for named in self._named.values() for one in named}
        missing = self._store.missing(list(files)) if files else []
        failure: TongyuanError | None = None
        for sha256 in missing:
            try:
                self._store.content(files[sha256])
            except TongyuanError as error:
                failure = failure or error
        if changed:
            self._store.forget_others(set(files))
        if failure is not None:
            raise failure
        return len(missing)

    def _collect(self) -> int:
        """Read the next changes of documents, and note what guides name. Return how many there were."""
        with self._db.read() as session:
            at = state(session)
            if at.epoch != self._epoch:
                self._epoch, self._seen, self._named = at.epoch, 0, {}
            rows = queries.changes(session, self._seen, CHANGES_A_STEP)
            for row in rows:
                self._seen = row.change
                if row.key.startswith(f"{Kind.GUIDE}:"):
                    self._named.pop(row.key, None)
                    # Most guides name no file, and are not parsed.
                    if row.content and MENTION in row.content:
                        self._named[row.key] = list(named_files(orjson.loads(row.content)))
        return len(rows)

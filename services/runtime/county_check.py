"""Keep a process from using its store until the store has named this process's county.

The database may be unavailable when a process starts. Then the process runs, answers `/healthz`, reports on all other
addresses that it is not ready, and asks again.
"""

import os
import signal
import threading
from collections.abc import Callable

from shared import log
from shared.config import Settings, SettingsError
from shared.county.identity import Identity
from shared.county.store import require_own
from shared.database.engine import Database
from shared.errors import Unavailable
from shared.publishing.reviews import policy

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 2.0
Background = Callable[[threading.Event], None]
"""As in `shared.web.server.process`, which workers must not import."""

_log = log.get("process")


class CountyGate:
    """Closed until the store has named this process's county. `on_open` receives the county."""

    def __init__(
        self, db: Database, settings: Settings, on_open: Callable[[Identity], None] = lambda _county: None
    ) -> None:
        self._db, self._wanted, self._on_open = db, Identity.of(settings), on_open
        self._review = settings.review
        self._open = threading.Event()
        self._refused: SettingsError | None = None

    def look(self) -> bool:
        """Ask the store once; return False while it is unavailable.

        Raises `SettingsError` when it is another county's, or was born under another review policy.
        """
        try:
            county = require_own(self._db, self._wanted)
            policy.require(self._db, self._review)
        except Unavailable as error:
            _log.warning("waits for its store", reason=str(error))
            return False
        self._on_open(county)
        self._open.set()
        return True

    def wait(self, stop: threading.Event) -> None:
        """Ask until the store answers, or until `stop` is set. Raises `SettingsError`."""
        pause = FIRST_PAUSE
        while not self._open.is_set() and not self.look() and not stop.wait(pause):
            pause = min(1.5 * pause, LONGEST_PAUSE)

    def watch(self, stop: threading.Event) -> None:
        """Do the same beside a server that has looked once; end the process when the store is another county's."""
        try:
            if not self.is_open and not stop.wait(FIRST_PAUSE):
                self.wait(stop)
        except SettingsError as error:
            self._refused = error
            os.kill(os.getpid(), signal.SIGTERM)

    def require(self) -> None:
        """Raise the `SettingsError` for which `watch` ended the server, if any."""
        if self._refused is not None:
            raise self._refused

    def behind(self, work: Background) -> Background:
        """Wrap background work so that it begins when the gate is open."""

        def run(stop: threading.Event) -> None:
            while not stop.is_set():
                if self._open.wait(FIRST_PAUSE):
                    work(stop)
                    return

        return run

    @property
    def is_open(self) -> bool:
        """Whether the store has named this process's county."""
        return self._open.is_set()

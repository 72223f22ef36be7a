"""Hands the newest row of the desk's audit log to the ledger, which signs it in its next statement."""

import time
from collections.abc import Callable

from contracts.topology import CONSOLE
from services.console.upstream.outage import Outage
from services.console.upstream.services import Services
from shared import log
from shared.audit.queries import head
from shared.database.engine import Database
from shared.errors import TongyuanError

EVERY_SECONDS = 2.0
AGAIN_SECONDS = 60.0
"""After so long an unchanged row is handed in again: a ledger that was restored from a backup has lost it."""

_log = log.get("console")


class HandIn:
    """For one thread. If the process dies before the ledger has the row, the next start hands in the newest one."""

    def __init__(self, db: Database, services: Services, clock: Callable[[], float] = time.monotonic) -> None:
        self._db, self._services, self._clock = db, services, clock
        self._looked = self._told_at = -AGAIN_SECONDS
        self._told = ""
        self._outage = Outage("audit head not handed in", _log)

    def advance(self) -> bool:
        """Hand in the newest row if it is due; return whether the ledger took it."""
        now = self._clock()
        if now - self._looked < EVERY_SECONDS:
            return False
        self._looked = now
        with self._db.read() as session:
            newest = head(session)
        if not newest["sequence"] or (newest["hash"] == self._told and now - self._told_at < AGAIN_SECONDS):
            return False
        try:
            body = {"sequence": newest["sequence"], "hash": newest["hash"]}
            self._services.send("PUT", "ledger", f"audit-heads/{CONSOLE}", None, json=body)
        except TongyuanError as error:
            self._outage.failed(error)
            return False
        self._told, self._told_at = newest["hash"], now
        self._outage.over()
        return True

"""What an item or a guide was before, asked from the ledger when somebody wants to know; nothing of it is stored.

A channel's store is what a rebuild or a snapshot gives, one row a key (ADR 0007, 0023): an earlier version in it would
be there or not by the way the store came about. So the past is read from the ledger, each entry with its proof, and
kept in memory for a while. Without the ledger there is no past to tell, and pages say so (ADR 0034).
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from contracts.base import Json
from contracts.publication import Op
from services.channels.lineage import AnchoredChannel
from services.channels.model import DocumentRow
from services.channels.port import source_of
from shared.errors import TongyuanError, Unavailable
from shared.follower import checked
from shared.log import get
from shared.proof import Entry

MOST_KEPT = 500
MOST_READ = 20
"""Versions of a key that are looked at: people change an item a few times a year."""

REST_SECONDS = 10.0
"""For so long a ledger that did not answer is not asked again: a reader waits for it once, not at every page."""

_log = get("past")


@dataclass(frozen=True, slots=True)
class Step:
    """From one version to the next: the later document, the earlier one or why there is none, and since when.

    `since` is the moment from which the later one counts; of a withdrawal, from which nothing does.
    """

    now: Json | None
    before: Json | None
    since: datetime
    why: Literal["first", "withdrawn"] | None = None


class Past:
    """Reads what was. Safe to ask from many threads."""

    def __init__(self, channel: AnchoredChannel) -> None:
        self._channel = channel
        self._turn = threading.Lock()
        self._kept: OrderedDict[tuple[str, int], Step] = OrderedDict()
        self._rest_until = 0.0

    def step(self, key: str) -> Step | None:
        """What the newest turn of `key` was: from the version before to the one that is stored here, or to nothing.

        None when this channel has never heard of the key. Raises `Unavailable` while the ledger cannot tell.
        """
        with self._channel.db.read() as session:
            row = session.get(DocumentRow, key)
            stored = None if row is None or row.version == 0 else (row.version, row.digest)
        if stored is None:
            return None
        with self._turn:
            if found := self._kept.get((key, stored[0])):
                return found
            if time.monotonic() < self._rest_until:
                raise Unavailable("the ledger did not answer just now")
        try:
            found = self._read(key, *stored)
        except TongyuanError as error:
            self._rest_until = time.monotonic() + REST_SECONDS
            _log.warning("past unknown", channel=self._channel.service, reason=type(error).__name__)
            raise Unavailable("the ledger cannot tell what was before") from error
        with self._turn:
            self._kept[(key, stored[0])] = found
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return found

    def _read(self, key: str, version: int, digest: str) -> Step:
        entries = (entry for entry in self._proven(key) if entry.version <= version)
        newest = next(entries, None)
        if newest is None or (newest.version, newest.digest) != (version, digest):
            raise Unavailable("the ledger tells another version than is shown")
        since = newest.effective_at or newest.released_at
        now = self._document(newest)
        for entry in entries:
            if (entry.effective_at or entry.released_at) > since:
                continue  # overtaken before its time: nobody ever saw it
            before = self._document(entry)
            return Step(now, before, since, None if before else "withdrawn")
        return Step(now, None, since, "first")

    def _proven(self, key: str) -> Iterator[Entry]:
        for number, entry in enumerate(self._channel.ledger.history(key)):
            if number == MOST_READ:
                return
            self._channel.vouched(entry)
            yield checked(entry)

    def _document(self, entry: Entry) -> Json | None:
        """As this channel shows it. A version that it could not show was not shown."""
        if entry.op == Op.WITHDRAW or entry.body is None:
            return None
        try:
            document = self._channel.adapter.project(entry)
        except Exception as error:  # noqa: BLE001  # what is poison now was poison then
            _log.info("past not shown", key=entry.key, reason=type(error).__name__)
            return None
        return None if document is None else {**document, "source": source_of(entry)}

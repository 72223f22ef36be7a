"""Earlier versions of items and guides, read from the ledger on request; none are stored.

A channel's store has one row per key, as a rebuild or a snapshot gives it (ADR 0007, 0023); earlier versions in it
would depend on how the store came about. They are therefore read from the ledger, each with its proof, and cached in
memory. Without the ledger, pages say that earlier versions are unavailable (ADR 0034).
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal

from contracts.base import Json
from contracts.content.acts import explains, possible_acts
from contracts.envelope.publication import Op
from services.channels.api import queries
from services.channels.api.cached import SingleFlight
from services.channels.core import release_sets
from services.channels.core.announcements import announced
from services.channels.core.channel import Channel
from services.channels.core.model import DocumentRow
from services.channels.core.port import source_of
from shared.errors import TongyuanError, Unavailable
from shared.feeds.follower import checked
from shared.log import get
from shared.transparency.proof import LedgerEntry
from shared.transparency.timeline import Timed, is_overtaken

MOST_KEPT = 500
MOST_READ = 20
"""Versions of a key that are read: an item changes a few times a year."""

REST_SECONDS = 10.0
"""After an error the ledger is not asked again for this long, so that not every page waits for it."""

_log = get("past")


@dataclass(frozen=True, slots=True)
class VersionStep:
    """The change from one version to the next: the later document, and the earlier one or why there is none.

    `since`: from when the later one is in force; for a withdrawal, from when none is. `reason`: the public note of the
    act that explains a backdated version; None if there is none, or it has not come yet.
    """

    now: Json | None
    before: Json | None
    since: datetime
    why: Literal["first", "withdrawn"] | None = None
    reason: str | None = None


class VersionHistory:
    """Reads earlier versions. Thread-safe."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._turn = threading.Lock()
        self._kept: OrderedDict[tuple[str, int], VersionStep] = OrderedDict()
        # Without it a page that many open at once would read the same entries of the ledger in as many threads.
        self._flight: SingleFlight[tuple[str, int, str], VersionStep] = SingleFlight()
        self._rest_until = 0.0

    def step(self, key: str) -> VersionStep | None:
        """Return the change from the previous version to the one stored here, or to none.

        None if this channel does not know the key. Raises `Unavailable` if the ledger cannot answer.
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
                raise Unavailable("the ledger did not answer a moment ago")
        try:
            found = self._flight.get((key, *stored), partial(self._read, key, *stored))
        except TongyuanError as error:
            self._rest_until = time.monotonic() + REST_SECONDS
            _log.warning("version history not available", channel=self._channel.service, reason=type(error).__name__)
            raise Unavailable("the ledger cannot return earlier versions") from error
        if found.now and "dates" in found.now["source"]:
            # Not kept: its act may come a moment later.
            return found
        with self._turn:
            self._kept[(key, stored[0])] = found
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return found

    def _read(self, key: str, version: int, digest: str) -> VersionStep:
        entries = (entry for entry in self._proven(key) if entry.version <= version)
        newest = next(entries, None)
        if newest is None or (newest.version, newest.digest) != (version, digest):
            raise Unavailable("the ledger's version differs from the one on show")
        shown = self._timed(newest)
        since = shown.starts
        now = self._document(newest)
        later = [shown]
        for entry in entries:
            timed = self._timed(entry)
            if timed.starts > since or is_overtaken(timed, later):
                continue  # superseded before it became effective: it was never shown
            later.append(timed)
            before = self._document(entry)
            return VersionStep(now, before, since, None if before else "withdrawn", self._reason(newest))
        return VersionStep(now, None, since, "first", self._reason(newest))

    def _reason(self, entry: LedgerEntry) -> str | None:
        """Return the public note on a backdated version."""
        if entry.effective_at is None or entry.effective_at >= entry.released_at:
            return None
        with self._channel.db.read() as session:
            acts = queries.by_keys(session, possible_acts(entry.source, entry.lane, entry.sequence))
        return next((act["note"] for act in acts if explains(act, entry.key, entry.version)), None)

    def _timed(self, entry: LedgerEntry) -> Timed:
        if entry.part_of is None:
            return Timed.of(entry)
        with self._channel.db.read() as session:
            return Timed.of(entry).in_set(entry.part_of, release_sets.completions(session))

    def _proven(self, key: str) -> Iterator[LedgerEntry]:
        for number, entry in enumerate(self._channel.ledger.history(key)):
            if number == MOST_READ:
                return
            self._channel.log.vouched(entry)
            yield checked(entry)

    def _document(self, entry: LedgerEntry) -> Json | None:
        """Return the document as this channel shows it; None if it could not be shown."""
        if entry.op == Op.WITHDRAW or entry.body is None:
            return None
        try:
            document = self._channel.adapter.project(entry)
        except Exception as error:  # noqa: BLE001  # an entry that cannot be projected now could not be shown then
            _log.info("earlier version not shown", key=entry.key, reason=type(error).__name__)
            return None
        return None if document is None else announced(document, entry) | {"source": source_of(entry)}

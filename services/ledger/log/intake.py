"""Hand messages from the queues to their sources: one handler for all sources of the ledger.

A release is accepted when its source vouches for it: by a signature, or because the source's own feed holds it. Checks
run in this order, and each one only after the previous has passed: form and digest, region, owner of the kind,
signature, sequence number. If the process dies at any point, nothing is lost: what was not recorded is still in the
source's feed, and `reconcile` reads it from there.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from contracts.envelope.publication import Lane, Op, Release
from contracts.envelope.statement import AuditHead
from services.ledger.log.passed_over import objection
from services.ledger.signing.signer import Signer
from services.ledger.sources.keys import SourceKeys, configured_keys
from services.ledger.sources.source_intake import Numbered, SourceIntake
from shared import metrics
from shared.database.engine import Database
from shared.errors import Broken
from shared.feeds.follower import decode
from shared.feeds.upstream import SourceReader
from shared.messaging.delivery import Message, Refusal
from shared.signing.offer import OfferedKey

PACE_SECONDS = 0.2
LONGEST_PAUSE = 10.0
PATIENCE_SECONDS = 0.5
"""Seconds for which the other sources of a queue wait while one source is asked over HTTP."""


class Intake:
    """All lanes of all sources. Safe to call from several threads."""

    def __init__(
        self,
        db: Database,
        readers: Mapping[str, SourceReader],
        signer: Signer,
        require_signer: Callable[[], None] = lambda: None,
        region: str | None = None,
        *,
        source_keys: str = "",
        patience: float | None = None,
    ) -> None:
        """`require_signer` raises `Unavailable` while the ledger could not sign what it records.

        `region`: the county's code; None accepts any. `source_keys`: see `TONGYUAN_SOURCE_KEYS`. `patience`: seconds to
        wait for a source that is asked over HTTP; None when the sources are in this process and answer at once.

        Raises `SettingsError` for a key that belongs to none of the sources.
        """
        self._require_signer = require_signer
        self._region = region
        configured = configured_keys(source_keys, signer.name, readers)
        self._sources = {
            source: SourceIntake(
                SourceKeys(db, signer.name, source, configured), signer, _own(reader, region), patience
            )
            for source, reader in readers.items()
        }

    def take(self, messages: Sequence[Message]) -> list[Refusal]:
        """Handle a batch from a sources queue; return the releases that are neither proven nor confirmed, as refusals.

        A source that does not answer delays nothing else of the batch. Its own releases are acknowledged all the same:
        they are in the source's feed, and `reconcile` reads them from there.

        Raises `Unavailable` while nothing may be recorded: the batch is not acknowledged and is offered again.
        """
        # If the process dies here: nothing is recorded or acknowledged. The broker delivers the batch again.
        self._require_signer()
        batch = decode("ledger", messages, Release)
        refused: dict[int, str] = {}
        groups: dict[str, Numbered] = defaultdict(dict)
        for index, release in zip(batch.indexes, batch.entries, strict=True):
            if reason := self._objection(release):
                refused[index] = reason
            else:
                groups[release.source][index] = release
        unsure: dict[str, Numbered] = {}
        for source, releases in groups.items():
            # If the process dies after `take`: the releases of this source are committed, the messages are not
            # acknowledged. The broker delivers them again, and their sequence numbers mark them as duplicates.
            taken = self._sources[source].take(releases)
            refused |= taken.refused
            if taken.unsure:
                unsure[source] = taken.unsure
        # If the process dies while a source is asked: likewise. A refused message becomes a dead letter only after this
        # method has returned, so it is judged again.
        for index, reason in (refused | self._judged(unsure)).items():
            metrics.refused.labels("ledger", "Release").inc()
            batch.refusals.append(Refusal(index, reason))
        return batch.refusals

    def _objection(self, release: Release) -> str | None:
        """Return why a release cannot belong to this county, whoever signed it; None if it can."""
        if release.source not in self._sources:
            return f"{release.source!r} is not a source of this county"
        if self._region not in (None, release.region):
            return f"region {release.region} is not this county's region {self._region}"
        if reason := objection(release):
            return reason
        if release.op == Op.RELEASE and release.body is None:
            return "the release has no body, so its digest cannot be checked"
        return None

    def _judged(self, unsure: Mapping[str, Numbered]) -> dict[int, str]:
        """Ask all these sources at once; return the reason for each release that its source does not confirm."""
        tickets = {source: self._sources[source].begin(releases) for source, releases in unsure.items()}
        refused: dict[int, str] = {}
        for source, releases in unsure.items():
            refused |= self._sources[source].judge(releases, tickets[source])
        return refused

    def reconcile(self, *, patient: bool = False) -> int:
        """Fetch from every source what no message brought; return how many releases. Skip a source that is down.

        `patient`: leave a lane to its queue while releases are arriving there. Raises `Unavailable` while nothing may
        be recorded.
        """
        self._require_signer()
        # If the process dies here: each lane's mark says how far it was recorded. The next call continues from the
        # marks.
        tickets = {source: self._sources[source].begin_comparison(patient=patient) for source in self._sources}
        return sum(self._sources[source].compared(ticket) for source, ticket in tickets.items())


def _own(reader: SourceReader, region: str | None) -> SourceReader:
    return reader if region is None else _OwnReader(reader, region)


class _OwnReader:
    """A reader that accepts only releases of this county's region. Any other region means a wrong address."""

    def __init__(self, reader: SourceReader, region: str) -> None:
        self._reader, self._region = reader, region

    def releases(self, lane: Lane, after: int, limit: int) -> Sequence[Release]:
        """See `SourceReader`. Raises `Broken` for a release of another region."""
        found = self._reader.releases(lane, after, limit)
        for release in found:
            self._require(release)
        return found

    def release(self, key: str, version: int) -> Release:
        """See `SourceReader`. Raises `Broken` for a release of another region."""
        return self._require(self._reader.release(key, version))

    def newest(self, key: str) -> Release | None:
        """See `SourceReader`. Raises `Broken` for a release of another region."""
        found = self._reader.newest(key)
        return None if found is None else self._require(found)

    def heads(self) -> dict[str, int]:
        """See `SourceReader`."""
        return self._reader.heads()

    def keys(self) -> Sequence[OfferedKey]:
        """See `SourceReader`."""
        return self._reader.keys()

    def audit_head(self) -> AuditHead | None:
        """See `SourceReader`."""
        return self._reader.audit_head()

    def _require(self, release: Release) -> Release:
        if release.region != self._region:
            raise Broken(
                f"{release.source} releases for region {release.region}, but this county is {self._region}: "
                "check its address"
            )
        return release


class ImportPace:
    """Delay imports while a channel is far behind, so that an editor's release reaches the channels soon."""

    def __init__(self, ledger_size: Callable[[], int], positions: Callable[[], list[int]], limit: int) -> None:
        """`positions()` returns the positions of the channels that answer; a channel that is down delays nothing."""
        self._size, self._positions, self._limit = ledger_size, positions, limit
        # Position of the slowest channel when it was last asked. It is a lower bound: positions only grow.
        self._slowest = 0
        # Position of a channel that has not moved within LONGEST_PAUSE. It is ignored until it moves.
        self._given_up = -1
        # The position at which the slowest channel is awaited, and until when.
        self._awaited, self._deadline = -1, 0.0

    def wait(self) -> None:
        """Block until `is_ready`."""
        while not self.is_ready():
            time.sleep(PACE_SECONDS)

    def is_ready(self) -> bool:
        """Whether the slowest channel that still moves is at most `limit` entries behind."""
        ready = self._is_near() or self._is_near_now()
        if ready:
            self._awaited = -1
        return ready

    def _is_near(self) -> bool:
        return self._size() - self._slowest <= self._limit

    def _is_near_now(self) -> bool:
        moving = [position for position in self._positions() if position != self._given_up]
        if not moving:
            return True
        self._slowest = min(moving)
        if self._slowest != self._awaited:
            self._awaited, self._deadline = self._slowest, time.monotonic() + LONGEST_PAUSE
        elif time.monotonic() > self._deadline:
            self._given_up = self._slowest
        return self._is_near()

"""From the queue to the right lane: the ledger's one handler over all its sources."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from contracts.publication import Lane, Op, Release
from services.ledger.commands import LaneFollower
from services.ledger.signing import Signer
from shared import log
from shared.database import Database
from shared.delivery import Message, Refusal
from shared.errors import TongyuanError
from shared.follower import decode
from shared.upstream import SourceReader

_log = log.get("ledger")
PACE_SECONDS = 0.2
LONGEST_PAUSE = 10.0
WENT_BACK = "its number is another release's: the source was put back to an earlier day (docs/operating/backup.md)"


class Intake:
    """All lanes of all sources. Safe to call from several threads."""

    def __init__(
        self,
        db: Database,
        readers: Mapping[str, SourceReader],
        signer: Signer,
        require_signer: Callable[[], None] = lambda: None,
    ) -> None:
        """`require_signer` raises `Unavailable` while what is recorded could not be signed."""
        self._require_signer = require_signer
        self._lanes = {
            (source, lane): LaneFollower(db, signer, source, lane, reader)
            for source, reader in readers.items()
            for lane in Lane
        }

    def take(self, messages: Sequence[Message]) -> list[Refusal]:
        """Handler of a batch from a sources queue. Refused are releases of a source that is not ours, and those of a
        source that went back: taken for old, they would be acknowledged and nowhere.
        """
        self._require_signer()
        batch = decode("ledger", messages, Release)
        refusals = list(batch.refusals)
        groups: dict[tuple[str, Lane], dict[int, Release]] = defaultdict(dict)
        for index, release in zip(batch.indexes, batch.entries, strict=True):
            if (release.source, release.lane) not in self._lanes:
                refusals.append(Refusal(index, f"source {release.source!r} is not one of this county's"))
            elif release.op == Op.RELEASE and release.body is None:
                refusals.append(Refusal(index, "a release without a body, so that its digest cannot be checked"))
            else:
                groups[release.source, release.lane][index] = release
        for lane, releases in groups.items():
            strangers = self._strangers(self._lanes[lane], list(releases.values()))
            refusals += [Refusal(index, WENT_BACK) for index, release in releases.items() if release in strangers]
        return refusals

    def _strangers(self, lane: LaneFollower, releases: list[Release]) -> list[Release]:
        """What came under a number that something else has had: kept as a dead letter, and somebody is woken."""
        strangers = lane.never_recorded(lane.advance(releases))
        if strangers:
            _log.critical("a source went back", source=lane.source, lane=str(lane.lane), releases=len(strangers))
        return strangers

    def reconcile(self, *, patient: bool = False) -> int:
        """Take from every source what never arrived; how many releases. A source that is down is skipped.

        `patient`: a lane on which something has come since the last time is left to the queue. Raises `Unavailable`
        while nothing may be recorded.
        """
        self._require_signer()
        taken = 0
        for (source, lane), follower in self._lanes.items():
            try:
                taken += follower.catch_up_if_stuck() if patient else follower.catch_up()
            except TongyuanError as error:
                _log.warning("source not reconciled", source=source, lane=str(lane), reason=str(error))
        return taken


class Pace:
    """Imports wait while a channel is far behind, so that an editor's release is never far from the front."""

    def __init__(self, ledger_size: Callable[[], int], positions: Callable[[], list[int]], limit: int) -> None:
        """`positions()`: of the channels that answer; one that is down must not hold up the others."""
        self._size, self._positions, self._limit = ledger_size, positions, limit
        # Where the slowest was when it was asked last: it can only have gone on since.
        self._slowest = 0
        # Where a channel stands that has not moved for too long; it is waited for again when it does.
        self._given_up = -1

    def wait(self) -> None:
        """Return when the slowest channel that still moves is at most `limit` entries behind."""
        if self._size() - self._slowest <= self._limit:
            return
        deadline = time.monotonic() + LONGEST_PAUSE
        slowest = -1
        while moving := [position for position in self._positions() if position != self._given_up]:
            self._slowest = min(moving)
            if self._size() - self._slowest <= self._limit:
                return
            if min(moving) > slowest:
                slowest, deadline = min(moving), time.monotonic() + LONGEST_PAUSE
            elif time.monotonic() > deadline:
                self._given_up = slowest
            time.sleep(PACE_SECONDS)

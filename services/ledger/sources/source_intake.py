"""One source: accept its releases from messages, and ask the source about those that only it can confirm."""

import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from contracts.envelope.publication import Lane, Release
from services.ledger.signing.signer import Signer
from services.ledger.sources.audit_head import NotedAuditHead
from services.ledger.sources.inquiry import Inquiry
from services.ledger.sources.keys import SourceKeys
from services.ledger.sources.source_lane import SourceLane
from shared import log
from shared.errors import TongyuanError
from shared.feeds.upstream import SourceReader
from shared.signing.offer import OfferedKey

BUSY_SECONDS = 0.2
LEARN_SECONDS = 1.0
"""A source is asked for its keys at most this often because of messages: anybody can name an unknown key."""
WENT_BACK = (
    "its number belongs to another release: the source was restored to an earlier state (docs/operating/backup.md)"
)
_log = log.get("ledger")

FAR = 100_000
"""No source releases this many between two looks at its heads: a larger number is refused without asking."""
NOT_ASKED = -1
Numbered = dict[int, Release]
"""Releases by the index of their message."""


@dataclass
class Taken:
    """The outcome of some messages: `refused` with the reason; `unsure` where the source must be asked."""

    refused: dict[int, str] = field(default_factory=dict)
    unsure: Numbered = field(default_factory=dict)


class SourceIntake:
    """The keys and lanes of one source. Safe to call from several threads.

    A message is accepted when a listed key of the source has signed it. Any other message, and any sequence number that
    does not follow, is only a hint: the source's own feed is read, and the feed decides.
    """

    def __init__(self, keys: SourceKeys, signer: Signer, reader: SourceReader, patience: float | None) -> None:
        """`patience`: seconds that others wait while this source is asked; None: the source is in this process."""
        self._keys, self._reader, self._patience = keys, reader, patience
        self._source = keys.source
        self.lanes = {lane: SourceLane(keys, signer, lane, reader) for lane in Lane}
        # Whether the source has answered that it has no keys: a version from before signatures.
        self._keyless = False
        self._audit = NotedAuditHead(keys.db, self._source)
        self._turn = threading.Lock()
        self._wanted: dict[Lane, int] = {}
        self._hinted_at = -LEARN_SECONDS
        self._patient = False
        # The heads that the source answered last; a source never takes back a number that the ledger has recorded.
        self._heads: Mapping[str, int] = {}
        self._hints = Inquiry(f"{keys.source} (hint)", self._follow_hints, patience)
        self._comparison = Inquiry(keys.source, self._compare, patience)

    def take(self, releases: Numbered) -> Taken:
        """Record the proven releases that follow. Does not ask the source."""
        taken = Taken()
        listed = self._keys.listed()
        believed: dict[Lane, Numbered] = defaultdict(dict)
        for index, release in releases.items():
            problem = self._keys.problem(release, listed)
            if (not listed and not self._keyless) or self._keys.is_unsure(release, listed):
                taken.unsure[index] = release
            elif problem is not None:
                taken.refused[index] = problem
            else:
                believed[release.lane][index] = release
        for lane, ours in believed.items():
            # Commits. If the process dies after it, the messages are delivered again and recognized as duplicates.
            self._record(lane, ours, taken)
        self._forgive_what_is_recorded(releases, taken)
        return taken

    def begin(self, unsure: Numbered) -> int:
        """Start asking the source about these; return a ticket for `judge`."""
        listed = self._keys.listed()
        strange = all(self._keys.names_another(release, listed) for release in unsure.values())
        if strange and listed:
            if time.monotonic() - self._hinted_at < LEARN_SECONDS:
                return NOT_ASKED
            self._hinted_at = time.monotonic()
        with self._turn:
            for release in unsure.values():
                self._wanted[release.lane] = max(release.sequence, self._wanted.get(release.lane, 0))
        return self._hints.begin()

    def judge(self, unsure: Numbered, ticket: int) -> dict[int, str]:
        """Return the reason for each of these releases that the source does not confirm.

        While the source does not answer, none is refused and none waits: what the source has released is in its feed,
        and is read from there once it answers again.
        """
        heads = self._hints.answer(ticket) if ticket != NOT_ASKED else None
        listed = self._keys.listed()
        refused = {}
        for index, release in unsure.items():
            reason = self._keys.problem(release, listed)
            if reason is None and heads is not None:
                reason = self._unconfirmed(release, heads)
            if reason is not None:
                refused[index] = reason
        # These messages will be acknowledged without an entry. If the process dies after that, `reconcile` reads
        # them from the feed.
        if heads is None and len(refused) < len(unsure):
            _log.warning(
                "releases deferred to the source's feed", source=self._source, releases=len(unsure) - len(refused)
            )
        return refused

    def begin_comparison(self, *, patient: bool) -> int:
        """Start fetching what no message brought. `patient`: see `Intake.reconcile`. Return a ticket for `compared`."""
        self._patient = patient
        return self._comparison.begin()

    def compared(self, ticket: int) -> int:
        """Return how many releases were recorded; 0 also while the source does not answer."""
        return self._comparison.answer(ticket) or 0

    def _record(self, lane: Lane, ours: Numbered, taken: Taken) -> None:
        busy = None if self._patience is None else 0.0 if self._hints.is_overdue() else BUSY_SECONDS
        again, left = self.lanes[lane].take_run(list(ours.values()), busy)
        strangers = self.lanes[lane].never_recorded(again)
        if strangers:
            _log.critical("source lost releases", source=self._source, lane=str(lane), releases=len(strangers))
        taken.refused |= {index: WENT_BACK for index, release in ours.items() if release in strangers}
        known = max(self._heads.get(str(lane), 0), self.lanes[lane].position() if left else 0)
        for index, release in ours.items():
            if release in left and release.sequence > known + FAR:
                taken.refused[index] = _none_of_its(release, known)
            elif release in left:
                taken.unsure[index] = release

    def _forgive_what_is_recorded(self, releases: Numbered, taken: Taken) -> None:
        """Accept copies of recorded releases, signed or not: messages may date from before the source signed."""
        doubtful = {**{index: releases[index] for index in taken.refused}, **taken.unsure}
        for lane, followed in self.lanes.items():
            ours = {index: one for index, one in doubtful.items() if one.lane == lane}
            strange = followed.never_recorded(list(ours.values()))
            for index in [index for index, one in ours.items() if one not in strange]:
                taken.refused.pop(index, None)
                taken.unsure.pop(index, None)

    def _unconfirmed(self, release: Release, heads: Mapping[str, int]) -> str | None:
        head = heads.get(str(release.lane), 0)
        if release.sequence > head:
            return _none_of_its(release, head)
        lane = self.lanes[release.lane]
        if release.sequence <= lane.position() and lane.never_recorded([release]):
            return WENT_BACK
        return None

    def _follow_hints(self) -> dict[str, int]:
        """Fetch up to the numbers that messages named; return the highest sequence of each lane.

        Raises `TongyuanError`.
        """
        self._learn()
        heads = self._heads = self._reader.heads()
        with self._turn:
            # In memory only: if the process dies here, the messages were not acknowledged or `reconcile` reads the
            # feed.
            wanted, self._wanted = self._wanted, {}
        for lane, number in wanted.items():
            if number > heads.get(str(lane), 0):
                _log.critical("message with a number that its source does not have", source=self._source, number=number)
            try:
                self.lanes[lane].reach(min(number, heads.get(str(lane), 0)))
            except TongyuanError as error:
                _log.warning("source not followed", source=self._source, lane=str(lane), reason=str(error))
        return heads

    def _compare(self) -> int:
        """Fetch what no message brought. Once nothing is left, make signatures compulsory."""
        offered = self._learn()
        heads = self._heads = self._reader.heads()
        taken, whole = 0, True
        for lane, followed in self.lanes.items():
            try:
                # Each call commits run by run; if the process dies between two, the next one starts at the mark.
                taken += followed.catch_up(patient=self._patient)
                taken += followed.take_after_all()
            except TongyuanError as error:
                whole = False
                _log.warning("source not reconciled", source=self._source, lane=str(lane), reason=str(error))
        self._audit.note(self._reader.audit_head())
        now = datetime.now(UTC)
        if whole and self._keys.is_unsettled(offered, now) and self._is_at(heads):
            self._keys.settle(offered, now)
        return taken

    def _learn(self) -> Sequence[OfferedKey]:
        offered = self._reader.keys()
        self._keys.learn(offered)
        self._keyless = not offered
        return offered

    def _is_at(self, heads: Mapping[str, int]) -> bool:
        return all(followed.position() >= heads.get(str(lane), 0) for lane, followed in self.lanes.items())


def _none_of_its(release: Release, head: int) -> str:
    return f"number {release.sequence} does not exist at the source: its feed ends at {head}"

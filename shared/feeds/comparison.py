"""Compares the ledger with its sources' own feeds, entry by entry, for `verify` and the auditor.

foreign    an entry that its source never released
different  an entry whose version the source released with another digest or number
missing    a release that the ledger lacks although the allowed delay has passed

For each lane one number and the few sequences that came out of order are kept, so memory stays bounded. `state` holds
all of it: an interrupted comparison continues from there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from contracts.base import Json, Timestamp, TolerantContract
from contracts.envelope.publication import Lane, Publication
from contracts.kinds import misplaced

FOREIGN, DIFFERENT, MISSING = "foreign", "different", "missing"
PAGE = 500
APART = 100
"""Numbers further apart than this are requested separately."""

MOST_MISSING = 1000
"""Limit of one report: a ledger that has taken nothing for a month misses more than anybody reads."""


class Released(TolerantContract):
    """The compared fields of a release; the body is covered by its digest."""

    lane: Lane
    sequence: int
    key: str
    kind: str
    op: str
    version: int
    digest: str
    released_at: Timestamp


class Feeds(Protocol):
    """The sources' feeds. Raises `UpstreamDown`, and `Refused` when the caller may not read them."""

    def releases(self, source: str, lane: Lane, after: int, limit: int) -> Sequence[Released]:
        """Return the releases after `after` in a lane, in order; fewer than `limit` does not mean the end."""

    def release(self, source: str, key: str, version: int) -> Released | None:
        """Return one released version; None when there is none."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One difference. `place` is `position 7` for an entry, `catalog/live 12` for a release."""

    source: str
    verdict: str
    key: str
    place: str
    detail: str


@dataclass(slots=True)
class _Seen:
    """The sequences of one lane that the ledger has: all up to `upto`, and those in `ahead`."""

    upto: int = 0
    ahead: set[int] = field(default_factory=set)

    def add(self, sequence: int) -> None:
        if sequence <= self.upto:
            return
        self.ahead.add(sequence)
        while self.upto + 1 in self.ahead:
            self.upto += 1
            self.ahead.remove(self.upto)

    def holes(self, head: int) -> Iterator[tuple[int, int]]:
        """Yield the ranges of unseen sequences up to `head`, as first and last."""
        first = self.upto + 1
        for sequence in sorted(one for one in self.ahead if one <= head):
            if first < sequence:
                yield first, sequence - 1
            first = sequence + 1
        if first <= head:
            yield first, head


class FeedComparison:
    """One pass through the ledger and the feeds of `sources`, from the beginning or from a saved `state`."""

    def __init__(self, feeds: Feeds, sources: Iterable[str], state: Json | None = None) -> None:
        self._feeds, self._sources = feeds, tuple(sources)
        self.position = int(state["position"]) if state else 0
        kept: Json = state["lanes"] if state else {}
        self._seen = {name: _Seen(int(one["upto"]), set(one["ahead"])) for name, one in kept.items()}

    def state(self) -> Json:
        """Return what a later comparison needs to continue here."""
        lanes = {name: {"upto": one.upto, "ahead": sorted(one.ahead)} for name, one in self._seen.items()}
        return {"position": self.position, "lanes": lanes}

    def take(self, entries: Sequence[Publication]) -> list[Mismatch]:
        """Compare the ledger's next entries. Return those that differ from what their source released."""
        known = self._released(entries)
        found: list[Mismatch] = []
        for entry in entries:
            release = self._release_of(entry, known)
            if release is not None:
                self._of(entry.source, release.lane).add(release.sequence)
            if judged := _judged(entry, release):
                found.append(Mismatch(entry.source, judged[0], entry.key, f"position {entry.position}", judged[1]))
            self.position = entry.position
        return found

    def settle(self, heads: Mapping[tuple[str, str], int], now: datetime, allowed: timedelta) -> list[Mismatch]:
        """Return the releases up to `heads` that the ledger lacks. Read `heads` first, then the ledger to its end.

        Releases that the ledger skips by its own rule (`misplaced`) do not count, nor do those younger than `allowed`.
        At most `MOST_MISSING` are returned.
        """
        found: list[Mismatch] = []
        for (source, lane), head in heads.items():
            seen = self._of(source, lane)
            for first, last in list(seen.holes(head)):
                for release in self._run(source, Lane(lane), first, last):
                    if misplaced(source, release.key, release.kind, release.op):
                        seen.add(release.sequence)
                    elif now - release.released_at > allowed:
                        found.append(_missing(source, release))
                        if len(found) == MOST_MISSING:
                            return found
        return found

    def _of(self, source: str, lane: str) -> _Seen:
        return self._seen.setdefault(f"{source}/{lane}", _Seen())

    def _release_of(self, entry: Publication, known: Mapping[tuple[str, str, int], Released]) -> Released | None:
        """Return what the source released as this version; request it singly if it is not at the entry's own number."""
        if entry.source not in self._sources:
            return None
        release = known.get((entry.source, entry.lane, entry.sequence))
        if release is not None and (release.key, release.version) == (entry.key, entry.version):
            return release
        return self._feeds.release(entry.source, entry.key, entry.version)

    def _released(self, entries: Sequence[Publication]) -> dict[tuple[str, str, int], Released]:
        """Return the releases that the feeds hold at the numbers of these entries."""
        numbers: dict[tuple[str, Lane], set[int]] = {}
        for entry in entries:
            if entry.source in self._sources:
                numbers.setdefault((entry.source, Lane(entry.lane)), set()).add(entry.sequence)
        return {
            (source, lane, release.sequence): release
            for (source, lane), wanted in numbers.items()
            for first, last in _runs(sorted(wanted))
            for release in self._run(source, lane, first, last)
        }

    def _run(self, source: str, lane: Lane, first: int, last: int) -> Iterator[Released]:
        """Yield the releases of a lane from number `first` to `last`, page by page."""
        after = first - 1
        while after < last:
            page = self._feeds.releases(source, lane, after, min(PAGE, last - after))
            if not page:
                return
            yield from (release for release in page if release.sequence <= last)
            after = page[-1].sequence


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Group numbers that are close together; yield the first and last of each group."""
    first = before = numbers[0]
    for number in numbers[1:]:
        if number - before > APART:
            yield first, before
            first = number
        before = number
    yield first, before


def _judged(entry: Publication, release: Released | None) -> tuple[str, str] | None:
    """Return verdict and detail; None when the entry is what its source released."""
    if release is None:
        return FOREIGN, f"not released by its source: {entry.source} has no version {entry.version} of this key"
    if release.digest != entry.digest:
        return DIFFERENT, f"its source released version {entry.version} with digest {release.digest[:16]}…"
    if (release.lane, release.sequence) != (entry.lane, entry.sequence):
        return DIFFERENT, f"its source numbered it {release.lane} {release.sequence}, the ledger {entry.sequence}"
    return None


def _missing(source: str, release: Released) -> Mismatch:
    place = f"{source}/{release.lane} {release.sequence}"
    detail = f"released as version {release.version} at {release.released_at:%Y-%m-%d %H:%M:%S}Z, not in the ledger"
    return Mismatch(source, MISSING, release.key, place, detail)

"""Compute what each channel should show now, from the ledger's entries with the channels' own pure functions."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

import orjson

from contracts.base import Json
from contracts.envelope.publication import Publication
from contracts.kinds import is_listed, is_public, kind_of
from services.auditor.model import ExpectedDocument, ExpectedLine, Projection
from shared import log
from shared.transparency.comparison import Log, is_without_body

SOON = timedelta(seconds=2)
_log = log.get("auditor")


class _NotComputable(Exception):
    """What a channel should show of an entry cannot be computed here."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """A document without its content, which is computed again when it is needed."""

    version: int
    position: int
    content_digest: str
    ends: datetime | None


@dataclass(frozen=True, slots=True)
class _Recent:
    """A version of a case that a correct channel may not have applied yet."""

    key: str
    position: int
    released_at: datetime


class Expectation:
    """Follows the ledger in memory. Of a case in force version and digests are kept: there may be millions."""

    def __init__(self, sights: Mapping[str, Projection]) -> None:
        self.sights = sights
        self.log = Log()
        self._shown: dict[str, dict[str, _Shown]] = {name: {} for name in sights}
        self._unknown: dict[str, set[str]] = {name: set() for name in sights}
        self._recent_cases: deque[_Recent] = deque()

    def take(self, entry: Publication) -> list[str]:
        """Add the ledger's next entry; return what is wrong with it."""
        return list(self.log.take(entry))

    def fill(self, entry: Publication) -> list[str]:
        """Add the body of an entry that was withheld until its time; return what is wrong with it."""
        problems = list(self.log.fill(entry))
        if self.log.newest.get(entry.key) is entry:
            self._expect(entry)
        return problems

    def mended(self, entry: Publication) -> bool:
        """Replace a broken entry that the ledger has repaired; return whether it is now sound."""
        if not self.log.mended(entry):
            return False
        self._expect(entry)
        return True

    def turn(self, now: datetime) -> set[str]:
        """Apply what has come into effect; return the keys that changed."""
        changed = self.log.turn_pages(now)
        for key in changed:
            entry = self.log.newest[key]
            self._expect(entry)
            if not is_public(entry.kind):
                self._forget(entry)
        return changed

    def _forget(self, case: Publication) -> None:
        if case.effective_at is None and case.expires_at is None:
            self.log.forget_entry(case.key)
            self._recent_cases.append(_Recent(case.key, case.position, case.released_at))
        else:
            # Still to be compared with the clock. The sources set no such times for cases.
            self.log.newest[case.key] = case.model_copy(update={"body": None})

    def wanted(self, name: str, key: str, now: datetime) -> ExpectedDocument | None:
        """Return what a channel should show of a public key; None if it cannot be computed here."""
        entry = self.log.newest.get(key)
        if key in self.log.unknown_keys or key in self._unknown[name]:
            return None
        if entry is None:
            return None if key in self.log.in_force else ExpectedDocument(None)
        moment = max(entry.released_at, entry.effective_at or entry.released_at)
        if entry.part_of is not None:
            moment = max(moment, self.log.timed(entry).starts)
        shown = self._shown[name].get(key)
        if shown is None:
            return ExpectedDocument(None, entry.version, moment)
        if shown.ends is not None and shown.ends <= now:
            return ExpectedDocument(None, entry.version, shown.ends, ended=True)
        return ExpectedDocument(self._content(name, entry), entry.version, moment)

    def is_exactly(self, name: str, key: str, shown: Json, now: datetime) -> bool:
        """Return whether `shown` is the expected document, by its digest, without computing the document."""
        known = self._shown[name].get(key)
        return (
            known is not None
            and (known.ends is None or known.ends > now)
            and hashlib.sha256(orjson.dumps(shown)).hexdigest() == known.content_digest
        )

    def public_keys(self) -> list[str]:
        """Return every key of a listed kind that has ever been in force, shown or not, in order."""
        return sorted(key for key, entry in self.log.newest.items() if is_listed(entry.kind))

    def keys_in(self, bucket: str, bucket_of: Callable[[str], str]) -> list[str]:
        """Return the ledger's keys in one bucket of the digests, `<kind> <bucket>`."""
        return [key for key in self.log.versions if f"{kind_of(key)} {bucket_of(key)}" == bucket]

    def shown_keys(self, name: str, now: datetime) -> Iterator[str]:
        """Yield the listed keys of which the channel should show something."""
        for key, shown in self._shown[name].items():
            if is_listed(kind_of(key)) and (shown.ends is None or shown.ends > now):
                yield key

    def lines(self, name: str, now: datetime) -> Iterator[ExpectedLine]:
        """Yield the lines of the channel's digests, except what cannot be computed here, see `doubtful`."""
        for key, shown in self._shown[name].items():
            if shown.ends is None or shown.ends > now:
                yield ExpectedLine(key, key.partition(":")[0], shown.version, shown.position, shown.content_digest)

    def doubtful(self, name: str, position: int, now: datetime, allowed: timedelta) -> Iterator[str]:
        """Yield keys on which a correct channel at `position` may differ: unknown here, late, or changing at this
        moment.
        """
        yield from self._unknown[name]
        yield from self.log.unknown_keys
        since, soon = now - allowed, now + SOON
        for entry in chain(self.log.newest.values(), self.log.waiting):
            completed = None if entry.part_of is None else self.log.completions.get(entry.part_of)
            moments = (entry.effective_at, entry.expires_at, completed)
            turning = any(moment and since <= moment <= soon for moment in moments)
            if turning or (entry.position > position and entry.released_at >= since):
                yield entry.key
        while self._recent_cases and self._recent_cases[0].released_at < since:
            self._recent_cases.popleft()
        late = (case for case in self._recent_cases if case.position > position and case.released_at >= since)
        yield from (case.key for case in late)

    def _expect(self, entry: Publication) -> None:
        alike: dict[_Shown, _Shown] = {}
        for name in self.sights:
            self._shown[name].pop(entry.key, None)
            self._unknown[name].discard(entry.key)
            try:
                shown = self._shown_of(name, entry)
            except _NotComputable:
                self._unknown[name].add(entry.key)
                continue
            if shown is not None:
                # One object for all channels that show the same bytes.
                self._shown[name][entry.key] = alike.setdefault(shown, shown)

    def _shown_of(self, name: str, entry: Publication) -> _Shown | None:
        """Return what the channel should show; None for nothing. Raises `_NotComputable`."""
        if is_without_body(entry):
            raise _NotComputable
        try:
            row = self.sights[name].row(entry)
        except Exception as error:
            # The channel parks such an entry, whatever is wrong with it.
            _log.debug("entry not projected", kind=entry.kind, position=entry.position, reason=type(error).__name__)
            raise _NotComputable from error
        if row["content"] is None:
            return None
        return _Shown(entry.version, entry.position, row["content_digest"], entry.expires_at)

    def _content(self, name: str, entry: Publication) -> Json:
        content: Json = orjson.loads(self.sights[name].row(entry)["content"])
        return content

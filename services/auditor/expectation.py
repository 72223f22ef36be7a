"""What each channel should show now, worked out from the ledger's entries by the channels' own pure functions."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

import orjson

from contracts.base import Json
from contracts.publication import Kind, Publication
from services.auditor.model import Line, Sight, Wanted
from shared import log
from shared.comparison import Log, is_withheld

SOON = timedelta(seconds=2)
_log = log.get("auditor")


@dataclass(frozen=True, slots=True)
class _Shown:
    """A document without its content, which is worked out again when it is asked for."""

    version: int
    position: int
    content_digest: str
    ends: datetime | None


class Expectation:
    """Follows the ledger in memory. A case's body is forgotten as soon as its digests are known."""

    def __init__(self, sights: Mapping[str, Sight]) -> None:
        self.sights = sights
        self.log = Log()
        self._shown: dict[str, dict[str, _Shown]] = {name: {} for name in sights}
        self._unknown: dict[str, set[str]] = {name: set() for name in sights}

    def take(self, entry: Publication) -> list[str]:
        """Add the ledger's next entry; what is wrong with it."""
        return list(self.log.take(entry))

    def turn(self, now: datetime) -> set[str]:
        """Let what has come into effect count; whose keys changed."""
        changed = self.log.turn_pages(now)
        for key in changed:
            entry = self.log.newest[key]
            for name in self.sights:
                self._expect(name, entry)
            if entry.kind == Kind.APPLICATION:
                self.log.newest[key] = entry.model_copy(update={"body": None})
        return changed

    def wanted(self, name: str, key: str, now: datetime) -> Wanted | None:
        """What a channel should show of a key that is public; None when that cannot be worked out from here."""
        entry = self.log.newest.get(key)
        if entry is None:
            return Wanted(None)
        if key in self._unknown[name]:
            return None
        moment = max(entry.released_at, entry.effective_at or entry.released_at)
        shown = self._shown[name].get(key)
        if shown is None:
            return Wanted(None, entry.version, moment)
        if shown.ends is not None and shown.ends <= now:
            return Wanted(None, entry.version, shown.ends, ended=True)
        return Wanted(self._content(name, entry), entry.version, moment)

    def is_exactly(self, name: str, key: str, shown: Json, now: datetime) -> bool:
        """Whether this is the very document that should be shown, told by its digest: nothing is worked out again."""
        known = self._shown[name].get(key)
        return (
            known is not None
            and (known.ends is None or known.ends > now)
            and hashlib.sha256(orjson.dumps(shown)).hexdigest() == known.content_digest
        )

    def public_keys(self) -> list[str]:
        """Every key of an item or a guide that has ever been in force, shown or not, in order."""
        return sorted(key for key, entry in self.log.newest.items() if entry.kind != Kind.APPLICATION)

    def keys_in(self, bucket: str, bucket_of: Callable[[str], str]) -> list[str]:
        """The ledger's keys of one bucket of the digests, `<kind> <bucket>`."""
        return [key for key, entry in self.log.newest.items() if f"{entry.kind} {bucket_of(key)}" == bucket]

    def shown_keys(self, name: str, now: datetime) -> Iterator[str]:
        """Public keys of which the channel should show something."""
        for key, shown in self._shown[name].items():
            if not key.startswith(f"{Kind.APPLICATION}:") and (shown.ends is None or shown.ends > now):
                yield key

    def lines(self, name: str, now: datetime) -> Iterator[Line]:
        """What the channel's digests should be made of; without what cannot be worked out here, see `doubtful`."""
        for key, shown in self._shown[name].items():
            if shown.ends is None or shown.ends > now:
                yield Line(key, key.partition(":")[0], shown.version, shown.position, shown.content_digest)

    def doubtful(self, name: str, position: int, now: datetime, allowed: timedelta) -> Iterator[str]:
        """Keys about which a sound channel at `position` need not agree with us: unknown here, late, just turning."""
        yield from self._unknown[name]
        since, soon = now - allowed, now + SOON
        for entry in chain(self.log.newest.values(), self.log.waiting):
            turning = any(moment and since <= moment <= soon for moment in (entry.effective_at, entry.expires_at))
            if turning or (entry.position > position and entry.released_at >= since):
                yield entry.key

    def _expect(self, name: str, entry: Publication) -> None:
        self._shown[name].pop(entry.key, None)
        self._unknown[name].discard(entry.key)
        if is_withheld(entry):
            self._unknown[name].add(entry.key)
            return
        try:
            row = self.sights[name].row(entry)
        except Exception as error:  # noqa: BLE001  # the channel parks such an entry, whatever is wrong with it
            _log.debug("not projected", kind=entry.kind, position=entry.position, reason=type(error).__name__)
            self._unknown[name].add(entry.key)
            return
        if row["content"] is not None:
            shown = _Shown(entry.version, entry.position, row["content_digest"], entry.expires_at)
            self._shown[name][entry.key] = shown

    def _content(self, name: str, entry: Publication) -> Json:
        content: Json = orjson.loads(self.sights[name].row(entry)["content"])
        return content

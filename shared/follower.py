"""Following a numbered log: apply 1, 2, 3 … in order, ignore what came before, fetch what is missing.

Both hops follow: the ledger follows each lane of each source, a channel follows the ledger. The broker only brings the
news sooner; what it loses, doubles or swaps is made good here, because the numbers have no holes.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import orjson
from pydantic import ValidationError

from contracts.event import EVENT_TYPES, HEAD_TYPE, Event
from contracts.publication import Head, Release
from shared import log, metrics
from shared.canonical import digest
from shared.delivery import Message, Refusal
from shared.errors import Broken, Unavailable, UpstreamDown
from shared.proof import Unproven

FETCH_LIMIT = 500


E = TypeVar("E", bound=Release)


class Moved(Unavailable):
    """The store is not where the run begins: another follower was here, or a backup was restored."""


class Follower(ABC, Generic[E]):
    """One follower of one log. Safe to call from several threads; one applies at a time."""

    def __init__(self, service: str, entry_type: type[E], fetch: Callable[[int, int], Sequence[E]]) -> None:
        """`fetch(after, limit)` reads upstream over HTTP (or directly, in one process)."""
        self.service = service
        self._entry_type = entry_type
        self._fetch = fetch
        self._turn = threading.RLock()
        # Where the last run ended: saves a look at the store, which checks it anyway when the next run is applied.
        self._known: int | None = None
        self._looked_at: int | None = None
        self._log = log.get("follower")

    @abstractmethod
    def number_of(self, entry: E) -> int:
        """The entry's number in the log."""

    @abstractmethod
    def position(self) -> int:
        """Number of the last entry applied."""

    @abstractmethod
    def apply(self, entries: Sequence[E]) -> None:
        """Apply a run without holes in one transaction. Raises `Unavailable`, and `Moved` when it does not continue
        where the store is, whoever has moved it.
        """

    def proven(self, entry: E) -> E:
        """The entry, when it is one of upstream's. Raises `Broken` for any other, `Unavailable` while nobody can say.

        By itself a log proves nothing: who may write to its queue is believed.
        """
        return entry

    def inspect(self, entry: E) -> None:
        """Look at an entry that came from upstream instead of the queue. Raises `Broken` for a wrong digest."""
        checked(entry)

    def believes(self, head: Head) -> bool:
        """Whether the head is the ledger's; False while nobody can say. Raises `Broken` for any other."""
        return True

    def on_head(self, head: Head) -> None:
        """A signed head arrived. Only the ledger's followers get any."""

    def take(self, messages: Sequence[Message]) -> list[Refusal]:
        """The handler of a batch from the queue. Nothing that is refused moves anything, or holds anything up."""
        batch = decode(self.service, messages, self._entry_type, self.proven)
        self.advance(batch.entries)
        for index, head in reversed(batch.heads):
            try:
                believed = self.believes(head)
            except Broken as error:
                batch.refusals.append(refusal(self.service, index, messages[index], error))
                continue
            if believed:
                self.advance_to(head.size)
                self.on_head(head)
                break
        return batch.refusals

    def advance(self, entries: Sequence[E]) -> list[E]:
        """Apply what is new; heal gaps from upstream. What carried a number from before, and so was not applied.

        Raises `Unavailable` when upstream cannot help now.
        """
        with self._turn:
            position = self._where()
            self._known = None
            again = [entry for entry in entries if self.number_of(entry) <= position]
            waiting = {self.number_of(entry): entry for entry in entries if self.number_of(entry) > position}
            metrics.duplicates.labels(self.service).inc(len(entries) - len(waiting))
            while waiting:
                run: list[E] = []
                while position + len(run) + 1 in waiting:
                    run.append(waiting.pop(position + len(run) + 1))
                if run:
                    position = self._applied(run, position)
                    waiting = {number: entry for number, entry in waiting.items() if number > position}
                else:
                    self._heal(waiting, position)
            self._known = position
        return again

    def advance_to(self, number: int) -> int:
        """Catch up with upstream as far as `number`; how many entries were fetched."""
        with self._turn:
            fetched = 0
            while (position := self._where()) < number:
                entries = self._fetched(position, min(FETCH_LIMIT, number - position))
                if not entries:
                    raise Unavailable(f"{self.service}: upstream has no entry {position + 1} yet")
                self.advance(entries)
                fetched += len(entries)
            if fetched:
                metrics.gaps_healed.labels(self.service).inc()
                self._log.info("caught up", fetched=fetched, position=position)
            return fetched

    def _where(self) -> int:
        return self.position() if self._known is None else self._known

    def catch_up(self) -> int:
        """Fetch until upstream has nothing new; how many entries."""
        fetched = 0
        while entries := self._fetched(self.position(), FETCH_LIMIT):
            self.advance(entries)
            fetched += len(entries)
        return fetched

    def catch_up_if_stuck(self) -> int:
        """The same, the first time and whenever nothing has been applied since the last time.

        While entries come by the queue, fetching those that still wait there would only do the work twice.
        """
        position = self.position()
        moving, self._looked_at = self._looked_at not in (None, position), position
        return 0 if moving else self.catch_up()

    def _applied(self, run: Sequence[E], position: int) -> int:
        """Where we are after applying `run`: behind it, or where another follower of the same store has gone."""
        try:
            self.apply(run)
        except Moved:
            return self.position()
        return position + len(run)

    def _heal(self, fresh: dict[int, E], position: int) -> None:
        missing = min(fresh) - position - 1
        entries = self._fetched(position, min(missing, FETCH_LIMIT))
        if not entries:
            raise Unavailable(f"{self.service}: entries {position + 1} to {min(fresh) - 1} are missing upstream")
        metrics.gaps_healed.labels(self.service).inc()
        self._log.info("gap healed", after=position, missing=missing)
        fresh.update({self.number_of(entry): entry for entry in entries})

    def upstream(self, after: int, limit: int) -> list[E]:
        """What follows `after` upstream, without holes, each proven; as far as that goes.

        Raises `Broken` when it begins with another one, and `UpstreamDown` when even the first is not proven.
        """
        entries: list[E] = []
        for number, entry in enumerate(self._fetch(after, limit), after + 1):
            if self.number_of(entry) != number:
                raise Broken(f"{self.service}: upstream sent {self.number_of(entry)}, expected {number}")
            try:
                entries.append(self.vouched(entry))
            except Unavailable:
                if not entries:
                    raise
                break
        return entries

    def vouched(self, entry: E) -> E:
        """An entry that was read upstream, when it is `proven`. Raises `UpstreamDown` for any other, and says so."""
        try:
            return self.proven(entry)
        except Broken as error:
            metrics.unproven.labels(self.service).inc()
            self._log.critical("upstream sent what it cannot prove", service=self.service, reason=str(error))
            number = self.number_of(entry)
            raise UpstreamDown(f"{self.service}: upstream cannot prove {number}: {error}") from error

    def _fetched(self, after: int, limit: int) -> list[E]:
        """What `upstream` gives, each inspected."""
        entries = self.upstream(after, limit)
        for entry in entries:
            self.inspect(entry)
        return entries


@dataclass
class Batch(Generic[E]):
    """A batch of messages, read: entries (with their indexes) and heads in order, and what could not be read."""

    entries: list[E]
    indexes: list[int]
    heads: list[tuple[int, Head]]
    refusals: list[Refusal]


def decode(
    service: str, messages: Sequence[Message], entry_type: type[E], proven: Callable[[E], E] = lambda entry: entry
) -> Batch[E]:
    """Read a batch. What is not an event of ours, does not fit its digest or is not `proven` is refused, with reason.

    Raises what `proven` raises besides `Broken`: then nothing of the batch is taken or refused yet.
    """
    batch: Batch[E] = Batch([], [], [], [])
    for index, message in enumerate(messages):
        try:
            event = Event.model_validate(orjson.loads(message.body))
            if event.type == HEAD_TYPE:
                batch.heads.append((index, Head.model_validate(event.data)))
            else:
                entry = _as_named(checked(entry_type.model_validate(event.data)), event.type)
                batch.entries.append(proven(entry))
                batch.indexes.append(index)
        except (ValueError, Broken) as error:
            batch.refusals.append(refusal(service, index, message, error))
    return batch


def refusal(service: str, index: int, message: Message, error: Exception) -> Refusal:
    """Refuse a message, counted and logged. What only a forger or a bad disk makes wakes somebody up."""
    reason = _reason(error)
    metrics.refused.labels(service, type(error).__name__).inc()
    say = log.get("follower")
    (say.critical if isinstance(error, Unproven) else say.error)(
        "message refused", reason=reason, message_id=message.message_id[:120]
    )
    return Refusal(index, reason)


def _as_named(entry: E, name: str) -> E:
    if name != EVENT_TYPES[entry.kind, entry.op]:
        raise Broken(f"type {name[:60]!r} is not what its data are")
    return entry


def checked(entry: E) -> E:
    """The entry, when its content fits its digest. A body that was erased or withheld cannot be checked and is not."""
    withheld = entry.body is None and entry.op == "release"
    if not withheld and digest(entry.content()) != entry.digest:
        raise Broken(f"{entry.key} version {entry.version}: content does not fit its digest")
    return entry


def _reason(error: Exception) -> str:
    """Where it is wrong and which rule, never what was sent."""
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)[:3])
    return f"{type(error).__name__}: {error}"[:200]

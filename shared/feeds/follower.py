"""A follower applies a numbered log in order: it applies 1, 2, 3 …, ignores duplicates and fetches what is missing.

There are two hops: the ledger follows each lane of each source, and a channel follows the ledger. The broker only makes
delivery faster. Lost, duplicated or reordered messages are repaired here, because the numbers have no holes.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import orjson
from pydantic import ValidationError

from contracts.envelope.event import HEAD_TYPE, Event
from contracts.envelope.publication import Head, Release
from contracts.kinds import Op, is_event_type
from shared import log, metrics
from shared.errors import Broken, Unavailable, UpstreamDown
from shared.messaging.delivery import Message, Refusal
from shared.transparency.canonical import digest
from shared.transparency.proof import Unproven

FETCH_LIMIT = 500


E = TypeVar("E", bound=Release)
_log = log.get("follower")


class Moved(Unavailable):
    """The store is not at the position where the run begins: another follower was faster, or a backup was restored."""


class FollowedLog(Protocol[E]):
    """The log that a follower follows, and the store to which it applies the log."""

    def number_of(self, entry: E) -> int:
        """The entry's number in the log."""

    def position(self) -> int:
        """Number of the last entry that the store has applied."""

    def apply(self, entries: Sequence[E]) -> None:
        """Apply a run without holes in one transaction.

        Raises `Moved` when the run does not continue where the store is, whoever has moved it, and `Unavailable`.
        """

    def fetch(self, after: int, limit: int) -> Sequence[E]:
        """What follows `after` upstream, as far as it goes; see `verified_run`. Raises `UpstreamDown`, `Broken`."""


class HeadReader(Protocol):
    """Hears of the signed heads that come between the ledger's entries."""

    def believes(self, head: Head) -> bool:
        """Whether the head is the ledger's; False while nobody can say. Raises `Broken` for any other."""

    def on_head(self, head: Head) -> None:
        """A head arrived, and everything that it covers has been applied."""


class Follower(Generic[E]):
    """Follows one log. Thread-safe; only one thread applies entries at a time."""

    def __init__(self, service: str, log: FollowedLog[E]) -> None:
        self.service = service
        self.turn = threading.RLock()
        self._log = log
        # Position after the last run. It saves a query; `apply` compares it with the store in its own transaction.
        self._known: int | None = None
        self._looked_at: int | None = None

    def where(self) -> int:
        """Return the store's position, from memory when it is known."""
        return self._log.position() if self._known is None else self._known

    def is_at(self, position: int | None) -> None:
        """Note the store's position. None: another process may have moved it, so the store is asked the next time."""
        self._known = position

    def advance(self, entries: Sequence[E]) -> None:
        """Apply the new entries and fetch missing ones from upstream; entries applied before are dropped.

        Raises `Unavailable` when upstream cannot deliver the missing entries now.
        """
        with self.turn:
            position = self.where()
            self._known = None
            number_of = self._log.number_of
            waiting = {number_of(entry): entry for entry in entries if number_of(entry) > position}
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

    def advance_to(self, number: int) -> int:
        """Fetch from upstream until `number` is applied. Return how many entries were fetched."""
        with self.turn:
            fetched = 0
            while (position := self.where()) < number:
                entries = self.fetch(position, min(FETCH_LIMIT, number - position))
                if not entries:
                    raise Unavailable(f"{self.service}: upstream has no entry {position + 1} yet")
                self.advance(entries)
                fetched += len(entries)
            if fetched:
                metrics.gaps_healed.labels(self.service).inc()
                _log.info("caught up", fetched=fetched, position=position)
            return fetched

    def catch_up(self) -> int:
        """Fetch until upstream has nothing new. Return how many entries were fetched."""
        fetched = 0
        while entries := self.fetch(self._log.position(), FETCH_LIMIT):
            self.advance(entries)
            fetched += len(entries)
        return fetched

    def catch_up_if_stuck(self) -> int:
        """Call `catch_up` if nothing has been applied since the last call, or on the first call.

        While entries arrive by the queue, fetching would only apply again what still waits there.
        """
        position = self._log.position()
        moving, self._looked_at = self._looked_at not in (None, position), position
        return 0 if moving else self.catch_up()

    def fetch(self, after: int, limit: int) -> Sequence[E]:
        """See `FollowedLog`."""
        if self._known != after:
            self._known = None
        return self._log.fetch(after, limit)

    def _applied(self, run: Sequence[E], position: int) -> int:
        """Apply `run` and return the new position; the store's own if another follower has moved it."""
        try:
            self._log.apply(run)
        except Moved:
            return self._log.position()
        return position + len(run)

    def _heal(self, fresh: dict[int, E], position: int) -> None:
        missing = min(fresh) - position - 1
        entries = self.fetch(position, min(missing, FETCH_LIMIT))
        if not entries:
            raise Unavailable(f"{self.service}: entries {position + 1} to {min(fresh) - 1} are missing upstream")
        metrics.gaps_healed.labels(self.service).inc()
        _log.info("gap healed", after=position, missing=missing)
        fresh.update({self._log.number_of(entry): entry for entry in entries})


def verified_run(
    service: str, entries: Sequence[E], after: int, number_of: Callable[[E], int], proven: Callable[[E], E]
) -> list[E]:
    """Entries as upstream gave them, each proven; only those before the first one that is not.

    Raises `Broken` when they do not follow `after` without holes, and `UpstreamDown` when even the first is not proven.
    """
    run: list[E] = []
    for number, entry in enumerate(entries, after + 1):
        if number_of(entry) != number:
            raise Broken(f"{service}: upstream sent {number_of(entry)}, expected {number}")
        try:
            run.append(vouched(service, entry, number, proven))
        except Unavailable:
            if not run:
                raise
            break
    return run


def vouched(service: str, entry: E, number: int, proven: Callable[[E], E]) -> E:
    """An entry that was read upstream, when it is `proven`. Raises `UpstreamDown` for any other, and logs it."""
    try:
        return proven(entry)
    except Broken as error:
        metrics.unproven.labels(service).inc()
        _log.critical("upstream sent an entry with an invalid proof", service=service, reason=str(error))
        raise UpstreamDown(f"{service}: upstream cannot prove {number}: {error}") from error


def take_heads(follower: Follower[E], reader: HeadReader, batch: "Batch[E]", messages: Sequence[Message]) -> None:
    """Hear of the newest head of a batch that is believed, after catching up with it. Others are refused."""
    for index, head in reversed(batch.heads):
        try:
            believed = reader.believes(head)
        except Broken as error:
            batch.refusals.append(refusal(follower.service, index, messages[index], error))
            continue
        if believed:
            follower.advance_to(head.size)
            reader.on_head(head)
            break


@dataclass
class Batch(Generic[E]):
    """A decoded batch: entries (with their message indexes) and heads in order, and the refused messages."""

    entries: list[E]
    indexes: list[int]
    heads: list[tuple[int, Head]]
    refusals: list[Refusal]


def decode(
    service: str, messages: Sequence[Message], entry_type: type[E], proven: Callable[[E], E] = lambda entry: entry
) -> Batch[E]:
    """Decode a batch. Refuse messages that are not our events, do not match their digest or are not `proven`.

    Errors of `proven` other than `Broken` propagate; no message of the batch has then been accepted or refused.
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
    """Refuse a message; count and log it. `Unproven` is logged as critical: only forgery or a bad disk causes it."""
    reason = _reason(error)
    metrics.refused.labels(service, type(error).__name__).inc()
    (_log.critical if isinstance(error, Unproven) else _log.error)(
        "message refused", reason=reason, message_id=message.message_id[:120]
    )
    return Refusal(index, reason)


def _as_named(entry: E, name: str) -> E:
    if not is_event_type(name, entry.kind, entry.op):
        raise Broken(f"type {name[:60]!r} does not match its data")
    return entry


def checked(entry: E) -> E:
    """Return the entry if its content matches its digest. Raises `Broken` if not.

    An entry without a body is not checked unless it is a withdrawal: its body was erased by law, is withheld from this
    reader, or belongs to an op that this version does not know.
    """
    missing = entry.body is None and entry.op != Op.WITHDRAW
    if not missing and digest(entry.content()) != entry.digest:
        raise Broken(f"{entry.key} version {entry.version}: the content does not match its digest")
    return entry


def _reason(error: Exception) -> str:
    """Return field and violated rule, never the value sent."""
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)[:3])
    return f"{type(error).__name__}: {error}"[:200]

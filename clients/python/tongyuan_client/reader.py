"""The rules of a subscriber, without input and output: what comes in, what is delivered, what is asked for."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tongyuan_client.entry import ACT, Entry, entry_of
from tongyuan_client.errors import Halted, Refused, UnknownSigner
from tongyuan_client.state import State
from tongyuan_client.trust import Trust

HEAD = "tongyuan.ledger.head"


@dataclass(frozen=True, slots=True)
class Event:
    """One version of one key. `op`: release, withdraw, or erase: law has taken the body away, so drop your copy."""

    position: int
    key: str
    version: int
    op: str
    body: dict[str, Any] | None
    entry: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """What to ask the feed for. `what`: entries (from `position` on), entry (at `position`), or keys."""

    what: str
    position: int = 0


@dataclass
class Reaction:
    """What an input leads to. `reset`: the feed begins anew; what is not delivered from here on is not published."""

    deliver: list[Event] = field(default_factory=list)
    ask: list[Ask] = field(default_factory=list)
    parked: list[int] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    reset: bool = False


class Reader:
    """Takes what a feed says, in any order and any number of times.

    The feed's positions are the word, an event is a hint: one that does not come next makes the reader ask. Each key's
    versions are delivered once and rising. Call every method inside `State.transaction`, and deliver before it ends.
    """

    def __init__(self, state: State, trust: Trust | None, now: Callable[[], datetime] | None = None) -> None:
        """`trust`: None takes everything unproven."""
        self.state, self._trust = state, trust
        self._now = now or (lambda: datetime.now(UTC))
        self._held = False

    @property
    def halted(self) -> str | None:
        """Why nothing is taken any more; None while all is well."""
        return self.state.fact("halted")

    @property
    def stale(self) -> bool:
        """Whether the newest signed statement has expired."""
        return self._trust is not None and self._trust.is_stale()

    def opened(self, epoch: str, size: int) -> Reaction:
        """The feed was opened, anew or again: its epoch and size count, not whether it says that nothing was missed."""
        return self._guarded(lambda out: self._open(epoch, size, out))

    def event(self, raw: Any) -> Reaction:
        """Take an event, as text, bytes or object."""
        return self._guarded(lambda out: self._event(raw, out))

    def page(self, entries: Any, size: Any) -> Reaction:
        """Take the answer to a question for entries."""
        return self._guarded(lambda out: self._page(entries, size, out))

    def entry(self, raw: Any) -> Reaction:
        """Take the answer to a question for one entry, whose time has come."""
        return self._guarded(lambda out: self._late(raw, out))

    def keys(self, listed: Any) -> Reaction:
        """Take the county's list of keys."""
        return self._guarded(lambda out: self._learn(listed, out))

    def time(self) -> Reaction:
        """Look for entries whose time has come."""
        return self._guarded(self._due)

    def _guarded(self, take: Callable[[Reaction], None]) -> Reaction:
        out = Reaction()
        if self.halted is not None:
            return out
        try:
            take(out)
        except UnknownSigner:
            self._held = True
            out.ask.append(Ask("keys"))
        except Refused as refusal:
            out.refused.append(refusal.reason)
            out.ask.append(self._next())
        except Halted as halt:
            self.state.set_fact("halted", str(halt))
        return out

    def _open(self, epoch: str, size: int, out: Reaction) -> None:
        known = self.state.fact("epoch")
        if known is None:
            self.state.set_fact("epoch", epoch)
        if known not in (None, epoch) or size < self.state.position:
            self._start_over(epoch, out)
        if size > self.state.position or out.reset:
            out.ask.append(self._next())

    def _event(self, raw: Any, out: Reaction) -> None:
        event = _cloud_event(raw)
        data = event["data"]
        if event["type"] == HEAD:
            self._head(data, out)
        elif "position" in data:
            self._hint(entry_of(data), out)

    def _head(self, data: dict[str, Any], out: Reaction) -> None:
        size = self._trust.head(data).size if self._trust else data.get("size")
        if isinstance(size, int) and size > self.state.position:
            out.ask.append(self._next())

    def _hint(self, entry: Entry, out: Reaction) -> None:
        position = self.state.position
        if entry.position > position + 1:
            out.ask.append(self._next())
        elif entry.position == position + 1:
            self._take(entry, out)
        elif self._trust:
            self._trust.prove(entry)

    def _page(self, entries: Any, size: Any, out: Reaction) -> None:
        if not isinstance(entries, list) or type(size) is not int:
            raise Refused("malformed", "a page has entries and a size")
        if size < self.state.position:
            self._start_over(None, out)
        for raw in entries:
            entry = entry_of(raw)
            if entry.position > self.state.position + 1:
                break
            if entry.position == self.state.position + 1:
                self._take(entry, out)
        if self.state.position < size:
            out.ask.append(self._next())

    def _take(self, entry: Entry, out: Reaction) -> None:
        """Take the next entry: prove it, move the position, deliver or keep it."""
        if self._trust:
            self._trust.prove(entry)
        self.state.set_fact("position", str(entry.position))
        if not entry.known:
            self.state.park(entry.position, entry.raw)
            out.parked.append(entry.position)
            return
        self._deliver(entry, out)
        if entry.kind == ACT:
            self.state.remember_act(entry.key)
            self._due(out)

    def _late(self, raw: Any, out: Reaction) -> None:
        entry = entry_of(raw)
        waiting = self.state.waiting_digest(entry.position)
        if waiting is None:
            return
        if self._trust:
            self._trust.prove(entry)
        if waiting != entry.digest or not entry.known:
            raise Refused("digest", f"entry {entry.position} is another one than before")
        self.state.done_waiting(entry.position)
        self._deliver(entry, out)

    def _deliver(self, entry: Entry, out: Reaction) -> None:
        if entry.version <= self.state.version(entry.key):
            return
        starts = entry.starts
        in_set = entry.part_of is None or self.state.has_act(entry.part_of)
        if entry.no_body == "withheld" or not in_set or (starts and starts > self._now()):
            # Without a time and without a set it needs a token: this reader never sees the body.
            if starts is not None or entry.part_of is not None:
                self.state.wait(entry, starts)
            return
        op = "erase" if entry.no_body == "erased" else entry.op
        self.state.delivered(entry.key, entry.version)
        out.deliver.append(Event(entry.position, entry.key, entry.version, op, entry.body, entry.raw))

    def _due(self, out: Reaction) -> None:
        out.ask += [Ask("entry", position) for position in self.state.due(self._now())]

    def _learn(self, listed: Any, out: Reaction) -> None:
        if self._trust:
            self._trust.learn(listed)
        if self._held:
            self._held = False
            out.ask.append(self._next())

    def _start_over(self, epoch: str | None, out: Reaction) -> None:
        self.state.start_over(epoch)
        out.reset = True

    def _next(self) -> Ask:
        return Ask("entries", self.state.position + 1)


def _cloud_event(raw: Any) -> dict[str, Any]:
    """Read an event. Raises `Refused` for what is no CloudEvents 1.0 event with an object as data."""
    try:
        event = json.loads(raw) if isinstance(raw, (str, bytes)) else raw
    except (ValueError, RecursionError):
        raise Refused("malformed", "not JSON") from None
    if not isinstance(event, dict) or event.get("specversion") != "1.0":
        raise Refused("malformed", "not a CloudEvents 1.0 event")
    if not isinstance(event.get("type"), str) or not isinstance(event.get("data"), dict):
        raise Refused("malformed", "an event has a type, and an object as data")
    return event

"""Runs a reader over a feed: asks what the reader wants to know, and hands over events."""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Self

import httpx

from tongyuan_client.errors import Halted, Refused
from tongyuan_client.feeds import Feed
from tongyuan_client.reader import Ask, Event, Reaction, Reader
from tongyuan_client.state import State
from tongyuan_client.trust import Trust

WAIT = 20.0
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0
TRIES = 5
"""Without `follow`: after so many failures without progress, give up."""

RESET = "reset"
Input = Callable[[], Reaction]
"""Tells the reader something that was fetched; called inside a transaction."""


class Subscriber:
    """A county's events in order, each key's versions rising, at least once.

    `state`: a file, or a `State`. `keys`: the county's verifier keys from a source of your own; without any, those that
    the county lists at the first contact are trusted from then on. `verify=False` takes everything unproven.
    """

    def __init__(self, feed: Feed, state: State | Path | str, *, keys: Iterable[str] = (), verify: bool = True) -> None:
        self.feed = feed
        self.state = state if isinstance(state, State) else State(state)
        trust = Trust(self.state, keys, _now) if verify else None
        self.reader = Reader(self.state, trust, _now)
        self.refused = 0

    def close(self) -> None:
        """Let go of feed and state. What was handled is stored."""
        self.feed.close()
        self.state.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def events(self, *, follow: bool = True) -> Iterator[Event]:
        """Yield events. One counts as handled once the next page is asked for: leave the loop, and it comes again.

        `op` of an event is release, withdraw, erase, or reset: begin a new copy, the county's feed has begun anew.
        `follow=False`: end when everything published so far was yielded. Raises `Halted`; without `follow` also what
        the network raised last, and `Refused` when the feed keeps answering with what cannot be proven.
        """
        yield from self._settled(self._opening, patient=follow)
        while follow:
            yield from self._settled(self._listening, patient=True)

    def _opening(self) -> list[Input]:
        return [partial(self.reader.opened, *self.feed.open()), self.reader.time]

    def _listening(self) -> list[Input]:
        heard: list[Input] = [partial(self.reader.event, raw) for raw in self.feed.wait(WAIT)]
        return [*heard, *self._opening()]

    def _answers(self, asks: Iterable[Ask]) -> list[Input]:
        return [self._answer(ask) for ask in asks]

    def _answer(self, ask: Ask) -> Input:
        if ask.what == "keys":
            return partial(self.reader.keys, self.feed.listed_keys())
        if ask.what == "entry":
            return partial(self.reader.entry, self.feed.entry(ask.position))
        page = self.feed.entries(ask.position)
        return partial(self.reader.page, page.entries, page.size)

    def _settled(self, fetch: Callable[[], list[Input]], *, patient: bool) -> Iterator[Event]:
        """Take what `fetch` returns and all that follows from it, page after page."""
        failures, more = 0, True
        while more:
            before, reactions = self.state.position, []
            failure: Exception | None = None
            try:
                inputs = fetch()
                with self.state.transaction():
                    for take in inputs:
                        reactions.append(take())
                        yield from _events(reactions[-1])
                self.feed.done()
                failure = self._refusal(reactions)
            except (OSError, httpx.HTTPError) as error:
                failure = error
            if self.reader.halted:
                raise Halted(self.reader.halted)
            if asks := list(dict.fromkeys(ask for reaction in reactions for ask in reaction.ask)):
                fetch = partial(self._answers, asks)
            more = bool(asks) or failure is not None
            failures = failures + 1 if failure is not None and self.state.position == before else 0
            if failure is not None and failures >= TRIES and not patient:
                raise failure
            if failures:
                time.sleep(min(FIRST_PAUSE * 2 ** (failures - 1), LONGEST_PAUSE))

    def _refusal(self, reactions: Iterable[Reaction]) -> Refused | None:
        reasons = [reason for reaction in reactions for reason in reaction.refused]
        self.refused += len(reasons)
        return Refused(reasons[-1], "the county's answers are refused again and again") if reasons else None


def _events(reaction: Reaction) -> Iterator[Event]:
    if reaction.reset:
        yield Event(0, "", 0, RESET, None, {})
    yield from reaction.deliver


def _now() -> datetime:
    return datetime.now(UTC)

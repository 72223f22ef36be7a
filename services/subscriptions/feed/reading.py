"""Pages of the log for one subscriber: what the filters want, bounded by number and bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from services.subscriptions.feed.cursors import Cursors, StartOver
from services.subscriptions.log.store import LogState, LogStore, wanted
from services.subscriptions.model import SubscriptionRow
from services.subscriptions.registry.filters import Filter, matches

SCANNED = 1000
"""Most events that one page looks at, whether they are wanted or not."""

MOST_BYTES = 2 * 2**20


@dataclass(frozen=True)
class Page:
    """Events as JSON texts, each with the cursor after it; `cursor` is after the last event that was looked at."""

    events: list[tuple[str, str]]
    cursor: str
    position: int
    more: bool


class FeedReader:
    """Reads pages for subscribers."""

    def __init__(self, store: LogStore, cursors: Cursors) -> None:
        self._store, self._cursors = store, cursors

    def place(self, subscription: SubscriptionRow, cursor: str) -> int:
        """Return the position to go on from: of the cursor, or where the subscription begins.

        Raises `StartOver`, `Invalid`.
        """
        if not cursor:
            return subscription.from_position
        return self._cursors.position(subscription.id, self._store.state(), cursor)

    def page(self, subscription: SubscriptionRow, after: int, limit: int, most_bytes: int = MOST_BYTES) -> Page:
        """Return the next wanted events after a position. Raises `StartOver` when the log is shorter than that."""
        state = self._store.state()
        if after > state.position:
            raise StartOver("future")
        rows = self._store.events(after, state.position, SCANNED, subscription.id)
        taken, last = _taken(rows, orjson.loads(subscription.filters), limit, most_bytes)
        full = last is not None
        at = last.position if last is not None else rows[-1].position if len(rows) == SCANNED else state.position
        chain = last.chain if last is not None else rows[-1].chain if len(rows) == SCANNED else state.chain
        events = [(row.event, self._written(subscription, state, row)) for row in taken]
        cursor = self._cursors.written(subscription.id, state, at, chain)
        return Page(events, cursor, at, more=full or at < state.position)

    def snapshot(self, subscription: SubscriptionRow, after: str, limit: int, cursor: str) -> tuple[Page, str | None]:
        """Return the newest event of each key after the key `after`, and the key to go on after; None: that was all.

        `cursor` is the one of the first page: the feed goes on from there, so what comes meanwhile is in the feed.
        """
        state = self._store.state()
        upto = self._cursors.position(subscription.id, state, cursor) if cursor else state.position
        rows = self._store.newest(after, upto, limit)
        filters = orjson.loads(subscription.filters)
        taken, last = _taken(rows, filters, limit, MOST_BYTES)
        events = [(row.event, self._written(subscription, state, row)) for row in taken]
        following = last.key if last is not None else rows[-1].key if len(rows) == limit else None
        at = self._cursors.written(subscription.id, state, upto)
        return Page(events, at, upto, more=following is not None), following

    def _written(self, subscription: SubscriptionRow, state: LogState, row: Any) -> str:
        return self._cursors.written(subscription.id, state, row.position, row.chain)


def _taken(rows: Sequence[Any], filters: list[Filter], limit: int, most_bytes: int) -> tuple[list[Any], Any | None]:
    """Return the wanted rows that fit, and the last row that was looked at if not all of them were."""
    taken: list[Any] = []
    size, before = 0, None
    for row in rows:
        if row.only_for is not None or matches(filters, wanted(row)):
            # One event always fits, however large it is: the reader would never get past it.
            if taken and (len(taken) == limit or size + len(row.event) > most_bytes):
                return taken, before
            taken.append(row)
            size += len(row.event)
        before = row
    return taken, None

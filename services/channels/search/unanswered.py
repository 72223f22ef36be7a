"""Queries that found nothing, counted in memory without who asked.

A query is told only once it was asked `ENOUGH` times: what a single person typed is nobody else's. Numbers that may be
personal are not counted at all. The counts begin anew with each start of the process.
"""

import re
from collections import OrderedDict
from datetime import UTC, datetime
from threading import Lock

from contracts.base import Json, format_time
from services.channels.search.normaliser import normalised
from shared.security.privacy import find_personal_data

ENOUGH = 5
MOST_COUNTED = 2_000
SHORTEST, LONGEST = 2, 30
MOST_TOLD = 200
_LONG_NUMBER = re.compile(r"\d{5,}")


class UnansweredQueries:
    """Counts of the queries of one channel that found nothing. Thread-safe; memory is bounded."""

    def __init__(self, enough: int = ENOUGH, most: int = MOST_COUNTED) -> None:
        self._enough, self._most = enough, most
        self._since = format_time(datetime.now(UTC))
        self._turn = Lock()
        # Least recently asked first.
        self._counts: OrderedDict[str, int] = OrderedDict()

    def add(self, query: str) -> None:
        """Count a query that found nothing, unless it may be personal or is no word."""
        word = " ".join(normalised(query[: LONGEST * 4]).split())
        if not SHORTEST <= len(word) <= LONGEST or not any(map(str.isalpha, word)):
            return
        if _LONG_NUMBER.search(word) or find_personal_data(word):
            return
        with self._turn:
            self._counts[word] = self._counts.pop(word, 0) + 1
            if len(self._counts) > self._most:
                self._forget_one()

    def told(self) -> Json:
        """Return the queries asked often enough, most often first, and since when they are counted."""
        with self._turn:
            often = [(count, word) for word, count in self._counts.items() if count >= self._enough]
        often.sort(key=lambda one: (-one[0], one[1]))
        words = [{"query": word, "count": count} for count, word in often[:MOST_TOLD]]
        return {"since": self._since, "least": self._enough, "queries": words}

    def _forget_one(self) -> None:
        """Forget the query not asked for longest, one that is not told yet if there is any.

        So a flood of invented queries removes no count that operators see.
        """
        rare = next((word for word, count in self._counts.items() if count < self._enough), None)
        del self._counts[next(iter(self._counts)) if rare is None else rare]

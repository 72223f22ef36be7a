"""How far each subscription is behind the log, for operators."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from contracts.base import Json, format_time
from services.subscriptions.log.store import LogStore
from services.subscriptions.model import DeliveryKind
from services.subscriptions.statements import LAGS, STANDING
from services.subscriptions.webhooks.standstill import STILL

UNKNOWN: Json = {"events": None, "at_most": False, "since": None, "standing": False}
"""A reader of the feed keeps its place itself, so nobody here knows how far it is."""


class Lags:
    """Adds `lag` to subscriptions as they are told.

    `events`: how many wait, null: not known. `at_most`: some of them were not compared with the filters yet. `since`:
    when the oldest of them came. `standing`: something is due and nothing was delivered for a while.
    """

    def __init__(self, log: LogStore) -> None:
        self._log = log

    def added_to(self, subscriptions: Sequence[Json]) -> list[Json]:
        """Return the subscriptions, each with its lag."""
        before = format_time(datetime.now(UTC) - STILL)
        position = self._log.state().position
        standing = {row.id for row in self._log.db.fetch(STANDING, before=before)}
        lags = {row.id: _lag(row, position) for row in self._log.db.fetch(LAGS)}
        return [{**one, "lag": _told(one, lags, standing)} for one in subscriptions]


def _told(one: Json, lags: Mapping[str, Json], standing: set[str]) -> Json:
    if one["delivery"] != DeliveryKind.WEBHOOK or one["id"] not in lags:
        return UNKNOWN
    return {**lags[one["id"]], "standing": one["id"] in standing}


def _lag(row: Any, position: int) -> Json:
    unseen = max(position - row.queued, 0)
    times = [at for at in (row.oldest, row.next) if at is not None]
    return {"events": row.open + unseen, "at_most": unseen > 0, "since": min(times, default=None)}

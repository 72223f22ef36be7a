"""Pushes to subscriptions what is due: hooks of the release before, news of cases, and the ends of hooks.

Nothing is queued: a row has the mark of the state that subscriptions has confirmed, and any other state that the
channel has applied is due. Therefore a killed process, a restored backup or a rebuild loses nothing. Every request may
be sent twice: subscriptions knows hooks by their ids and states by their marks.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from contracts.base import format_time
from services.channels.mobile.case_hooks import CaseHooks
from services.channels.mobile.statements import (
    DELETE_FORMER,
    FORMER,
    PUSHED,
    SET_FORMER,
    SET_PUSHED,
    UNMOVED,
)
from services.channels.mobile.subscriptions import Last, SubscriptionStore
from shared import log
from shared.database.engine import Database
from shared.errors import TongyuanError

POLL_SECONDS = 1.0
REST_SECONDS = 0.5
"""Between two rounds: while an import runs, every batch of entries would begin one."""

RETRY_SECONDS = 5.0
PAGE = 200
MOST_FAILURES = 3
"""In a row; then the rest waits for the next round."""

EVERY = timedelta(hours=1)
"""How often all hooks are compared: subscriptions may have been restored from an older backup."""

HOUSEKEEPING = timedelta(minutes=10)
LONG_AGO = datetime.min.replace(tzinfo=UTC)
_log = log.get("hooks")


class NewsPusher:
    """The one worker of a mobile process. Several processes may push the same: the second request changes nothing."""

    def __init__(self, db: Database, hooks: CaseHooks) -> None:
        self._db, self._hooks = db, hooks
        self._store = SubscriptionStore(db, hooks)
        self._compared = self._cleaned = LONG_AGO

    def run(self, stop: threading.Event) -> None:
        """Push what is due until `stop` is set. If database or subscriptions are down, retry."""
        listener = self._db.notifier.listener()
        while not stop.is_set():
            try:
                good = self.round()
            except TongyuanError as error:
                _log.warning("news of cases waits", reason=str(error))
                good = False
            if good:
                listener.wait(POLL_SECONDS)
            stop.wait(REST_SECONDS if good else RETRY_SECONDS)
        listener.close()

    def round(self) -> bool:
        """Push everything that is due once. Return whether subscriptions has confirmed all of it."""
        now = datetime.now(UTC)
        if now - self._cleaned > HOUSEKEEPING:
            self._store.clean()
            self._cleaned = now
        every = now - self._compared > EVERY
        moved = self._each(self._unmoved, self._store.move_row)
        pushed = self._each(lambda after: self._pushed(after, every=every), self._push)
        if every and pushed:
            self._compared = now
        return self._each(self._former, self._tell_end) and moved and pushed

    def _each(self, page: Callable[[str], Sequence[Any]], act: Callable[[Any], None]) -> bool:
        """Act on every row, so that one that subscriptions refuses holds up no other. Return whether all went well."""
        after, failures, good = "", 0, True
        while rows := page(after):
            for row in rows:
                try:
                    act(row)
                    failures = 0
                except TongyuanError as error:
                    _log.warning("subscriptions does not take a hook", hook=row.id, reason=str(error))
                    good, failures = False, failures + 1
                    if failures == MOST_FAILURES:
                        return False
            after = rows[-1].id
        return good

    def _unmoved(self, after: str) -> Sequence[Any]:
        return self._db.fetch(UNMOVED, now=_now(), after=after, one="", limit=PAGE)

    def _pushed(self, after: str, *, every: bool) -> Sequence[Any]:
        return self._db.fetch(PUSHED, now=_now(), after=after, every=int(every), limit=PAGE)

    def _push(self, row: Any) -> None:
        body = news_body(row)
        if not row.content:
            # The case is shown no more, or erased: the row that names it goes first.
            self._store.end(row.id, Last(row.pushed, row.mark, body))
            return
        there = self._hooks.news(row.id, {"after": row.pushed, "mark": row.mark, "body": body})
        # If we die here, the same mark is sent again, or a newer one after a mark that is not there: neither is lost.
        if there is None:
            self._store.forget(row.id)
        elif there != row.pushed:
            self._db.execute(SET_PUSHED, id=row.id, seen=row.pushed, mark=there)

    def _former(self, after: str) -> Sequence[Any]:
        return self._db.fetch(FORMER, after=after, limit=PAGE)

    def _tell_end(self, row: Any) -> None:
        if row.mark is None:
            self._hooks.end(row.id, None)
        else:
            there = self._hooks.news(row.id, {"after": row.after, "mark": row.mark, "body": row.body})
            if there not in (None, row.mark):
                # A state that was pushed and not noted: the last one is pushed after that, in the next round.
                self._db.execute(SET_FORMER, id=row.id, after=there)
                return
        self._db.execute(DELETE_FORMER, id=row.id)


def news_body(row: Any) -> str:
    """Return what is told: the public stage and nothing personal. One mark always gives the same body."""
    shown: Mapping[str, Any] = orjson.loads(row.content) if row.content else {}
    body = {
        "type": "application.advanced" if shown else "application.ended",
        "timestamp": row.released_at,
        "data": {
            "subscription": row.id,
            "version": row.version,
            "stage": shown.get("stage"),
            "stage_label": shown.get("stage_label"),
        },
    }
    return orjson.dumps(body).decode()


def _now() -> str:
    return format_time(datetime.now(UTC))

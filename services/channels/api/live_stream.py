"""Feeds the event stream with changes from the store, and the search index with changed documents."""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool

from contracts.base import Json, format_time
from contracts.envelope.publication import Kind
from services.channels.api import queries
from services.channels.api.statements import (
    CHANGED_KEYS,
    CHANGES,
    INDEXED,
    SET_INDEXED,
    STORE_VERSION,
)
from services.channels.api.store_measures import StoreMeasures
from services.channels.core.statements import POSITION_AND_HEAD
from services.channels.core.store import state
from services.channels.search import restatement
from services.channels.search.index import Indexed, SearchIndex, indexed
from shared import log
from shared.database.engine import Database
from shared.errors import TongyuanError
from shared.web.event_stream import Frame, Stream, encode
from shared.web.response_cache import KEEP_SECONDS, ResponseCache, StoreVersion

BATCH = 200
CATCH_UP = 500
CATCH_UP_BYTES = 65_536
"""Bytes of documents sent with the hello. A client that missed more reads `/changes`, whose answers are cached."""

INDEX_BATCH = 200
INDEX_PAUSE = 0.5
POLL_SECONDS = 0.5
_log = log.get("live")


class Live:
    """One channel's stream; `run` feeds it from the store until it is stopped."""

    def __init__(self, db: Database, name: str) -> None:
        self._db = db
        self.stream = Stream(name)
        self.page = ResponseCache(name, self._look)
        self._seen = -1
        self._told: deque[bytes] = deque()
        self._head = ""
        self._statement: str | None = None
        self._measures = StoreMeasures(db, name)

    def run(self, stop: threading.Event) -> None:
        """Feed the stream until `stop` is set. If the database is down, retry."""
        _keep_up(self._db, self.step, stop, failure="event stream behind")

    def tell(self, event: str, data: str) -> None:
        """Send an event that is not a change of the store, after the changes already queued."""
        self._told.append(encode(event, data))

    def step(self) -> bool:
        """Send the next changes and the newest head. Return True if more changes may be waiting."""
        rows = self._changes() if self._seen >= 0 else []
        if not rows:
            at = self._db.fetch(POSITION_AND_HEAD)[0]
            if self._seen < 0:
                self._seen = at.change
            # Ask for clients after reading the state: a client that connects later has received everything up to it.
            rows = self._changes() if at.change > self._seen else []
        if rows:
            self._seen = rows[-1].change
            self.page.turn(StoreVersion(rows[-1].epoch, self._seen, self._head))
            self.stream.add([_change(row.epoch, row) for row in rows])
        else:
            self._seen = max(self._seen, at.change)
            self.page.turn(StoreVersion(at.epoch, at.change, at.time or ""))
            self._tell_head(queries.freshness_of(at))
        while self._told:
            self.stream.add([Frame(self._seen, self._told.popleft())])
        # A full page may be followed by another; anything committed after this read has sent a notification.
        return len(rows) == BATCH

    def _look(self) -> tuple[StoreVersion, float]:
        """Return the store's version, and the seconds until a document expires."""
        now = datetime.now(UTC)
        at = self._db.fetch(STORE_VERSION, now=format_time(now))[0]
        ends_in = (datetime.fromisoformat(at.ends) - now).total_seconds() if at.ends else KEEP_SECONDS
        return StoreVersion(at.epoch, at.change, at.time or ""), ends_in

    def _changes(self) -> Sequence[Any]:
        return self._db.fetch(CHANGES, after=self._seen, limit=BATCH) if self.stream.has_clients else []

    def _tell_head(self, mark: Json) -> None:
        if mark["head"] and mark["head"]["time"] != self._head:
            self._head = mark["head"]["time"]
            self.stream.add([Frame(self._seen, encode("head", self._news_of(mark), mark["cursor"]))])
        self._measures.set_when_due(mark)

    def _news_of(self, mark: Json) -> str:
        """Leave out a statement already sent: each comes with several heads, and new clients get it with the hello."""
        head, said = dict(mark["head"]), mark["head"]["statement"]
        if said == self._statement:
            del head["statement"]
        self._statement = said
        return orjson.dumps({**mark, "head": head}).decode()

    async def open(self, last_id: str) -> tuple[bytes, int]:
        """Return hello and cursor for a client: `sync` (up to date), the missed changes, or `reset` (start over)."""
        return await run_in_threadpool(self._open, last_id)

    def _open(self, last_id: str) -> tuple[bytes, int]:
        with self._db.read() as session:
            at = state(session)
            mark = orjson.dumps(queries.freshness(session)).decode()
            current = f"{at.epoch}.{at.change}"
            sync = encode("sync", mark, current)
            if not last_id:
                return sync, at.change
            try:
                after = queries.cursor(session, last_id)
            except TongyuanError:
                return encode("reset", '{"reason":"epoch"}', current), at.change
            rows, more = queries.changes_page(session, after, CATCH_UP, CATCH_UP_BYTES)
        if more:
            return encode("reset", '{"reason":"lag"}', current), at.change
        return b"".join(_change(at.epoch, row).data for row in rows) + sync, at.change


class Indexer:
    """Updates the search index shortly after the store changes, so that publishing never waits for it."""

    def __init__(self, db: Database, index: SearchIndex) -> None:
        self._db, self._index = db, index
        # Hash of what is indexed per key: most changes (a fee, a window) do not alter any searchable word.
        self._known: dict[str, int] = {}
        # The change up to which everything is indexed, and the one last written down; -1: not read yet.
        self._done, self._written = -1, -1

    def run(self, stop: threading.Event) -> None:
        """Index until `stop` is set, pausing after each change so that readers get it first."""
        # Loading the dictionaries takes a second: do it now instead of during the first release.
        restatement.warm_up()
        _keep_up(self._db, self.step, stop, failure="search index behind", rest=INDEX_PAUSE)

    def step(self) -> int:
        """Index the next changed documents. Return how many there were."""
        if self._done < 0:
            self._done = self._written = next((row.change for row in self._db.fetch(INDEXED)), 0)
        changed = self._db.fetch(CHANGED_KEYS, after=self._done, limit=INDEX_BATCH)
        if not changed:
            return 0
        keys = list(dict.fromkeys(row.key for row in changed))
        items = self._documents(Kind.ITEM, keys)
        guides = self._documents(Kind.GUIDE, list(items)) if items else {}
        rows = [indexed(item, guides.get(code)) for code, item in items.items()]
        fresh = [row for row in rows if self._known.get(row.key) != hash(row)]
        self._write(fresh, [key for key in keys if _is_hidden_item(key, items)], changed[-1].change)
        return len(changed)

    def _write(self, fresh: list[Indexed], gone: list[str], done: int) -> None:
        if fresh or gone or done - self._written >= INDEX_BATCH:
            with self._db.write() as session:
                self._index.replace(session, fresh)
                self._index.remove(session, gone)
                session.connection().execute(SET_INDEXED, {"change": done})
            self._known.update({row.key: hash(row) for row in fresh} | dict.fromkeys(gone, 0))
            self._written = done
        self._done = done

    def _documents(self, kind: Kind, codes: list[str]) -> dict[str, Json]:
        """Return the shown documents of a kind by code; `codes` may be keys of any kind."""
        keys = [f"{kind}:{code.rpartition(':')[2]}" for code in codes]
        with self._db.read() as session:
            return {document["code"]: document for document in queries.by_keys(session, keys)}


def _keep_up(
    db: Database, step: Callable[[], object], stop: threading.Event, *, failure: str, rest: float = 0.0
) -> None:
    """Step while there is something new; else wait for a notification, then for `rest` seconds. Retries on errors."""
    listener = db.notifier.listener()
    while not stop.is_set():
        try:
            if not step():
                listener.wait(POLL_SECONDS)
                stop.wait(rest)
        except TongyuanError as error:
            _log.warning(failure, reason=str(error))
            stop.wait(POLL_SECONDS)
    listener.close()


def _is_hidden_item(key: str, shown: Mapping[str, Json]) -> bool:
    kind, _, code = key.partition(":")
    return kind == Kind.ITEM and code not in shown


def _change(epoch: str, row: Any) -> Frame:
    return Frame(row.change, encode("change", queries.change_json(row), f"{epoch}.{row.change}"))

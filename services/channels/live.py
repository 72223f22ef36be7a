"""From the channel's store to the screens: new changes into the stream, new documents into the search index."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import text
from starlette.concurrency import run_in_threadpool

from contracts.base import Json, format_time
from contracts.publication import Kind
from services.channels import queries, words
from services.channels.commands import state
from services.channels.search import Indexed, SearchIndex, indexed
from shared import log, metrics
from shared.database import Database
from shared.errors import TongyuanError
from shared.front import KEEP_SECONDS, Mark, Page
from shared.sse import Frame, Stream, encode

BATCH = 200
CATCH_UP = 500
INDEX_BATCH = 200
INDEX_PAUSE = 0.5
MEASURE_SECONDS = 5.0
POLL_SECONDS = 0.5
INDEXED = text("SELECT change FROM indexed WHERE id = 1")
CHANGED_KEYS = text(
    "SELECT key, change FROM document WHERE change > :after AND kind <> 'application' ORDER BY change LIMIT :limit"
)
LOOK = text(
    "SELECT s.epoch, s.change, h.time, "
    "(SELECT min(expires_at) FROM document WHERE expires_at > :now AND content IS NOT NULL) AS ends "
    "FROM state s LEFT JOIN seen_head h ON h.id = s.id WHERE s.id = 1"
)
REMEMBER_INDEXED = text(
    "INSERT INTO indexed (id, change) VALUES (1, :change) ON CONFLICT (id) DO UPDATE SET change = excluded.change"
)
_log = log.get("live")


class Live:
    """One channel's stream; `run` feeds it from the store until told to stop."""

    def __init__(self, db: Database, name: str) -> None:
        self._db = db
        self.stream = Stream(name)
        self.page = Page(name, self._look)
        self._seen = -1
        self._told: deque[bytes] = deque()
        self._head = ""
        self._statement: str | None = None
        self._measure_after = 0.0

    def run(self, stop: threading.Event) -> None:
        """Feed the stream. A database that is down is waited for."""
        _keep_up(self._db, self.step, stop, failure="stream not fed")

    def tell(self, event: str, data: str) -> None:
        """Send an event that is no change of the store, after what is on its way."""
        self._told.append(encode(event, data))

    def step(self) -> bool:
        """Take the next changes and the newest head from the store; False when there was nothing new."""
        rows = self._changes() if self._seen >= 0 else []
        if not rows:
            at = self._db.ask(queries.WHERE_IT_IS)[0]
            if self._seen < 0:
                self._seen = at.change
            # Asked for clients after the look at the store: who comes later has heard of everything until then.
            rows = self._changes() if at.change > self._seen else []
        if rows:
            self._seen = rows[-1].change
            self.page.turn(Mark(rows[-1].epoch, self._seen, self._head))
            self.stream.add([_change(row.epoch, row) for row in rows])
        else:
            self._seen = max(self._seen, at.change)
            self.page.turn(Mark(at.epoch, at.change, at.time or ""))
            self._tell_head(queries.freshness_of(at))
        while self._told:
            self.stream.add([Frame(self._seen, self._told.popleft())])
        # A full page may have a next one; whatever has come since this page has rung the bell.
        return len(rows) == BATCH

    def _look(self) -> tuple[Mark, float]:
        """The store's mark now, and in how many seconds a document comes to its end."""
        now = datetime.now(UTC)
        at = self._db.ask(LOOK, now=format_time(now))[0]
        ends_in = (datetime.fromisoformat(at.ends) - now).total_seconds() if at.ends else KEEP_SECONDS
        return Mark(at.epoch, at.change, at.time or ""), ends_in

    def _changes(self) -> Sequence[Any]:
        return self._db.ask(queries.CHANGES, after=self._seen, limit=BATCH) if self.stream.has_clients else []

    def _tell_head(self, mark: Json) -> None:
        if mark["head"] and mark["head"]["time"] != self._head:
            self._head = mark["head"]["time"]
            self.stream.add([Frame(self._seen, encode("head", self._news_of(mark), mark["cursor"]))])
        if time.monotonic() > self._measure_after:
            self._measure_after = time.monotonic() + MEASURE_SECONDS
            self._measure(mark)

    def _news_of(self, mark: Json) -> str:
        """A statement is told once: it comes with every fifth head, and whoever joins later has it in its hello."""
        head, said = dict(mark["head"]), mark["head"]["statement"]
        if said == self._statement:
            del head["statement"]
        self._statement = said
        return orjson.dumps({**mark, "head": head}).decode()

    async def open(self, last_id: str) -> tuple[bytes, int]:
        """Hello and cursor for a client: `sync` (up to date), the missed changes, or `reset` (start over)."""
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
            rows = queries.changes(session, after, CATCH_UP + 1)
        if len(rows) > CATCH_UP:
            return encode("reset", '{"reason":"lag"}', current), at.change
        return b"".join(_change(at.epoch, row).data for row in rows) + sync, at.change

    def _measure(self, mark: dict[str, object]) -> None:
        name = self.stream.name
        with self._db.read() as session:
            for kind, count in queries.counts(session).items():
                metrics.documents.labels(name, kind).set(count)
            metrics.parked.labels(name).set(len(queries.parked(session)))
            metrics.scheduled.labels(name).set(queries.waiting(session))
        metrics.position.labels(name).set(int(str(mark["position"])))
        head = mark["head"]
        if isinstance(head, dict):
            age = datetime.now(UTC) - datetime.fromisoformat(head["time"])
            metrics.head_age.labels(name).set(max(age.total_seconds(), 0))


class Indexer:
    """Keeps the search index up with the store, a moment behind it, so that publishing never waits for it."""

    def __init__(self, db: Database, index: SearchIndex) -> None:
        self._db, self._index = db, index
        # What is indexed of each key: most changes (a fee, a window) change no word that anybody searches.
        self._known: dict[str, int] = {}
        # Up to which change all is indexed, and how much of that is written down; -1: to be read.
        self._done, self._written = -1, -1

    def run(self, stop: threading.Event) -> None:
        """Index until told to stop. The pause lets what has just changed reach its readers first."""
        # Its dictionary takes a second to load: better now than in the middle of the first release.
        words.warm_up()
        _keep_up(self._db, self.step, stop, failure="search index behind", rest=INDEX_PAUSE)

    def step(self) -> int:
        """Index the next changed documents; how many."""
        if self._done < 0:
            self._done = self._written = next((row.change for row in self._db.ask(INDEXED)), 0)
        changed = self._db.ask(CHANGED_KEYS, after=self._done, limit=INDEX_BATCH)
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
                session.connection().execute(REMEMBER_INDEXED, {"change": done})
            self._known.update({row.key: hash(row) for row in fresh} | dict.fromkeys(gone, 0))
            self._written = done
        self._done = done

    def _documents(self, kind: Kind, codes: list[str]) -> dict[str, Json]:
        """Those shown of a kind, by code; `codes` may be keys of any kind."""
        keys = [f"{kind}:{code.rpartition(':')[2]}" for code in codes]
        with self._db.read() as session:
            return {document["code"]: document for document in queries.by_keys(session, keys)}


def _keep_up(
    db: Database, step: Callable[[], object], stop: threading.Event, *, failure: str, rest: float = 0.0
) -> None:
    """Step while there is something new, else wait for the bell and `rest`. A database that is down is waited for."""
    ear = db.bell.ear()
    while not stop.is_set():
        try:
            if not step():
                ear.wait(POLL_SECONDS)
                stop.wait(rest)
        except TongyuanError as error:
            _log.warning(failure, reason=str(error))
            stop.wait(POLL_SECONDS)
    ear.close()


def _is_hidden_item(key: str, shown: Mapping[str, Json]) -> bool:
    kind, _, code = key.partition(":")
    return kind == Kind.ITEM and code not in shown


def _change(epoch: str, row: Any) -> Frame:
    return Frame(row.change, encode("change", queries.change_json(row), f"{epoch}.{row.change}"))

"""Compare the ledger with its sources: new entries within seconds, and all of them once per round.

Two comparisons read the ledger page by page: `news` stays at its end, `round` begins again each day. The state of both
is stored after every page, so a restart continues. A difference is a finding at once; it is closed when a round, or for
missing releases the news, no longer finds it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import orjson
from sqlmodel import Session

from contracts.base import Json, format_time
from contracts.envelope.publication import Publication
from contracts.kinds import is_public, kind_of
from contracts.topology import SOURCES
from services.auditor import metrics
from services.auditor.commands import note_pass, open_findings, settle
from services.auditor.inspection.pacing import Clock
from services.auditor.model import LEDGER, ComparisonRow, Observation, Surface, Verdict
from shared import log
from shared.database.engine import Database
from shared.errors import TongyuanError
from shared.feeds.comparison import FeedComparison, Feeds, Mismatch

NEWS, ROUND = "news", "round"
PAGE = 200
SETTLE_SECONDS = 10.0
ROUND_SECONDS = 86_400.0
MOST_FOUND = 1000
_log = log.get("auditor")

Entries = Callable[[int, int], tuple[Sequence[Publication], int]]
"""Returns at most so many of the ledger's entries from a position on, and its size. Raises `UpstreamDown`."""


class SourceFeeds(Feeds, Protocol):
    """The sources' feeds, and how far each lane of a source is."""

    def heads(self, source: str) -> Mapping[str, int]:
        """Return the highest sequence number of each lane. Raises `UpstreamDown`."""


class SourceWatch:
    """Both comparisons, for use by one thread."""

    def __init__(
        self, db: Database, entries: Entries, feeds: SourceFeeds, allowed: timedelta, clock: Clock = time.monotonic
    ) -> None:
        """`allowed`: how long a release may take to the ledger. `clock` returns monotonic seconds."""
        self._db, self._entries, self._feeds = db, entries, feeds
        self._allowed, self._clock = allowed, clock
        self._settle_at = 0.0
        self._size = 0
        self._problem: str | None = None

    def step(self) -> None:
        """Compare one page of each. A source that is down is reported once and delays nothing."""
        try:
            self._step(NEWS)
            self._step(ROUND)
        except TongyuanError as error:
            self._tell(str(error))
        else:
            self._tell(None)

    def _step(self, name: str) -> None:
        now = datetime.now(UTC)
        row = self._row(name, now)
        if name == ROUND and row is None:
            return
        row = row or ComparisonRow(name=name, began_at=format_time(now))
        comparison = FeedComparison(self._feeds, SOURCES, orjson.loads(row.state) if row.state else None)
        heads = self._heads(name, comparison.position)
        entries, size = self._entries(comparison.position + 1, PAGE)
        self._size = size
        if size < comparison.position:
            # The ledger was restored from an older backup: compare everything again.
            self._store(ComparisonRow(name=name, began_at=format_time(now)))
            return
        found = _by_key(comparison.take(entries))
        over = comparison.position >= size
        missing = None
        if over and heads is not None:
            missing = _by_key(comparison.settle(heads, now, self._allowed))
            self._settle_at = self._clock() + SETTLE_SECONDS
        self._note(row, comparison, {**found, **(missing or {})}, missing, finished=over and heads is not None)

    def _row(self, name: str, now: datetime) -> ComparisonRow | None:
        """Return the stored state; None for a round that is not due. The first round starts with the news' state."""
        with self._db.read() as session:
            row = session.get(ComparisonRow, name)
            if name == NEWS:
                return row
            row = row or session.get(ComparisonRow, NEWS)
        if row is None:
            return None
        if row.name == NEWS or row.finished_at is not None:
            if now - datetime.fromisoformat(row.began_at) < timedelta(seconds=ROUND_SECONDS):
                return None
            return ComparisonRow(name=ROUND, began_at=format_time(now))
        return row

    def _heads(self, name: str, position: int) -> dict[tuple[str, str], int] | None:
        """Return how far the lanes are, read before the ledger, if its end is near; for the news only now and then."""
        if position + PAGE < self._size or (name == NEWS and self._clock() < self._settle_at):
            return None
        return {(source, lane): head for source in SOURCES for lane, head in self._feeds.heads(source).items()}

    def _note(
        self,
        row: ComparisonRow,
        comparison: FeedComparison,
        found: Mapping[str, Observation],
        missing: Mapping[str, Observation] | None,
        *,
        finished: bool,
    ) -> None:
        """Store findings first: if the process dies in between, the same page is compared again."""
        all_found = {**orjson.loads(row.found or "{}"), **{key: one.verdict for key, one in found.items()}}
        if row.name == ROUND and finished:
            good = self._open() - all_found.keys()
        else:
            good = self._open(Verdict.MISSING) - missing.keys() if missing is not None else set()
        if found or good:
            settle(self._db, LEDGER, Surface.SOURCES, found, good)
        row.position, row.state = comparison.position, orjson.dumps(comparison.state()).decode()
        row.found = orjson.dumps(dict(list(all_found.items())[-MOST_FOUND:])).decode() if row.name == ROUND else "{}"
        if finished:
            row.finished_at = format_time(datetime.now(UTC))
            note_pass(self._db, LEDGER, Surface.SOURCES, datetime.fromisoformat(row.began_at), row.position)
        self._store(row)

    def _open(self, verdict: str | None = None) -> set[str]:
        with self._db.read() as session:
            rows = [row for row in open_findings(session) if (row.channel, row.surface) == (LEDGER, Surface.SOURCES)]
        return {row.key for row in rows if verdict in (None, row.verdict)}

    def _store(self, row: ComparisonRow) -> None:
        with self._db.write() as session:
            session.merge(row)

    def _tell(self, problem: str | None) -> None:
        metrics.sources_compared.set(problem is None)
        if problem != self._problem:
            self._problem = problem
            if problem is not None:
                _log.warning("the ledger is not compared with its sources", reason=problem)


def compared(session: Session) -> Json:
    """Return how far each comparison is; nulls before the first."""
    rows = {name: session.get(ComparisonRow, name) for name in (NEWS, ROUND)}
    told: dict[str, Any] = {}
    for name, row in rows.items():
        told[name] = row and row.model_dump(include={"position", "began_at", "finished_at"})
    return told


def _by_key(found: Sequence[Mismatch]) -> dict[str, Observation]:
    sightings: dict[str, Observation] = {}
    for one in found:
        # A case is named by its position, because its key must not appear in a log.
        key = one.key if is_public(kind_of(one.key)) else one.place
        before = sightings[key].differences if key in sightings else []
        said: Json = {"path": one.place, "found": one.detail}
        sightings[key] = Observation(Verdict(one.verdict), [*before, said])
    return sightings

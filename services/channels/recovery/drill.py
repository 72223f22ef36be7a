"""The drill: builds the channel aside from the ledger, compares the result with the live documents, changes nothing.

It proves each day that a rebuild would give exactly what is shown. The channel is built twice, from every entry and
from the newest snapshot plus the entries since, so log, snapshot and live documents are all compared.
"""

import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
from sqlalchemy import Column, Text
from sqlmodel import Field, Session

from contracts.base import Json, format_time
from services.channels.core.channel import Channel
from services.channels.core.digests import root_of
from services.channels.core.model import ONLY, AsideRow, ChannelModel, DocumentRow
from services.channels.core.store import state
from services.channels.recovery.aside import AsideBuild, Progress
from services.channels.recovery.aside_table import compared
from shared import log, metrics
from shared.database.engine import Database
from shared.errors import Broken

LOOK_SECONDS = 60.0
MOST_NAMED = 20
ROUNDS = 3
_log = log.get("drill")
# The channels of one process drill one at a time: a drill reads a lot.
_turn = threading.Lock()


class DrillRow(ChannelModel, table=True):
    """The newest drill. `good` is null before the first one; `finished_at` is then when the channel was first seen."""

    __tablename__ = "drill"

    id: int = Field(default=ONLY, primary_key=True)
    finished_at: str = Field(max_length=27)
    succeeded_at: str | None = Field(default=None, max_length=27)
    good: bool | None = None
    seconds: float = 0.0
    entries: int = 0
    root: str = Field(default="", max_length=64)
    differences: int = 0
    detail: str = Field(
        default="[]",
        sa_column=Column(Text, nullable=False),
        description="Some keys that differed, or the reason for a failure.",
    )


class _Comparison:
    """One comparison of one channel with what its ledger gives."""

    def __init__(self, channel: Channel, *, full: bool) -> None:
        self._db = channel.db
        self._build = AsideBuild(channel, full=full, pays_from=0)
        self._rounds = 0

    def run(self) -> Iterator[Progress]:
        """Build aside, compare, and yield progress. Raises what `AsideBuild.run` raises."""
        return self._build.run(self._compare)

    def _compare(self) -> Progress | None:
        """Return None if the channel has moved on, or a document became due in between."""
        with self._db.write() as session:
            self._build.turn_pages(session)
        # A read transaction sees one moment, so publishing need not be locked out.
        with self._db.read() as session:
            if state(session).position > self._build.position:
                return None
            self._build.table.require_whole(session, to_write=False)
            different, orphans = compared(session)
            live = root_of(session, DocumentRow)
            built = root_of(session, AsideRow)
        self._rounds += 1
        if (different or orphans or live != built) and self._rounds < ROUNDS:
            return None
        with self._db.write() as session:
            self._build.table.clear(session)
        return self._build.done([*different, *orphans], live, built)


class Drill:
    """One drill of one channel. Publishing continues without waiting."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    def run(self) -> Iterator[Progress]:
        """Build aside and compare, from the log and from the snapshot, yielding progress; the last step covers both.

        The result is stored, also when the drill fails.
        """
        with _turn:
            started = time.monotonic()
            try:
                log_, snapshot = (yield from self._compared(full=True)), (yield from self._compared(full=False))
                done = _both(log_, snapshot)
                self._remember(done, time.monotonic() - started)
            except Exception as error:
                self._remember_failure(error, time.monotonic() - started)
                raise
            yield done

    def _compared(self, *, full: bool) -> Generator[Progress, None, Progress]:
        for step in _Comparison(self.channel, full=full).run():
            if step.done:
                return step
            yield step
        raise AssertionError("a rebuild must end with a finished step or an error")

    def _remember(self, done: Progress, seconds: float) -> None:
        good = not done.differences and done.root_before == done.root_after
        if not good:
            _log.error("drill found differences", channel=self.channel.service, count=len(done.differences))
        found = DrillRow(
            finished_at="",
            good=good,
            seconds=seconds,
            entries=done.position,
            root=done.root_after,
            differences=len(done.differences),
            detail=orjson.dumps(done.differences[:MOST_NAMED]).decode(),
        )
        self._store(found)

    def _remember_failure(self, error: Exception, seconds: float) -> None:
        _log.error("drill failed", channel=self.channel.service, reason=str(error))
        detail = orjson.dumps([str(error)[:500]]).decode()
        self._store(DrillRow(finished_at="", good=False, seconds=seconds, detail=detail))

    def _store(self, row: DrillRow) -> None:
        row.finished_at = format_time(datetime.now(UTC))
        with self.channel.db.write() as session:
            before = session.get(DrillRow, ONLY)
            row.succeeded_at = row.finished_at if row.good else (before.succeeded_at if before else None)
            session.merge(row)
        _measure(self.channel.db)


def _both(log_: Progress, snapshot: Progress) -> Progress:
    """Combine two results: good only if both are."""
    bad = next((one for one in (log_, snapshot) if one.root_before != one.root_after), snapshot)
    return replace(bad, differences=sorted({*log_.differences, *snapshot.differences}))


def drill_if_due(channel: Channel, every: float) -> bool:
    """Drill if the last one is at least `every` seconds ago. The first drill is due `every` seconds after the
    channel was first seen.

    Raises the drill's own errors, and `Broken` if it found differences.
    """
    now = datetime.now(UTC)
    with channel.db.write() as session:
        last = session.get(DrillRow, ONLY)
        if last is None:
            session.add(DrillRow(finished_at=format_time(now)))
    _measure(channel.db)
    if last is None or now - datetime.fromisoformat(last.finished_at) < timedelta(seconds=every):
        return False
    *_, done = Drill(channel).run()
    if done.differences or done.root_before != done.root_after:
        raise Broken(f"{channel.service}: {len(done.differences)} documents differ from the ledger")
    return True


def drilled(session: Session) -> Json:
    """Return the newest drill; values are null before the first one."""
    row = session.get(DrillRow, ONLY)
    if row is None or row.good is None:
        return {"finished_at": None, "succeeded_at": None, "good": None}
    return {**row.model_dump(exclude={"id", "detail"}), "detail": orjson.loads(row.detail)}


def _measure(db: Database) -> None:
    """Set the metrics from the store, so that they survive a restart."""
    with db.read() as session:
        row = session.get(DrillRow, ONLY)
    if row is None or row.good is None:
        return
    metrics.drill_seconds.labels(db.service).set(row.seconds)
    metrics.drill_differences.labels(db.service).set(row.differences)
    metrics.drill_good.labels(db.service).set(row.good)
    if row.succeeded_at:
        metrics.drill_success.labels(db.service).set(datetime.fromisoformat(row.succeeded_at).timestamp())

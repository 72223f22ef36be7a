"""The sequencer as a nameko worker: records releases from its queues, signs heads, reconciles with the sources."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from nameko.timer import timer

from contracts.envelope.publication import Lane
from contracts.topology import SOURCES, ledger_queue
from services.ledger import queries
from services.ledger.log.intake import PATIENCE_SECONDS, ImportPace, Intake
from services.ledger.scrub.rounds import STEP_SECONDS, Scrub
from services.ledger.signing.signing_guard import SigningGuard
from shared import log, metrics
from shared.config import Settings
from shared.database.engine import Database
from shared.feeds.upstream import SourceReader
from shared.messaging.consumer import batch
from shared.messaging.delivery import Message, Refusal
from shared.timers import quietly

Taking = Callable[[Any, Sequence[Message]], Sequence[Refusal]]
_log = log.get("ledger-worker")


def make_worker(
    db: Database,
    readers: Mapping[str, SourceReader],
    standing: SigningGuard,
    settings: Settings,
    *,
    still_leading: Callable[[], bool],
    positions: Callable[[], list[int]],
) -> type:
    """Return the nameko service class, bound to its dependencies."""
    scrub = Scrub(db, readers, settings.scrub_interval)
    intake = _intake(db, readers, standing, settings)
    pace = ImportPace(lambda: _size(db), positions, settings.backfill_lag)

    importing = threading.Lock()

    class LedgerWorker:
        name = "ledger"

        @_of_every_source(Lane.LIVE)
        def take(self, messages: Sequence[Message]) -> Sequence[Refusal]:
            return intake.take(messages)

        @_of_every_source(Lane.BACKFILL)
        def take_backfill(self, messages: Sequence[Message]) -> Sequence[Refusal]:
            # One import batch at a time: at least one database connection stays free for the live lane.
            with importing:
                pace.wait()
                return intake.take(messages)

        @timer(interval=settings.head_interval, eager=True)  # type: ignore[untyped-decorator]  # nameko has no types
        def sign(self) -> None:
            leading = still_leading()
            metrics.leading.labels("sequencer").set(leading)
            if not leading:
                # A second sequencer may be leading by now. Exit at once; the supervisor restarts this process.
                _log.critical("sequencer lock lost")
                os._exit(1)
            quietly(standing.sign, "head")

        @timer(interval=settings.reconcile_interval, eager=True)  # type: ignore[untyped-decorator]  # likewise
        def reconcile(self) -> None:
            quietly(partial(intake.reconcile, patient=True), "reconcile")

        @timer(interval=STEP_SECONDS)  # type: ignore[untyped-decorator]  # likewise
        def read_again(self) -> None:
            quietly(scrub.step, "scrub")

    return LedgerWorker


def _of_every_source(lane: Lane) -> Callable[[Taking], Taking]:
    """Return a decorator that consumes one queue per source: a full queue or a slow source delays no other."""

    def entrypoints(method: Taking) -> Taking:
        for source in SOURCES:
            method = batch(ledger_queue(source, lane))(method)
        return method

    return entrypoints


def _intake(db: Database, readers: Mapping[str, SourceReader], standing: SigningGuard, settings: Settings) -> Intake:
    """Return the intake of a sequencer whose sources are other processes, which may not answer."""
    signer, require, keys = standing.signer, standing.require, settings.source_keys
    return Intake(db, readers, signer, require, settings.region, source_keys=keys, patience=PATIENCE_SECONDS)


def _size(db: Database) -> int:
    with db.read() as session:
        return queries.size(session)

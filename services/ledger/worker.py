"""The sequencer as a nameko worker: takes releases from its two queues, signs heads, reconciles with the sources."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from nameko.timer import timer

from contracts.topology import BACKFILL_QUEUE, LEDGER_QUEUE
from services.ledger import queries
from services.ledger.intake import Intake, Pace
from services.ledger.standing import Standing
from shared import log, metrics
from shared.config import Settings
from shared.database import Database
from shared.delivery import Message, Refusal
from shared.messaging import batch
from shared.timers import quietly
from shared.upstream import SourceReader

_log = log.get("ledger-worker")


def make_worker(
    db: Database,
    readers: Mapping[str, SourceReader],
    standing: Standing,
    settings: Settings,
    *,
    still_leading: Callable[[], bool],
    positions: Callable[[], list[int]],
) -> type:
    """The nameko service class, bound to its parts."""
    intake = Intake(db, readers, standing.signer, standing.require)
    pace = Pace(lambda: _size(db), positions, settings.backfill_lag)

    class LedgerWorker:
        name = "ledger"

        @batch(LEDGER_QUEUE)
        def take(self, messages: Sequence[Message]) -> Sequence[Refusal]:
            return intake.take(messages)

        @batch(BACKFILL_QUEUE)
        def take_backfill(self, messages: Sequence[Message]) -> Sequence[Refusal]:
            pace.wait()
            return intake.take(messages)

        @timer(interval=settings.head_interval, eager=True)  # type: ignore[untyped-decorator]  # nameko has no types
        def sign(self) -> None:
            leading = still_leading()
            metrics.leading.labels("sequencer").set(leading)
            if not leading:
                # A second sequencer may lead by now. Ending at once is the one safe answer; the supervisor restarts us.
                _log.critical("lost the sequencer's lock")
                os._exit(1)
            quietly(standing.sign, "head")

        @timer(interval=settings.reconcile_interval, eager=True)  # type: ignore[untyped-decorator]  # likewise
        def reconcile(self) -> None:
            quietly(partial(intake.reconcile, patient=True), "reconcile")

    return LedgerWorker


def _size(db: Database) -> int:
    with db.read() as session:
        return queries.size(session)

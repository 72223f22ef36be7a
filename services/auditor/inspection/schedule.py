"""The auditor's schedule, one request at a time: news, then digests, lists, repairs, and single documents in turn.

after each release            its document and page on every channel, within seconds
with the news                 the ledger against its sources' feeds; all of it once a day, see `source_comparison`
every tenth of the interval   digests of everything that a channel serves, including cases
every interval                all changes and the list of items, document by document
continuously                  each document and page at its own address, spread over the interval, see `pacing`
"""

import math
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from contracts.kinds import is_listed, kind_of
from services.auditor.commands import measure, note_pass, settle
from services.auditor.inspection.channel_watch import DIGESTS_A_PASS, Tools, Watch
from services.auditor.inspection.ledger_follower import LedgerDown
from services.auditor.inspection.pacing import Stopped, Turn
from services.auditor.inspection.source_comparison import SourceWatch
from services.auditor.model import LEDGER, Surface
from shared import log
from shared.errors import TongyuanError, UpstreamDown

REST_SECONDS = 0.05
QUESTIONS = 3
"""Requests per code: an item, its guide and its page."""

_log = log.get("auditor")


class Auditor:
    """The auditor of all channels of one county."""

    def __init__(self, tools: Tools, watches: Sequence[Watch], sources: SourceWatch) -> None:
        self._tools, self._watches, self._sources = tools, watches, sources
        self._turn = Turn()
        self._began = datetime.now(UTC)
        self._next_turn = 0.0
        self._check_due = 0.0
        self._patient_until = 0.0
        measure(tools.db, [LEDGER, *(watch.name for watch in watches)])

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set. A failure is logged, and the next round begins."""
        try:
            rest = self._tools.plan.poll
            while not stop.wait(rest):
                began = self._tools.clock()
                try:
                    self.step()
                except TongyuanError as error:
                    _log.warning("audit round failed", reason=str(error))
                rest = max(self._tools.plan.poll - (self._tools.clock() - began), REST_SECONDS)
        except Stopped:
            pass
        finally:
            self._close()

    def step(self) -> None:
        """Do one round. Raises `UpstreamDown` without the ledger; a channel that is down delays no other."""
        until = self._tools.clock() + self._tools.plan.poll
        if self._lets_an_import_pass() or not self._follow():
            return
        self._check_ledger()
        self._sources.step()
        present = [watch for watch in self._watches if self._watched(watch, watch.news, watch.wholes, watch.mend)]
        for watch in present:
            watch.answers()
        self._rotate(present, until)

    def _lets_an_import_pass(self) -> bool:
        """Return whether to wait for an import: it needs the processors; it is compared afterwards, or after an
        interval.
        """
        if not self._tools.ledger.in_a_rush():
            self._patient_until = self._tools.clock() + self._tools.plan.interval
            return False
        return self._tools.clock() < self._patient_until

    def _follow(self) -> bool:
        began = datetime.now(UTC)
        if not self._tools.ledger.follow(self._tools.pace.wait, patient=self._tools.clock() < self._patient_until):
            return False
        news = self._tools.ledger.news()
        if news:
            note_pass(self._tools.db, LEDGER, Surface.CHANGES, began, self._tools.ledger.expectation.log.size)
        for key in news:
            if is_listed(kind_of(key)):
                for watch in self._watches:
                    watch.pending.setdefault(key.partition(":")[2], 0.0)
        return True

    def _check_ledger(self) -> None:
        if self._check_due <= self._tools.clock():
            self._check_due = self._tools.clock() + self._tools.plan.interval / DIGESTS_A_PASS
            began = datetime.now(UTC)
            look = self._tools.ledger.check(self._tools.pace.wait)
            settle(self._tools.db, LEDGER, Surface.LEDGER, look.bad, None)
            note_pass(self._tools.db, LEDGER, Surface.LEDGER, began, look)

    def _rotate(self, watches: list[Watch], until: float) -> None:
        """Read single documents until the next news, at the rate with which the turn ends in time."""
        turn, plan = self._current(), self._tools.plan
        needed = turn.needs(QUESTIONS * len(watches), self._tools.clock(), plan.interval)
        # The other work of a round needs requests too.
        self._tools.pace.need(1.1 * needed)
        # Twice the proportional share: it spreads a small county's documents too, and the round's other work takes
        # time.
        share = math.ceil(2 * len(turn.codes) * plan.poll / plan.interval)
        for code in turn.codes[turn.at : turn.at + share]:
            for watch in watches:
                self._watched(watch, lambda watch=watch, code=code: watch.single(code))  # type: ignore[misc]
            turn.at += 1
            if turn.is_done():
                for watch in watches:
                    note_pass(self._tools.db, watch.name, Surface.DOCUMENT, self._began, len(turn.codes))
            if self._tools.clock() > until:
                return

    def _current(self) -> Turn:
        """Return the current turn, or the next one when it is due."""
        now = self._tools.clock()
        if self._turn.is_done() and self._next_turn <= now:
            codes = sorted({key.partition(":")[2] for key in self._tools.ledger.expectation.public_keys()})
            self._turn, self._began = Turn(codes, began=now), datetime.now(UTC)
            # A turn of an empty county read nothing: do not let a first import wait for the interval's end.
            self._next_turn = now + self._tools.plan.interval if codes else now
        return self._turn

    def _watched(self, watch: Watch, *work: Callable[[], object]) -> bool:
        try:
            for one in work:
                one()
        except LedgerDown:
            raise
        except UpstreamDown as error:
            watch.is_away(error)
            return False
        return True

    def _close(self) -> None:
        self._tools.ledger.close()
        for watch in self._watches:
            watch.close()

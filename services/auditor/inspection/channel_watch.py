"""Watch one channel: read it, confirm differences, store findings, request repairs, and schedule the next reading."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from contracts.envelope.publication import Kind
from services.auditor import metrics
from services.auditor.commands import note_pass, note_repair, open_findings, settle
from services.auditor.inspection.ledger_follower import LedgerReading
from services.auditor.inspection.pacing import Clock, RequestPace
from services.auditor.inspection.public_client import PublicClient
from services.auditor.inspection.repairer import Repairer
from services.auditor.inspection.surface import SurfaceInspector
from services.auditor.model import ALL, WHOLE, Digesting, FindingRow, Look, Observation, Surface, Verdict
from shared.database.engine import Database
from shared.errors import UpstreamDown

DIGESTS_A_PASS = 10
MOST_PENDING = 50
AGAIN_SECONDS = 1.0
CONFIRM_SECONDS = 0.5
RELOOK_SECONDS = 15.0
RESTS = 30
"""A reading is followed by a pause of this many times its duration, even if it is due: imports make lists long."""


@dataclass(frozen=True)
class Plan:
    """Seconds between looks for news and between complete readings; the allowed delay; whether to repair or only
    report.
    """

    poll: float
    interval: float
    allowed: timedelta
    repair: bool = True


@dataclass(frozen=True)
class Tools:
    """What every watch shares. `clock` returns monotonic seconds."""

    db: Database
    ledger: LedgerReading
    digesting: Digesting
    pace: RequestPace
    plan: Plan
    clock: Clock = time.monotonic


class Watch:
    """One channel. Times are those of the clock. Every reading may raise `UpstreamDown`."""

    def __init__(self, tools: Tools, stranger: PublicClient, mender: Repairer) -> None:
        self.name = stranger.name
        self._tools, self._stranger, self._mender = tools, stranger, mender
        self.pending: dict[str, float] = {}
        self._due: dict[Surface, float] = {}
        self._rested: dict[Surface, float] = {}
        self._good: dict[tuple[Surface, str], datetime] = {}
        self._away: float | None = None
        self._relook = 0.0
        with tools.db.read() as session:
            self._open = {(row.surface, row.key) for row in open_findings(session) if row.channel == self.name}

    def news(self) -> None:
        """Read what was released recently. If it is too much to read one by one, read whole surfaces instead."""
        now = self._tools.clock()
        if len(self.pending) > MOST_PENDING:
            self.pending.clear()
            self._due[Surface.CHANGES] = self._due[Surface.LIST] = now
        for code in [code for code, due in self.pending.items() if due <= now]:
            if _late(self.single(code)):
                self.pending[code] = self._tools.clock() + AGAIN_SECONDS
            else:
                self.pending.pop(code, None)

    def wholes(self) -> None:
        """Read the surfaces that are read as a whole and are due."""
        for surface in (Surface.DIGESTS, Surface.CHANGES, Surface.LIST):
            if max(self._due.get(surface, 0.0), self._rested.get(surface, 0.0)) <= self._tools.clock():
                rest = self._tools.plan.interval / (DIGESTS_A_PASS if surface == Surface.DIGESTS else 1)
                look = self.whole(surface)
                if surface == Surface.DIGESTS and look.bad:
                    # Before the repair, even during the pause: operators want to know which fields differ.
                    for evidence in (Surface.CHANGES, Surface.LIST):
                        self._due[evidence] = self._rested[evidence] = 0.0
                rest = min(rest, 2 * AGAIN_SECONDS) if _late(look) else rest
                self._due[surface] = self._tools.clock() + rest

    def single(self, code: str) -> Look:
        """Read an item, its guide and its page, each at its own address.

        If a document is wrong, read all changes soon.
        """
        item, guide = f"{Kind.ITEM}:{code}", f"{Kind.GUIDE}:{code}"
        whole = Look()
        for surface, keys in ((Surface.DOCUMENT, [item, guide]), (Surface.PAGE, [item])):
            look = self._confirmed(lambda surface=surface, keys=keys: self._eye.keys(surface, keys))  # type: ignore[misc]
            self._settle(surface, look, keys)
            whole.checked += look.checked
            whole.unequal |= look.unequal
            if look.bad and surface == Surface.DOCUMENT:
                self._due[Surface.CHANGES] = min(self._due.get(Surface.CHANGES, 0.0), self._tools.clock())
        return whole

    def whole(self, surface: Surface) -> Look:
        """Read one surface completely."""
        began, started = datetime.now(UTC), self._tools.clock()
        look = self._confirmed(lambda: self._eye.whole(surface))
        self._rested[surface] = self._tools.clock() + RESTS * (self._tools.clock() - started)
        self._settle(surface, look, None)
        note_pass(self._tools.db, self.name, surface, began, look)
        return look

    def mend(self) -> None:
        """Request repairs of open findings that are due, and read again; without a repair, read again now and then."""
        if not self._open:
            return
        with self._tools.db.read() as session:
            findings = [row for row in open_findings(session) if row.channel == self.name]
        repairs = self._mender.repair(findings, datetime.now(UTC), self._keys_of) if self._tools.plan.repair else []
        for repair in repairs:
            note_repair(self._tools.db, repair.findings, repair.name, repair.problem)
        if repairs or self._relook <= self._tools.clock():
            self._relook = self._tools.clock() + RELOOK_SECONDS
            self._look_again(findings)

    def answers(self) -> None:
        """Record that the channel answers."""
        self._away = None
        metrics.unreachable.labels(self.name).set(0)
        self._settle(Surface.CHANNEL, Look(), None)

    def is_away(self, error: UpstreamDown) -> None:
        """Record that the channel does not answer; after the allowed delay this is a finding."""
        self._away = self._away or self._tools.clock()
        metrics.unreachable.labels(self.name).set(1)
        if self._tools.clock() - self._away >= self._tools.plan.allowed.total_seconds():
            sighting = Observation(Verdict.MISSING, [{"path": "", "found": str(error)[:200]}])
            self._settle(Surface.CHANNEL, Look(0, {ALL: sighting}), None)

    def close(self) -> None:
        """Close the connections."""
        self._stranger.close()
        self._mender.close()

    @property
    def _eye(self) -> SurfaceInspector:
        tools = self._tools
        follow = partial(tools.ledger.follow, tools.pace.wait)
        return SurfaceInspector(self._stranger, tools.ledger.expectation, tools.digesting, tools.plan.allowed, follow)

    def _confirmed(self, look: Callable[[], Look]) -> Look:
        """Read bad keys again, against the ledger as it is then: the channel or the auditor may have been behind."""
        first = look()
        if not first.bad:
            return first
        self._tools.pace.rest(CONFIRM_SECONDS)
        self._tools.ledger.follow(self._tools.pace.wait)
        second = look()
        return Look(
            second.checked, {key: one for key, one in second.unequal.items() if not one.bad or key in first.bad}
        )

    def _settle(self, surface: Surface, look: Look, keys: Sequence[str] | None) -> None:
        metrics.checked.labels(self.name, surface).inc(look.checked)
        for sighting in look.unequal.values():
            metrics.unequal.labels(self.name, sighting.verdict).inc()
        known = {key for on, key in self._open if on == surface}
        good = known - look.unequal.keys() if keys is None else known.intersection(keys) - look.unequal.keys()
        if look.bad or good:
            settle(self._tools.db, self.name, surface, look.bad, good, self._since(surface, keys))
            self._open -= {(surface, key) for key in good}
            self._open |= {(surface, key) for key in look.bad}
        if not look.bad:
            self._good[surface, ALL if keys is None else keys[0]] = datetime.now(UTC)

    def _since(self, surface: Surface, keys: Sequence[str] | None) -> datetime | None:
        """Return when this was last seen equal; equal digests cover all documents."""
        moments = [self._good.get((surface, ALL if keys is None else keys[0]))]
        if surface in (Surface.CHANGES, Surface.LIST):
            moments.append(self._good.get((Surface.DIGESTS, ALL)))
        return max((moment for moment in moments if moment is not None), default=None)

    def _keys_of(self, bucket: str) -> list[str]:
        tools = self._tools
        return tools.ledger.expectation.keys_in(bucket, tools.digesting.bucket_of)

    def _look_again(self, findings: list[FindingRow]) -> None:
        for surface in WHOLE:
            if any(finding.surface == surface for finding in findings):
                self.whole(surface)
        singles = (row for row in findings if row.surface in (Surface.DOCUMENT, Surface.PAGE))
        for code in sorted({row.key.partition(":")[2] for row in singles}):
            self.single(code)


def _late(look: Look) -> bool:
    return any(sighting.verdict == Verdict.STALE for sighting in look.unequal.values())

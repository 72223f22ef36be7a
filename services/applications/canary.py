"""Releases the canary: one version a minute of a key that nobody can see, to measure the way to the channels.

Each version withdraws a key that was never released. So no channel of any version displays, lists or counts it, and it
takes the way of every release all the same: outbox, relay, ledger, broker, store of the channel (docs/adr/0038).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, select

from contracts.kinds import CANARY, Op
from services.applications.model import SOURCE
from shared import metrics
from shared.database.engine import Database
from shared.feeds.outbox import Draft, ReleaseRow, emit
from shared.timers import Background, periodically

LOOK_SECONDS = 5.0


@dataclass(frozen=True)
class CanaryReleases:
    """Releases the next version when the newest one is `seconds` old, however many processes do the same."""

    db: Database
    region: str
    seconds: float

    def step(self) -> None:
        """Release a version if it is time. Raises `Unavailable` when the database does not answer."""
        with self.db.write() as session:
            newest = _newest(session)
            version = newest.version if newest else 0
            if newest is None or _age(newest) >= timedelta(seconds=self.seconds):
                version += 1
                # If another process releases the same version meanwhile, the constraint refuses one of the two.
                emit(session, SOURCE, [Draft(CANARY, version, Op.WITHDRAW, self.region, None)])
        metrics.canary_released.set(version)


def canary_work(db: Database, region: str, seconds: float) -> dict[str, Background]:
    """Return the background work by name; none when `seconds` is 0."""
    if not seconds:
        return {}
    canary = CanaryReleases(db, region, seconds)
    return {"canary": periodically(min(LOOK_SECONDS, seconds), canary.step, name="canary")}


def _newest(session: Session) -> ReleaseRow | None:
    query = select(ReleaseRow).where(ReleaseRow.key == CANARY).order_by(col(ReleaseRow.version).desc()).limit(1)
    return session.exec(query).first()


def _age(row: ReleaseRow) -> timedelta:
    return datetime.now(UTC) - datetime.fromisoformat(row.released_at)

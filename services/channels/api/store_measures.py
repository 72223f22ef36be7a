"""The gauges of a channel's store."""

from datetime import UTC, datetime

from contracts.base import Json
from services.channels.api import queries
from services.channels.api.cached import CachedUntilChanged, Paced
from services.channels.core import release_sets
from shared import metrics
from shared.database.engine import Database

MEASURE_SECONDS = 5.0


class StoreMeasures:
    """Sets the gauges of one channel every few seconds. Documents are counted only after a change."""

    def __init__(self, db: Database, name: str) -> None:
        self._db, self._name = db, name
        self._cursor = ""
        counted = CachedUntilChanged(lambda: self._cursor, self._count)
        self._due = Paced(MEASURE_SECONDS, self._set_rows)
        self._count_due = Paced(MEASURE_SECONDS, counted.get)

    def set_when_due(self, mark: Json) -> None:
        """Set the gauges if a few seconds have passed; `mark` as from `queries.freshness`."""
        self._cursor = mark["cursor"]
        self._due.get()
        self._count_due.get()
        metrics.position.labels(self._name).set(int(str(mark["position"])))
        if isinstance(mark["head"], dict):
            age = datetime.now(UTC) - datetime.fromisoformat(mark["head"]["time"])
            metrics.head_age.labels(self._name).set(max(age.total_seconds(), 0))

    def _set_rows(self) -> None:
        name = self._name
        with self._db.read() as session:
            metrics.parked.labels(name).set(len(queries.parked(session)))
            metrics.sets_waiting.labels(name).set(len(release_sets.waiting(session)))
            metrics.scheduled.labels(name).set(queries.waiting(session))
            metrics.scheduled_overdue.labels(name).set(queries.overdue_seconds(session))
            metrics.canary_shown.labels(name).set(queries.canary_version(session))

    def _count(self) -> None:
        with self._db.read() as session:
            for kind, count in queries.counts(session).items():
                metrics.documents.labels(self._name, kind).set(count)

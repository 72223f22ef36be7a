"""One lane of one source: record what follows, recognize duplicates, and fetch what is missing."""

from collections.abc import Sequence
from datetime import UTC, datetime

import orjson
from sqlmodel import Session

from contracts.envelope.publication import Lane, Publication, Release
from contracts.envelope.statement import SourceKey
from services.ledger.log.append import MissingVersions, entries_of, record
from services.ledger.log.passed_over import objection, pass_over, takeable, was_passed_over
from services.ledger.signing.known_keys import remember_keys
from services.ledger.signing.signer import Signer
from services.ledger.sources.keys import SourceKeys
from services.ledger.statements import FIRST_MARK, MARK, MOVE_MARK
from shared import log, metrics
from shared.errors import Broken
from shared.feeds.follower import FETCH_LIMIT, Follower, Moved, checked, verified_run, vouched
from shared.feeds.upstream import SourceReader
from shared.signing.ring import RingKey

_log = log.get("ledger")


class SourceLane:
    """One lane of one source: a `FollowedLog` whose store is the ledger. Safe to call from several threads."""

    def __init__(self, keys: SourceKeys, signer: Signer, lane: Lane, reader: SourceReader) -> None:
        self.follower = Follower("ledger", self)
        self.db, self.signer, self.source, self.lane, self.reader = keys.db, signer, keys.source, lane, reader
        self._keys = keys
        # The keys as they were when the current run was fetched: one run is judged by one list.
        self._listed: Sequence[SourceKey] = ()
        # The signing keys that are stored in the ledger already: the key that signs must be among them.
        self._known_ring: Sequence[RingKey] | None = None

    def number_of(self, entry: Release) -> int:
        """See `FollowedLog`."""
        return entry.sequence

    def position(self) -> int:
        """See `FollowedLog`."""
        rows = self.db.fetch(MARK, source=self.source, lane=str(self.lane))
        return int(rows[0].sequence) if rows else 0

    def proven(self, entry: Release) -> Release:
        """Return the entry if a listed key has signed it. Raises `Broken`. A release that will be passed over is not
        judged.

        A release in the source's own feed that its keys do not prove stops the lane until an operator decides: it
        cannot be skipped, because the next version of the same key needs it.
        """
        problem = None if objection(entry) else self._keys.problem(entry, self._listed)
        if problem is not None:
            raise Broken(f"{entry.key} version {entry.version} ({self.source}/{self.lane} {entry.sequence}): {problem}")
        return entry

    def fetch(self, after: int, limit: int) -> list[Release]:
        """See `FollowedLog`."""
        self._listed = self._keys.listed()
        entries = self.reader.releases(self.lane, after, limit)
        return [checked(one) for one in verified_run("ledger", entries, after, self.number_of, self.proven)]

    def take_run(self, releases: Sequence[Release], patience: float | None) -> tuple[list[Release], list[Release]]:
        """Record the releases that continue the lane, without asking the source.

        Return those whose sequence number was taken before, and those that are left, because an earlier one is missing
        or because the lane was busy for longer than `patience` seconds (None: wait). The latter are in the source's
        feed.
        """
        if not self.follower.turn.acquire(timeout=-1 if patience is None else patience):
            return [], list(releases)
        try:
            position = self.follower.where()
            self.follower.is_at(None)
            again = [one for one in releases if one.sequence <= position]
            waiting = {one.sequence: one for one in releases if one.sequence > position}
            metrics.duplicates.labels("ledger").inc(len(again))
            # If the process dies in this loop: each run and its mark are one transaction, so the lane is at the end of
            # the last committed run. The messages are delivered again.
            while run := _following(waiting, position):
                try:
                    self._record(run, run)
                except Moved:
                    position = self.position()
                except MissingVersions:
                    break
                else:
                    position += len(run)
            self.follower.is_at(position)
            return again, [one for number, one in waiting.items() if number > position]
        finally:
            self.follower.turn.release()

    def catch_up(self, *, patient: bool) -> int:
        """See `Follower.catch_up`, and with `patient` `Follower.catch_up_if_stuck`."""
        return self.follower.catch_up_if_stuck() if patient else self.follower.catch_up()

    def reach(self, number: int) -> int:
        """Fetch from the source up to `number`, or to its end; return how many releases. Raises `UpstreamDown`."""
        fetched = 0
        while (at := self.position()) < number:
            entries = self.follower.fetch(at, min(FETCH_LIMIT, number - at))
            if not entries:
                break
            self.follower.advance(entries)
            fetched += len(entries)
        if fetched:
            metrics.gaps_healed.labels("ledger").inc()
            _log.info("caught up", source=self.source, lane=str(self.lane), fetched=fetched)
        return fetched

    def apply(self, entries: Sequence[Release]) -> None:
        """See `FollowedLog`. Predecessors that are in the other lane are fetched and recorded first."""
        whole = list(entries)
        while True:
            try:
                self._record(whole, entries)
                return
            except MissingVersions as missing:
                whole = [*self._predecessors(missing), *whole]

    def take_after_all(self) -> int:
        """Record the passed-over releases that can be recorded now; return how many.

        Raises `UpstreamDown`, `NotFound`, and `Broken` when the source returns another digest.
        """
        with self.db.read() as session:
            rows = takeable(session, self.source, str(self.lane))
        if not rows:
            return 0
        self._listed = self._keys.listed()
        releases = [self._one(row.key, row.version) for row in rows]
        if [one.digest for one in releases] != [row.digest for row in rows]:
            raise Broken(f"{self.source} returns a different release from the one that was skipped")
        while True:
            try:
                # One transaction: if the process dies here, the rows are still there and the next call repeats this.
                with self.db.write() as session:
                    recorded = record(session, releases, self.signer)
                    for row in rows:
                        session.delete(session.merge(row))
                    self.db.notifier.notify(session)
                _measure(recorded)
                return len(recorded)
            except MissingVersions as missing:
                releases = [*self._predecessors(missing), *releases]

    def never_recorded(self, again: Sequence[Release]) -> list[Release]:
        """Return those of these releases that were neither recorded, with this digest, nor passed over."""
        if not again:
            return []
        with self.db.read() as session:
            known = {(row.key, row.version): orjson.loads(row.meta)["digest"] for row in entries_of(session, again)}
            strange = [one for one in again if known.get((one.key, one.version)) != one.digest]
            return [release for release in strange if not was_passed_over(session, release)]

    def _record(self, whole: Sequence[Release], entries: Sequence[Release]) -> None:
        """Record `whole` and advance the lane's mark over `entries`, in one transaction.

        If the process dies before the commit, neither an entry nor the mark exists. After it, both do: redelivered
        messages are duplicates. Raises `MissingVersions`, `Moved`, `Unavailable`.
        """
        with self.db.write() as session:
            recorded = record(session, pass_over(session, whole), self.signer)
            ring = self.signer.ring()
            if ring is not self._known_ring:
                remember_keys(session, self.signer, datetime.now(UTC))
            self._mark(session, entries[0].sequence - 1, entries[-1].sequence)
        self._known_ring = ring
        metrics.duplicates.labels("ledger").inc(len(whole) - len(recorded))
        _measure(recorded)

    def _mark(self, session: Session, before: int, sequence: int) -> None:
        """Advance the lane's mark from `before` to `sequence`. Raises `Moved` when it is not at `before`."""
        values = {"source": self.source, "lane": str(self.lane), "sequence": sequence}
        connection, notifier = session.connection(), self.db.notifier
        moved = connection.execute(notifier.notifying(MOVE_MARK, session), {**values, "before": before}).first()
        if moved is None and before == 0:
            moved = connection.execute(notifier.notifying(FIRST_MARK, session), values).first()
        if moved is None:
            raise Moved(f"{self.source}/{self.lane} is not at {before}")

    def _predecessors(self, missing: MissingVersions) -> list[Release]:
        metrics.ledger_holes.inc(len(missing.versions))
        _log.info("fetching predecessors", count=len(missing.versions))
        self._listed = self._keys.listed()
        return [self._one(missing.key, version) for version in missing.versions]

    def _one(self, key: str, version: int) -> Release:
        """Fetch one release of the source and prove it. Raises `UpstreamDown`, `NotFound`, `Broken`."""
        release = checked(self.reader.release(key, version))
        return vouched("ledger", release, release.sequence, self.proven)


def _following(waiting: dict[int, Release], position: int) -> list[Release]:
    run: list[Release] = []
    while (one := waiting.get(position + len(run) + 1)) is not None:
        run.append(one)
    return run


def _measure(recorded: Sequence[Publication]) -> None:
    for publication in recorded:
        metrics.applied.labels("ledger", publication.op).inc()
        metrics.ledger_position.set(publication.position)

"""The digests of what a channel serves, kept between readings: a reading costs what has changed, not what there is."""

import threading
from collections.abc import Iterator
from typing import Any

from sqlmodel import Session, col, select

from services.channels.core.digests import (
    ALL_BUCKETS,
    BucketDigests,
    Digests,
    bucket_of,
    combined,
    stored_digests,
)
from services.channels.core.model import DocumentRow
from services.channels.core.statements import POSITION_AND_HEAD
from shared.database.engine import Database

AFRESH = 2_000
"""Documents that every reading computes again although nothing says that they have changed."""


class ServedDigests:
    """The digests of one channel. Thread-safe.

    A bucket is computed again when the number of a change says that one of its documents is another. Besides, each
    reading computes the next buckets again, until `AFRESH` documents are read, from the stored bytes: so a document
    that was damaged in the store is noticed after at most documents / `AFRESH` readings, and in a small county by the
    next one.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        # Taken before the snapshot of the database, so that no reader's snapshot is older than what is kept.
        self._lock = threading.Lock()
        self._epoch, self._change = "", -1
        self._known: BucketDigests = {}
        self._next = 0

    def read(self) -> tuple[Any, Digests]:
        """Return the row of `POSITION_AND_HEAD`, and the digests of what is served there."""
        with self._lock, self._db.read() as session:
            at = session.connection().execute(POSITION_AND_HEAD).one()
            stale = {*self._changed(session, at), *self._in_turn()}
            computed = stored_digests(session, DocumentRow, sorted(stale))
            kept = {name: digest for name, digest in self._known.items() if name.bucket not in stale}
            self._known = kept | computed
            self._epoch, self._change = at.epoch, at.change
            return at, combined(self._known)

    def _changed(self, session: Session, at: Any) -> Iterator[str]:
        """Yield the buckets of what has changed since the last reading; all of them in another epoch or history."""
        if at.epoch != self._epoch or at.change < self._change:
            yield from ALL_BUCKETS
            return
        changed = select(DocumentRow.key).where(col(DocumentRow.change) > self._change)
        without_bucket = select(DocumentRow.key).where(DocumentRow.bucket == "")
        for query in (changed, without_bucket):
            yield from map(bucket_of, session.exec(query))

    def _in_turn(self) -> Iterator[str]:
        """Yield the next buckets, at most all of them once."""
        counts = dict.fromkeys(ALL_BUCKETS, 0)
        for name, digest in self._known.items():
            counts[name.bucket] += digest.documents
        read = 0
        for _ in ALL_BUCKETS:
            bucket = ALL_BUCKETS[self._next]
            self._next = (self._next + 1) % len(ALL_BUCKETS)
            yield bucket
            read += counts[bucket]
            if read >= AFRESH:
                return

"""Upstream readers within one process: the same interface as over HTTP, reading the database directly."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import orjson

from contracts.base import Json
from contracts.envelope.publication import Head, Lane, Publication, Release
from contracts.envelope.statement import AuditHead
from services.guides.files.store import FileStore
from services.ledger import queries
from services.ledger.snapshots import snapshot
from shared.audit.queries import head as audit_head
from shared.database.engine import Database
from shared.errors import NotFound
from shared.feeds.outbox import SourceFeed, history, released_version
from shared.feeds.upstream import KeyMark, LedgerKey
from shared.publishing.recording_status import Recording
from shared.signing.offer import OfferedKey
from shared.transparency.proof import LedgerEntry
from shared.transparency.snapshot import Predecessor, SignedStatement, SnapshotPage


class LocalSource:
    """A source in this process, see `shared.feeds.upstream.SourceReader`."""

    def __init__(self, db: Database, source: str) -> None:
        self._db, self._source = db, source

    def releases(self, lane: Lane, after: int, limit: int) -> Sequence[Release]:
        """See `SourceReader`."""
        with self._db.read() as session:
            documents = SourceFeed(self._source, lane).documents(session, after, limit)
        return [Release.model_validate(orjson.loads(document)) for _, document in documents]

    def release(self, key: str, version: int) -> Release:
        """See `SourceReader`."""
        with self._db.read() as session:
            document = released_version(session, key, version)
        if document is None:
            raise NotFound(f"{key} has no version {version}")
        return Release.model_validate(orjson.loads(document))

    def newest(self, key: str) -> Release | None:
        """See `SourceReader`."""
        with self._db.read() as session:
            count = len(history(session, key))
        return self.release(key, count) if count else None

    def heads(self) -> dict[str, int]:
        """See `SourceReader`."""
        with self._db.read() as session:
            return {str(lane): SourceFeed(self._source, lane).head(session) for lane in Lane}

    def keys(self) -> Sequence[OfferedKey]:
        """See `SourceReader`."""
        return self._db.release_signer.offer() if self._db.release_signer else ()

    def audit_head(self) -> AuditHead | None:
        """See `SourceReader`."""
        with self._db.read() as session:
            return AuditHead.model_validate({**audit_head(session), "source": self._source})


class LocalFiles:
    """The files of guides in this process, see `services.channels.files.upstream.FileReader`."""

    def __init__(self, db: Database) -> None:
        self._store = FileStore(db)

    def content(self, sha256: str) -> bytes:
        """See `FileReader`."""
        return self._store.content(sha256)[0]


class LocalPublicLedger:
    """The ledger in this process as a reader without a token sees it, see `PublicLedger` of subscriptions."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def entries(self, first: int, limit: int) -> Sequence[Json]:
        """See `PublicLedger`."""
        with self._db.read() as session:
            rows = queries.entries(session, first, limit)
            return [orjson.loads(one) for one in queries.documents(session, rows, trusted=False, proofs=True)]


class LocalLedger:
    """The ledger in this process, see `shared.feeds.upstream.LedgerReader`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def entries(self, after: int, limit: int) -> Sequence[LedgerEntry]:
        """See `LedgerReader`."""
        with self._db.read() as session:
            rows = queries.entries(session, after + 1, limit)
            proofs = queries.proofs_of(session, {row.position: row.proof for row in rows})
        return [
            LedgerEntry.model_validate({**orjson.loads(row.document()), "proof": proofs[row.position]}) for row in rows
        ]

    def head(self) -> Head:
        """See `LedgerReader`."""
        with self._db.read() as session:
            return Head.model_validate(queries.head(session))

    def consistency(self, first: int, second: int) -> list[bytes]:
        """See `LedgerReader`."""
        with self._db.read() as session:
            return [bytes.fromhex(step) for step in queries.consistency(session, first, second)["path"]]

    def recording(self) -> Recording:
        """See `shared.publishing.recording_status.Latest`."""
        with self._db.read() as session:
            return Recording.model_validate(queries.recording(session))

    def keys(self) -> Sequence[LedgerKey]:
        """See `LedgerReader`."""
        with self._db.read() as session:
            return [LedgerKey.model_validate(key) for key in queries.signing_keys(session, datetime.now(UTC))]

    def current(self, after: str, limit: int) -> Sequence[KeyMark]:
        """See `LedgerReader`."""
        with self._db.read() as session:
            return [KeyMark.model_validate(mark) for mark in queries.current(session, after, limit)]

    def history(self, key: str) -> Iterator[LedgerEntry]:
        """See `LedgerReader`."""
        with self._db.read() as session:
            positions = [mark["position"] for mark in queries.versions(session, key)]
        for position in reversed(positions):
            yield from self.entries(position - 1, 1)

    def snapshot(self) -> SignedStatement:
        """See `SnapshotReader`."""
        with self._db.read() as session:
            return SignedStatement.model_validate(snapshot.snapshot(session))

    def snapshot_page(self, size: int, after: int, limit: int) -> SnapshotPage:
        """See `SnapshotReader`."""
        with self._db.read() as session:
            rows, following = snapshot.page(session, size, after, limit)
        entries = [Publication.model_validate(orjson.loads(row.document())) for row in rows]
        return SnapshotPage(entries=entries, next=following)

    def predecessors(self, size: int, positions: Sequence[int]) -> Sequence[Predecessor]:
        """See `SnapshotReader`."""
        with self._db.read() as session:
            rows, paths = snapshot.predecessors(session, size, positions)
        entries = [Publication.model_validate(orjson.loads(row.document())) for row in rows]
        return [
            Predecessor(entry=entry, path=[step.hex() for step in path])
            for entry, path in zip(entries, paths, strict=True)
        ]

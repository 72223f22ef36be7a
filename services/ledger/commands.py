"""record: give releases their positions and the proof that they have them, in one transaction."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import bindparam, insert, text
from sqlmodel import Session, select

from contracts.base import format_time
from contracts.publication import Lane, Publication, Release
from services.ledger.keyring import RingKey
from services.ledger.known_keys import remember_keys
from services.ledger.memory import Tree
from services.ledger.model import EntryRow, LogRow
from services.ledger.signing import Signer
from shared import log, metrics, proof
from shared.canonical import canonical
from shared.database import Database
from shared.errors import Broken
from shared.follower import Follower, Moved, checked
from shared.merkle import HASH_SIZE, TILE_HEIGHT, TILE_WIDTH, GrowingTiles, inclusion_proofs, leaf_hash, roots_along
from shared.upstream import SourceReader

NEWEST = text("SELECT key, version FROM key WHERE key IN :keys").bindparams(bindparam("keys", expanding=True))
RECORDED = text("SELECT key, version, meta FROM entry WHERE key IN :keys").bindparams(bindparam("keys", expanding=True))
MARK_KEY = text(
    "INSERT INTO key (key, version, position, op, effective_at, first_position) "
    "VALUES (:key, :version, :position, :op, :effective_at, :first_position) "
    "ON CONFLICT (key) DO UPDATE SET version = excluded.version, position = excluded.position, "
    "op = excluded.op, effective_at = excluded.effective_at"
)
PUT_TILE = text(
    "INSERT INTO tile (level, number, hashes) VALUES (:level, :number, :hashes) "
    "ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes"
)
LOCKED_SIZE = select(LogRow.size).where(LogRow.id == 1).with_for_update()
TILE = text("SELECT hashes FROM tile WHERE level = :level AND number = :number")
EDGE_LEVELS = 4
EDGE = text(
    "SELECT level, number, hashes FROM tile WHERE level = 0 AND number = :number0 "
    "OR level = 1 AND number = :number1 OR level = 2 AND number = :number2 OR level = 3 AND number = :number3"
)
"""The tiles that a tree of up to 2^32 entries grows at, in one question."""
GROW = text("UPDATE log SET size = :size WHERE id = 1")
MARK = text("SELECT sequence FROM source WHERE source = :source AND lane = :lane")
MOVE_MARK = (
    "UPDATE source SET sequence = :sequence "
    "WHERE source = :source AND lane = :lane AND sequence = :before "
    "RETURNING sequence /* bell */"
)
FIRST_MARK = (
    "INSERT INTO source (source, lane, sequence) VALUES (:source, :lane, :sequence) "
    "ON CONFLICT (source, lane) DO NOTHING "
    "RETURNING sequence /* bell */"
)
_log = log.get("ledger")


class LaneFollower(Follower[Release]):
    """Follows one lane of one source and records what it releases."""

    def __init__(self, db: Database, signer: Signer, source: str, lane: Lane, reader: SourceReader) -> None:
        super().__init__("ledger", Release, lambda after, limit: reader.releases(lane, after, limit))
        self.db, self.signer, self.source, self.lane, self.reader = db, signer, source, lane, reader
        # The keys that the ledger is known to list: one that signs must be among them.
        self._known_ring: Sequence[RingKey] | None = None

    def number_of(self, entry: Release) -> int:
        return entry.sequence

    def position(self) -> int:
        rows = self.db.ask(MARK, source=self.source, lane=str(self.lane))
        return int(rows[0].sequence) if rows else 0

    def apply(self, entries: Sequence[Release]) -> None:
        """Record the run. What a key misses from the other lane is asked for, and recorded first."""
        whole = list(entries)
        while True:
            try:
                recorded = self._recorded(whole, entries)
                break
            except MissingVersions as missing:
                whole = [*self._predecessors(missing), *whole]
        metrics.duplicates.labels("ledger").inc(len(whole) - len(recorded))
        for publication in recorded:
            metrics.applied.labels("ledger", publication.op).inc()
            metrics.ledger_position.set(publication.position)

    def never_recorded(self, again: Sequence[Release]) -> list[Release]:
        """Those of these that carry a number from before and are nothing that was recorded under it: their source was
        put back to an earlier day, and counts anew what it has counted already.
        """
        if not again:
            return []
        with self.db.read() as session:
            known = {(row.key, row.version): orjson.loads(row.meta)["digest"] for row in _entries_of(session, again)}
        return [release for release in again if known.get((release.key, release.version)) != release.digest]

    def _recorded(self, whole: Sequence[Release], entries: Sequence[Release]) -> list[Publication]:
        with self.db.write() as session:
            recorded = record(session, whole, self.signer)
            ring = self.signer.ring()
            if ring is not self._known_ring:
                remember_keys(session, self.signer, datetime.now(UTC))
            self._mark(session, entries[0].sequence - 1, entries[-1].sequence)
        self._known_ring = ring
        return recorded

    def _mark(self, session: Session, before: int, sequence: int) -> None:
        """Move the lane's mark from `before` to `sequence`. Raises `Moved` when it is not at `before`."""
        values = {"source": self.source, "lane": str(self.lane), "sequence": sequence}
        connection, bell = session.connection(), self.db.bell
        moved = connection.execute(bell.ringing(MOVE_MARK, session), {**values, "before": before}).first()
        if moved is None and before == 0:
            moved = connection.execute(bell.ringing(FIRST_MARK, session), values).first()
        if moved is None:
            raise Moved(f"{self.source}/{self.lane} is not at {before}")

    def _predecessors(self, missing: "MissingVersions") -> list[Release]:
        metrics.ledger_holes.inc(len(missing.versions))
        _log.info("asking for predecessors", count=len(missing.versions))
        return [checked(self.reader.release(missing.key, version)) for version in missing.versions]


class MissingVersions(Broken):
    """A version came before its predecessors, which are in the other lane."""

    def __init__(self, key: str, versions: range) -> None:
        self.key, self.versions = key, versions
        super().__init__(f"{key}: versions {versions.start} to {versions.stop - 1} are missing")


def record(session: Session, releases: Sequence[Release], signer: Signer) -> list[Publication]:
    """Append what is new, in order, each with its proof to a checkpoint of all; duplicates are ignored.

    The signature leaves with the transaction or not at all. Raises `MissingVersions` for one before its predecessor,
    and `WouldFork` when the ledger does not continue the head that was signed last.
    """
    size = _locked_size(session)
    newest = _newest(session, [release.key for release in releases])
    now = datetime.now(UTC)
    publications: list[Publication] = []
    for release in releases:
        known = newest.get(release.key, 0)
        if release.version <= known:
            continue
        if release.version != known + 1:
            raise MissingVersions(release.key, range(known + 1, release.version))
        newest[release.key] = release.version
        position = size + len(publications) + 1
        publications.append(Publication.model_construct(**vars(release), position=position, recorded_at=now))
    if publications:
        _append(session, size, publications, signer)
    return publications


def _entries_of(session: Session, releases: Sequence[Release]) -> Sequence[Any]:
    keys = {release.key for release in releases}
    return session.connection().execute(RECORDED, {"keys": list(keys)}).all()


class StoredTiles:
    """Tiles of the database, see `shared.merkle.Tiles`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._edge: dict[tuple[int, int], bytes] = {}

    @classmethod
    def at_edge(cls, session: Session, size: int) -> "StoredTiles":
        """The same, having read already whatever a tree of this size needs to grow and to be proven."""
        tiles = cls(session)
        at = {level: size >> TILE_HEIGHT * (level + 1) for level in range(EDGE_LEVELS)}
        tiles._edge = dict.fromkeys(at.items(), b"")
        found = session.connection().execute(EDGE, {f"number{level}": number for level, number in at.items()})
        tiles._edge |= {(row.level, row.number): bytes(row.hashes) for row in found}
        return tiles

    def tile(self, level: int, index: int) -> bytes:
        if (level, index) in self._edge:
            return self._edge[level, index]
        row = self._session.connection().execute(TILE, {"level": level, "number": index}).first()
        return bytes(row.hashes) if row else b""


def _locked_size(session: Session) -> int:
    """Number of entries, locked against every other sequencer until this transaction ends."""
    # SQLite leaves FOR UPDATE out: there a writer has the whole file.
    return int(session.connection().execute(LOCKED_SIZE).scalar_one())


def _newest(session: Session, keys: list[str]) -> dict[str, int]:
    return {str(row.key): int(row.version) for row in session.connection().execute(NEWEST, {"keys": list(set(keys))})}


def _append(session: Session, size: int, publications: Sequence[Publication], signer: Signer) -> None:
    tiles = GrowingTiles(StoredTiles.at_edge(session, size), size)
    for publication in publications:
        tiles.append(leaf_hash(canonical(publication.leaf())))
    root, paths = inclusion_proofs(tiles, size, tiles.size, tiles.size)
    signer.memory.require_growth(_before(tiles, size, paths[0]), Tree(tiles.size, root), tiles)
    checkpoint = signer.batch_checkpoint(tiles.size, root)
    proofs = [proof.written(size + number, path, checkpoint) for number, path in enumerate(paths)]
    connection = session.connection()
    connection.execute(insert(EntryRow), [_row(*one) for one in zip(publications, proofs, strict=True)])
    first = {publication.key: publication.position for publication in reversed(publications)}
    marks = {publication.key: _key_mark(publication, first) for publication in publications}
    connection.execute(MARK_KEY, list(marks.values()))
    grown = [{"level": level, "number": number, "hashes": hashes} for (level, number), hashes in tiles.changed.items()]
    connection.execute(PUT_TILE, grown)
    connection.execute(GROW, {"size": tiles.size})


def _before(tiles: GrowingTiles, size: int, path: list[bytes]) -> Tree:
    """The tree of the first `size` entries, as the path of the next one tells it."""
    number, offset = divmod(size, TILE_WIDTH)
    leaf = tiles.tile(0, number)[offset * HASH_SIZE :][:HASH_SIZE]
    roots = roots_along(size, tiles.size, leaf, path)
    assert roots is not None, "the path was made of this very tree"
    return Tree(size, roots.before)


def _key_mark(publication: Publication, first: Mapping[str, int]) -> dict[str, Any]:
    """`first`: where each key is met first in this run; of a key that is known already nobody takes it over."""
    return {
        "key": publication.key,
        "version": publication.version,
        "position": publication.position,
        "op": publication.op,
        "effective_at": format_time(publication.effective_at) if publication.effective_at else None,
        "first_position": first[publication.key],
    }


def _row(publication: Publication, proof: str) -> dict[str, Any]:
    meta = publication.model_dump(mode="json", exclude={"body", "proof"})
    return {
        "position": publication.position,
        "key": publication.key,
        "version": publication.version,
        "kind": publication.kind,
        "released_at": meta["released_at"],
        "meta": orjson.dumps(meta).decode(),
        "body": None if publication.body is None else orjson.dumps(publication.body).decode(),
        "proof": proof,
    }

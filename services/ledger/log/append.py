"""Append releases to the log: assign positions and store a proof with each entry, in one transaction."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import insert
from sqlmodel import Session, select

from contracts.base import format_time
from contracts.envelope.publication import Publication, Release
from services.ledger.model import EntryRow, LogRow
from services.ledger.signing.signed_head_store import SignedTree
from services.ledger.signing.signer import Signer
from services.ledger.statements import (
    EDGE_TILES,
    ENTRIES_OF_KEYS,
    NEWEST_VERSIONS,
    PUT_TILE,
    SET_NEWEST,
    SET_SIZE,
    TILE,
)
from shared.errors import Broken
from shared.transparency import proof
from shared.transparency.canonical import canonical
from shared.transparency.merkle import (
    HASH_SIZE,
    TILE_HEIGHT,
    TILE_WIDTH,
    GrowingTiles,
    inclusion_proofs,
    leaf_hash,
    roots_along,
)

LOCKED_SIZE = select(LogRow.size).where(LogRow.id == 1).with_for_update()
EDGE_LEVELS = 4
"""Those that `EDGE_TILES` reads."""


class MissingVersions(Broken):
    """A release came before earlier versions of its key, which are in the other lane."""

    def __init__(self, key: str, versions: range) -> None:
        self.key, self.versions = key, versions
        super().__init__(f"{key}: versions {versions.start} to {versions.stop - 1} are missing")


def record(session: Session, releases: Sequence[Release], signer: Signer) -> list[Publication]:
    """Append the new releases in order, each with an inclusion proof to one checkpoint; ignore duplicates.

    Everything happens in the caller's transaction. If the process dies before the commit, no entry and no signature
    exists outside it; after the commit, each entry is stored with its proof and the relay sends it.

    Raises `MissingVersions` for a release before its predecessor, and `WouldFork` when the ledger does not continue the
    last signed head.
    """
    # The lock is held until the commit: no other sequencer assigns the same positions.
    size = locked_size(session)
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


def entries_of(session: Session, releases: Sequence[Release]) -> Sequence[Any]:
    """Return `(key, version, meta)` of every entry of these releases' keys."""
    keys = {release.key for release in releases}
    return session.connection().execute(ENTRIES_OF_KEYS, {"keys": list(keys)}).all()


class StoredTiles:
    """The tiles in the database, see `shared.transparency.merkle.Tiles`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._edge: dict[tuple[int, int], bytes] = {}

    @classmethod
    def at_edge(cls, session: Session, size: int) -> "StoredTiles":
        """Return the tiles with those already read that a tree of this size needs in order to grow and to prove."""
        tiles = cls(session)
        at = {level: size >> TILE_HEIGHT * (level + 1) for level in range(EDGE_LEVELS)}
        tiles._edge = dict.fromkeys(at.items(), b"")
        found = session.connection().execute(EDGE_TILES, {f"number{level}": number for level, number in at.items()})
        tiles._edge |= {(row.level, row.number): bytes(row.hashes) for row in found}
        return tiles

    def tile(self, level: int, index: int) -> bytes:
        if (level, index) in self._edge:
            return self._edge[level, index]
        row = self._session.connection().execute(TILE, {"level": level, "number": index}).first()
        return bytes(row.hashes) if row else b""


def locked_size(session: Session) -> int:
    """Return the number of entries, and lock it against every other sequencer until this transaction ends."""
    # SQLite has no FOR UPDATE and omits it: a writing transaction locks the whole file.
    return int(session.connection().execute(LOCKED_SIZE).scalar_one())


def _newest(session: Session, keys: list[str]) -> dict[str, int]:
    rows = session.connection().execute(NEWEST_VERSIONS, {"keys": list(set(keys))})
    return {str(row.key): int(row.version) for row in rows}


def _append(session: Session, size: int, publications: Sequence[Publication], signer: Signer) -> None:
    tiles = GrowingTiles(StoredTiles.at_edge(session, size), size)
    for publication in publications:
        tiles.append(leaf_hash(canonical(publication.leaf())))
    root, paths = inclusion_proofs(tiles, size, tiles.size, tiles.size)
    # Raises before anything is signed. The store of signed heads is not changed: it changes when a head is signed.
    signer.memory.require_growth(_before(tiles, size, paths[0]), SignedTree(tiles.size, root), tiles)
    # This signature is only in memory until the commit: if the process dies here, nobody has seen it.
    checkpoint = signer.batch_checkpoint(tiles.size, root)
    proofs = [proof.written(size + number, path, checkpoint) for number, path in enumerate(paths)]
    connection = session.connection()
    connection.execute(insert(EntryRow), [_row(*one) for one in zip(publications, proofs, strict=True)])
    first = {publication.key: publication.position for publication in reversed(publications)}
    marks = {publication.key: _key_mark(publication, first) for publication in publications}
    connection.execute(SET_NEWEST, list(marks.values()))
    grown = [{"level": level, "number": number, "hashes": hashes} for (level, number), hashes in tiles.changed.items()]
    connection.execute(PUT_TILE, grown)
    connection.execute(SET_SIZE, {"size": tiles.size})


def _before(tiles: GrowingTiles, size: int, path: list[bytes]) -> SignedTree:
    """Compute the tree of the first `size` entries from the inclusion path of the next entry."""
    number, offset = divmod(size, TILE_WIDTH)
    leaf = tiles.tile(0, number)[offset * HASH_SIZE :][:HASH_SIZE]
    roots = roots_along(size, tiles.size, leaf, path)
    if roots is None:
        raise Broken("the ledger's tiles do not yield the path of the next entry: run `tongyuan verify`")
    return SignedTree(size, roots.before)


def _key_mark(publication: Publication, first: Mapping[str, int]) -> dict[str, Any]:
    """`first`: the first position of each key in this batch; used only for a key that is new to the ledger."""
    return {
        "key": publication.key,
        "version": publication.version,
        "position": publication.position,
        "op": publication.op,
        "effective_at": format_time(publication.effective_at) if publication.effective_at else None,
        "expires_at": format_time(publication.expires_at) if publication.expires_at else None,
        "first_position": first[publication.key],
    }


def meta_of(publication: Publication) -> dict[str, Any]:
    """Return what an entry's row stores as `meta`."""
    absent = {"body", "proof", "no_body", "withheld_until"} | (set() if publication.part_of else {"part_of"})
    return publication.model_dump(mode="json", exclude=absent)


def _row(publication: Publication, proof: str) -> dict[str, Any]:
    meta = meta_of(publication)
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

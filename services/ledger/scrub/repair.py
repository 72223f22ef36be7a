"""Repair damage where the replacement can be proven to be what was recorded.

body      from its source: the release whose digest equals the leaf's
meta      from its source, with position and time as far as they can be read, if the result gives the leaf in the tree
columns   from the meta, whose leaf is in the tile
tile      from the entries' metas, if their leaves lead to an intact hash above, or to the head's root

Each repair is one transaction that checks again first: if the process dies before the commit, nothing has changed.
Bodies that the law has erased are not restored.
"""

from collections.abc import Iterator, Mapping

import orjson
from sqlmodel import Session, col, select, update

from contracts.base import format_time
from contracts.envelope.publication import Op, Publication, Release
from contracts.kinds import KINDS, kind_of
from services.ledger import queries
from services.ledger.erasure.retention import ErasureRow
from services.ledger.log.append import LOCKED_SIZE, StoredTiles, meta_of
from services.ledger.model import EntryRow
from services.ledger.scrub.check import check_entry, check_tree, full_root, hash_above, leaf_at, read_meta
from services.ledger.scrub.model import DamagedPart, DamageRow
from services.ledger.statements import PUT_TILE
from shared.database.engine import Database
from shared.errors import Broken, NotFound, TongyuanError
from shared.feeds.upstream import SourceReader
from shared.transparency.canonical import canonical, digest
from shared.transparency.merkle import HASH_SIZE, TILE_WIDTH, Tiles, leaf_hash

NEIGHBOURS = 2


class Unmendable(Broken):
    """Nothing available can be proven to be what was recorded: an operator must use a backup, see docs/operating."""


def mend(db: Database, readers: Mapping[str, SourceReader], damage: DamageRow) -> None:
    """Restore what was recorded. Raises `Unmendable`, and `UpstreamDown` while the source does not answer."""
    match damage.part:
        case DamagedPart.BODY | DamagedPart.META:
            release = _released(db, readers, damage)
            with db.write() as session:
                _mend_entry(session, damage, release)
        case DamagedPart.COLUMNS:
            with db.write() as session:
                _mend_columns(session, damage.position)
        case DamagedPart.TILE:
            with db.write() as session:
                # The lock keeps any sequencer from extending the tree meanwhile.
                session.connection().execute(LOCKED_SIZE)
                _mend_tile(session, damage.position)
        case _:
            raise Unmendable("the recorded content cannot be determined here: compare with a backup or a mirror")


def _released(db: Database, readers: Mapping[str, SourceReader], damage: DamageRow) -> Release:
    with db.read() as session:
        row = queries.entry(session, damage.position)
    known = read_meta(row)
    kind = KINDS.get(kind_of(row.key))
    source = known.source if known else kind.owner(row.key) if kind else ""
    if source not in readers:
        raise Unmendable(f"no source may release {row.key}")
    try:
        release = readers[source].release(row.key, row.version)
    except NotFound:
        raise Unmendable(f"{source} has no version {row.version} of {row.key}") from None
    if release.body is None and release.op == Op.RELEASE:
        raise Unmendable(f"{source} no longer has its body")
    if release.body is not None and digest(release.content()) != release.digest:
        raise Unmendable(f"the release at {source} is damaged too: its digest differs")
    return release


def _mend_entry(session: Session, damage: DamageRow, release: Release) -> None:
    row = queries.entry(session, damage.position)
    stored = leaf_at(StoredTiles(session), row.position)
    entry = next((one for one in _candidates(session, row, release) if _leaf(one) == stored), None)
    if entry is None:
        raise Unmendable(f"the release of {row.key} version {row.version} at {release.source} does not match the leaf")
    body = None if session.get(ErasureRow, row.position) or release.body is None else orjson.dumps(release.body)
    values = {"meta": orjson.dumps(meta_of(entry)).decode(), "body": None if body is None else body.decode()}
    _write(session, entry, values if damage.part == DamagedPart.META else {"body": values["body"]})


def _candidates(session: Session, row: EntryRow, release: Release) -> Iterator[Publication]:
    """Yield the entry from its meta if that is intact, then entries made of the release and the rest of the meta.

    `recorded_at` is stored nowhere else. All entries of a batch have the same, so the neighbours' times are tried too.
    """
    known = read_meta(row)
    if known is not None:
        yield known
    around = queries.entries(session, max(1, row.position - NEIGHBOURS), 2 * NEIGHBOURS + 1)
    beside = [read_meta(one) for one in around if one.position != row.position]
    for moment in [one.recorded_at for one in (known, *beside) if one is not None]:
        yield Publication.model_validate(
            {**release.model_dump(mode="json"), "position": row.position, "recorded_at": format_time(moment)}
        )


def _mend_columns(session: Session, position: int) -> None:
    row = queries.entry(session, position)
    entry = read_meta(row)
    if entry is None or _leaf(entry) != leaf_at(StoredTiles(session), position):
        raise Unmendable("the meta is damaged too")
    _write(session, entry, {})


def _write(session: Session, entry: Publication, values: Mapping[str, str | None]) -> None:
    columns = {
        "key": entry.key,
        "version": entry.version,
        "kind": entry.kind,
        "released_at": format_time(entry.released_at),
    }
    session.exec(update(EntryRow).where(col(EntryRow.position) == entry.position).values(**columns, **values))
    session.expire_all()
    row = session.exec(select(EntryRow).where(EntryRow.position == entry.position)).one()
    erased = {entry.position} if session.get(ErasureRow, entry.position) else set[int]()
    if left := [one.detail for one in check_entry(session, row, StoredTiles(session), erased)]:
        raise Unmendable("; ".join(left))


def _mend_tile(session: Session, position: int) -> None:
    """Rebuild the tile with this leaf from its entries' metas, and the hashes above it that differ.

    The result is written only if it leads to the signed head or to an intact hash above.
    """
    number = (position - 1) // TILE_WIDTH
    rows = queries.entries(session, number * TILE_WIDTH + 1, TILE_WIDTH)
    entries = [read_meta(row) for row in rows]
    if any(entry is None for entry in entries):
        raise Unmendable("an entry of this tile cannot be read")
    made = _Changed(StoredTiles(session))
    made.tiles[0, number] = b"".join(_leaf(entry) for entry in entries if entry is not None)
    level = 0
    while (above := hash_above(made, level, number)) and above != (root := full_root(made.tile(level, number))):
        index, offset = divmod(number, TILE_WIDTH)
        tile = made.tile(level + 1, index)
        made.tiles[level + 1, index] = tile[: offset * HASH_SIZE] + root + tile[(offset + 1) * HASH_SIZE :]
        level, number = level + 1, index
    head = queries.newest_head(session)
    if not above and (head is None or head.size < rows[-1].position or check_tree(session, made) is not None):
        raise Unmendable("no signed head covers these entries yet: the repair is tried again at the next head")
    changed = [{"level": at[0], "number": at[1], "hashes": hashes} for at, hashes in made.tiles.items()]
    session.connection().execute(PUT_TILE, changed)


class _Changed:
    """The stored tiles, some of them replaced by `tiles`."""

    def __init__(self, base: Tiles) -> None:
        self._base = base
        self.tiles: dict[tuple[int, int], bytes] = {}

    def tile(self, level: int, index: int) -> bytes:
        """See `Tiles`."""
        return self.tiles[level, index] if (level, index) in self.tiles else self._base.tile(level, index)


def _leaf(entry: Publication) -> bytes:
    try:
        return leaf_hash(canonical(entry.leaf()))
    except TongyuanError:
        return b""
